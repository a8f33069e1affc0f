package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/runtimeapi"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/local/sqsserver/sqstest"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/queue"
)

// BenchmarkPath times the whole path (in-memory SQS, event source mapping, bootstrap, Postgres)
// against COPY of the same rows into a second table with the same columns. The rows are decoded and
// masked before COPY is timed. An empty function shows what the path costs without ours. They take
// turns in one run. COPY writes one batch per statement over one connection. The server writes to
// disk before it answers.
func BenchmarkPath(b *testing.B) {
	for _, size := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d/concurrency=2", size), func(b *testing.B) { benchmarkPath(b, size, 2) })
	}
}

func benchmarkPath(b *testing.B, size, concurrency int) {
	plain := plainLogins(b)
	c, err := contract.Load(contracts.Files, plain)
	if err != nil {
		b.Fatal(err)
	}
	twin := c.Table()
	twin.Name, twin.Recover, twin.Subject = "user_logins_copy", nil, "" // nobody enters it
	db := postgrestest.New(b, c.Table(), twin)
	server := sqstest.Start(b)
	keyring := string(mask.GenerateKeyring())
	function := startFunction(b, bootstrap, concurrency, "CONTRACT="+plain, "DATABASE_URL="+db.URL, "MASK_KEYRING="+keyring)

	n := min(size*100, 20_000)
	bodies := sample.ValidLogins(n, 1)
	copier := newCopier(b, c, twin, keyring, postgrestest.Open(b, db.URL), bodies, size)
	empty := startFunction(b, buildEmpty(b), concurrency)
	var path, copied, least time.Duration
	for b.Loop() {
		db.Exec(b, "truncate user_logins, user_logins_copy")
		least += drainAll(b, server, empty, bodies, size, concurrency)
		path += drainAll(b, server, function, bodies, size, concurrency)
		if got := db.QueryStrings(b, "select count(*) from user_logins")[0]; got != fmt.Sprint(n) {
			b.Fatalf("%s rows, want %d", got, n)
		}
		copied += copier.run(b)
	}
	b.ReportMetric(0, "ns/op") // it would include both, and the filling of the queue
	b.ReportMetric(float64(n*b.N)/path.Seconds(), "rows/s")
	b.ReportMetric(float64(n*b.N)/copied.Seconds(), "COPY-rows/s")
	b.ReportMetric(copied.Seconds()/path.Seconds(), "ratio-of-COPY")
	b.ReportMetric(least.Seconds()/path.Seconds(), "ratio-of-an-empty-function")
}

// BenchmarkAgainstAScript times the whole path against what people write by hand, on the same
// endpoint and server in the same run. The script is one goroutine that receives ten messages,
// inserts row by row and deletes one by one. It neither validates nor masks.
func BenchmarkAgainstAScript(b *testing.B) {
	plain := plainLogins(b)
	c, err := contract.Load(contracts.Files, plain)
	if err != nil {
		b.Fatal(err)
	}
	twin := c.Table()
	twin.Name, twin.Recover, twin.Subject = "user_logins_script", nil, "" // nobody enters it
	db := postgrestest.New(b, c.Table(), twin)
	server := sqstest.Start(b)
	function := startFunction(b, bootstrap, 2, "CONTRACT="+plain, "DATABASE_URL="+db.URL, "MASK_KEYRING="+string(mask.GenerateKeyring()))
	const many, few = 20_000, 1_000 // the script is slow: it gets fewer, so that both take about as long
	bodies := sample.ValidLogins(many, 1)
	pool := postgrestest.Open(b, db.URL)
	var path, script time.Duration
	for b.Loop() {
		db.Exec(b, "truncate user_logins, user_logins_script")
		path += drainAll(b, server, function, bodies, 1000, 2)
		script += runScript(b, server, pool, bodies[:few])
		if got := db.Query(b, "select (select count(*) from user_logins), (select count(*) from user_logins_script)")[0]; got[0] != fmt.Sprint(many) || got[1] != fmt.Sprint(few) {
			b.Fatalf("%s rows", got)
		}
	}
	rate, baseline := float64(many*b.N)/path.Seconds(), float64(few*b.N)/script.Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate, "rows/s")
	b.ReportMetric(baseline, "script-rows/s")
	b.ReportMetric(rate/baseline, "times-the-script")
	if rate < 10*baseline {
		b.Errorf("%.1f times the script: it must be at least 10 times", rate/baseline)
	}
}

// runScript fills a queue and returns how long the script takes to drain it.
func runScript(b *testing.B, server *sqstest.Server, pool *postgres.Pool, bodies []string) time.Duration {
	client, queueURL := server.Client, server.CreateQueue(b, "script", nil)
	server.Send(b, queueURL, bodies)
	started := time.Now()
	for done := 0; done < len(bodies); {
		out, err := client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queueURL, MaxNumberOfMessages: 10})
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range out.Messages {
			var l sample.Login
			if err := json.Unmarshal([]byte(*m.Body), &l); err != nil {
				b.Fatal(err)
			}
			if _, err := pool.Pgx().Exec(b.Context(), `
				insert into user_logins_script (user_id, device_type, masked_ip, masked_device_id, locale, app_version, create_date, sent_at, event_id)
				values ($1, $2, $3, $4, $5, $6, current_date, now(), $7)`,
				l.UserID, l.DeviceType, l.IP, l.DeviceID, l.Locale, l.AppVersion, *m.MessageId); err != nil {
				b.Fatal(err)
			}
			if _, err := client.DeleteMessage(b.Context(), &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				b.Fatal(err)
			}
			done++
		}
	}
	return time.Since(started)
}

// BenchmarkStart reports how long the function takes from the start of its process to its first
// request for an invocation, and how much longer that is than for a function that does nothing. It
// has connected to the database by then. This is what a cold start adds to Lambda's own part.
func BenchmarkStart(b *testing.B) {
	empty, env := buildEmpty(b), functionOn(b)
	init := func(program string) time.Duration {
		f, err := runtimeapi.Start(b.Context(), runtimeapi.Config{Bootstrap: program, Env: env})
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close(b.Context())
		return f.Stats().Init
	}
	var took, least []time.Duration
	for b.Loop() {
		took, least = append(took, init(bootstrap)), append(least, init(empty))
	}
	b.ReportMetric(0, "ns/op") // it would include the end of the process
	b.ReportMetric(median(took).Seconds()*1000, "ms/start")
	b.ReportMetric((median(took)-median(least)).Seconds()*1000, "ms/start-over-empty")
}

// buildEmpty builds a function that does nothing.
func buildEmpty(b *testing.B) (program string) {
	program = filepath.Join(b.TempDir(), "empty")
	if err := build(program, "./testdata/empty"); err != nil {
		b.Fatal(err)
	}
	return program
}

// BenchmarkMemory reports the most memory that the function has used after the largest possible
// batches: 10,000 messages, 6 MB.
func BenchmarkMemory(b *testing.B) {
	var peak int64
	f, err := runtimeapi.Start(b.Context(), runtimeapi.Config{
		Bootstrap: bootstrap, Env: functionOn(b), Timeout: time.Minute, Report: func(r runtimeapi.Report) { peak = r.MaxMemory },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close(b.Context())
	payload, err := json.Marshal(eventOf(sample.Messages(10_000, 1)))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := f.Invoke(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(payload))/1e6, "payload-MB")
	b.ReportMetric(float64(peak)/1e6, "peak-MB")
}

// functionOn returns the environment of a function that has a database of its own.
func functionOn(b testing.TB) []string {
	plain := plainLogins(b)
	c, err := contract.Load(contracts.Files, plain)
	if err != nil {
		b.Fatal(err)
	}
	return []string{"CONTRACT=" + plain, "DATABASE_URL=" + postgrestest.New(b, c.Table()).URL, "MASK_KEYRING=" + string(mask.GenerateKeyring())}
}

// drainAll fills a queue and returns the time from the first poll to the last deletion.
func drainAll(b *testing.B, server *sqstest.Server, function *runtimeapi.Function, bodies []string, size, concurrency int) time.Duration {
	queueURL, _ := server.CreateQueues(b, "logins", 3, map[string]string{"VisibilityTimeout": "60"})
	server.Send(b, queueURL, bodies)
	started := time.Now()
	var took time.Duration // up to the last change
	m := eventsource.Mapping{
		Queue: queue.New(server.Client, queueURL), Function: function, BatchSize: size, Concurrency: concurrency,
		IdleTimeout: 200 * time.Millisecond, Observe: func(eventsource.Progress) { took = time.Since(started) },
	}
	summary, err := m.Run(b.Context())
	if err != nil || summary.Succeeded != len(bodies) {
		b.Fatalf("%+v, %v", summary, err)
	}
	return took
}

// copier is a pgx.CopyFromSource of rows that are decoded and masked already.
type copier struct {
	pool    *postgres.Pool
	table   contract.Table
	columns []string
	rows    [][]any
	size    int // rows per statement
	next    int
	end     int
}

func newCopier(b *testing.B, c *contract.Contract, twin contract.Table, keyring string, pool *postgres.Pool, bodies []string, size int) *copier {
	k, err := mask.ParseKeyring([]byte(keyring))
	if err != nil {
		b.Fatal(err)
	}
	copies := &copier{pool: pool, table: twin, size: size}
	for _, column := range twin.Columns {
		copies.columns = append(copies.columns, column.Name)
	}
	copies.columns = append(copies.columns, "create_date", "sent_at", "event_id")
	for _, body := range bodies {
		record, err := c.Decode([]byte(body))
		if err != nil {
			b.Fatal(err)
		}
		row := c.Mask(k, record)
		var values []any
		for i := range row.Len() {
			values = append(values, plain(row.Value(i), twin.Columns[i].Type))
		}
		copies.rows = append(copies.rows, append(values, nil, nil, nil))
	}
	return copies
}

func plain(v contract.Value, t contract.Type) any {
	switch {
	case v.IsNull():
		return nil
	case t == contract.BigInt:
		return v.Int()
	case t == contract.Double:
		return v.Float()
	case t == contract.UUID:
		return v.UUID()
	case t == contract.Timestamptz:
		return v.Time()
	default:
		return v.Text()
	}
}

func (c *copier) run(b *testing.B) time.Duration {
	now := time.Now()
	for i, row := range c.rows {
		var id [16]byte
		rand.Read(id[:])
		sent := sentAt(now, i%c.size)
		row[len(row)-3], row[len(row)-2], row[len(row)-1] = sent, sent, id
	}
	started := time.Now()
	for c.next, c.end = 0, 0; c.end < len(c.rows); {
		c.end = min(c.end+c.size, len(c.rows))
		if _, err := c.pool.Pgx().CopyFrom(b.Context(), []string{c.table.Schema, c.table.Name}, c.columns, c); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(started)
}

func (c *copier) Next() bool {
	if c.next == c.end {
		return false
	}
	c.next++
	return true
}

func (c *copier) Values() ([]any, error) { return c.rows[c.next-1], nil }
func (c *copier) Err() error             { return nil }
