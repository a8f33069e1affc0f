package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/runtimeapi"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/postgrestest"
)

// BenchmarkFunction times the function alone (SQS events as payload, bootstrap, Runtime API,
// Postgres) against COPY of the same rows over one connection into the same table, in turn. The
// rows are ready before COPY is timed. The server writes to disk before it answers.
func BenchmarkFunction(b *testing.B) {
	for _, size := range []int{10, 100, 1000, 10_000} {
		for _, environments := range []int{1, 2} {
			b.Run(fmt.Sprintf("batch=%d/environments=%d", size, environments), func(b *testing.B) {
				benchmarkFunction(b, plainLogins(b), sample.ValidLogins(size, 1), environments, direct)
			})
		}
	}
}

// benchmarkFunction loads batches of the messages, each time as new ones.
func benchmarkFunction(b *testing.B, nameOrPath string, bodies []string, environments int, address func(*testing.B, *postgrestest.Database) string) {
	c, err := contract.Load(contracts.Files, nameOrPath)
	if err != nil {
		b.Fatal(err)
	}
	db := postgrestest.New(b, c.Table())
	keyring := string(mask.GenerateKeyring())
	function := startFunction(b, bootstrap, environments,
		"CONTRACT="+nameOrPath, "DATABASE_URL="+address(b, db), "MASK_KEYRING="+keyring, "VAULT_PUBLIC_KEY="+postgrestest.VaultKey().String())
	empty := startFunction(b, buildEmpty(b), environments)
	size := len(bodies)
	batches := make([]*batch, 4*environments)
	var all []string
	for i := range batches {
		batches[i] = newBatch(b, bodies)
		all = append(all, bodies...)
	}
	// COPY of a guarded table must seem to have entered it; see 0005_guard.sql.
	entered := db.QueryStrings(b, "select $1::regclass::oid::text", c.Table().Name)[0]
	copier := newCopier(b, c, c.Table(), keyring, postgrestest.Open(b, withParameter(b, db.URL, "sqs2pg.entered", entered)), all, size)
	invokeAll(b, function, environments, batches, nothingFailed) // partitions and caches are warm then
	copier.run(b)
	var spent, copied, least []time.Duration
	before := processorTime(b)
	for b.Loop() {
		spent = append(spent, invokeAll(b, function, environments, batches, nothingFailed))
		copied = append(copied, copier.run(b))
		least = append(least, invokeAll(b, empty, environments, batches, "null"))
	}
	processor := processorTime(b) - before
	if got, want := db.QueryStrings(b, "select count(*) from "+c.Table().Name)[0], fmt.Sprint((2*b.N+2)*len(all)); got != want {
		b.Fatalf("%s rows, want %s", got, want)
	}
	rows := float64(len(all))
	b.ReportMetric(0, "ns/op") // it would include both
	b.ReportMetric(rows/median(spent).Seconds(), "rows/s")
	b.ReportMetric(rows/median(copied).Seconds(), "COPY-rows/s")
	b.ReportMetric(median(copied).Seconds()/median(spent).Seconds(), "ratio-of-COPY")
	b.ReportMetric((median(copied)+median(least)).Seconds()/median(spent).Seconds(), "ratio-of-COPY-and-an-empty-function")
	b.ReportMetric(float64(processor.Microseconds())/rows/float64(b.N), "cpu-us/message")
}

// withParameter adds a setting of the session to the URL of a database.
func withParameter(b *testing.B, database, name, value string) string {
	u, err := url.Parse(database)
	if err != nil {
		b.Fatal(err)
	}
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

// startFunction starts a function, which ends with the benchmark.
func startFunction(b *testing.B, program string, environments int, env ...string) *runtimeapi.Function {
	function, err := runtimeapi.Start(b.Context(), runtimeapi.Config{
		Bootstrap: program, Environments: environments, Timeout: time.Minute, Output: io.Discard, Env: env,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { function.Close(context.WithoutCancel(b.Context())) })
	return function
}

func direct(_ *testing.B, db *postgrestest.Database) string { return db.URL }

// BenchmarkFunctionOf times the function as BenchmarkFunction does, with 1,000 messages a batch: of
// other contracts, and through pgbouncer.
func BenchmarkFunctionOf(b *testing.B) {
	wide, wideBodies := sample.Wide(300, 1000)
	for _, bench := range []struct {
		name, document string
		bodies         []string
	}{
		{"300 columns", wide, wideBodies},
		{"nested objects", nestedContract, repeat(nestedMessage)},
		{"arrays with masks", arrayContract, repeat(arrayMessage)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "events.json")
			if err := os.WriteFile(path, []byte(bench.document), 0o600); err != nil {
				b.Fatal(err)
			}
			benchmarkFunction(b, path, bench.bodies, 1, direct)
		})
	}
	b.Run("logins through pgbouncer", func(b *testing.B) {
		benchmarkFunction(b, plainLogins(b), sample.ValidLogins(1000, 1), 1, func(b *testing.B, db *postgrestest.Database) string { return db.PoolerURL(b) })
	})
	b.Run("logins with a vault", func(b *testing.B) {
		benchmarkFunction(b, "user_logins", sample.ValidLogins(1000, 1), 1, direct)
	})
}

var guards = regexp.MustCompile(`,\s*"x-(recover|subject)": true`)

// plainLogins is the path of the logins' contract without vault and subject, whose table COPY can be
// compared with.
func plainLogins(b testing.TB) string {
	b.Helper()
	document, err := contracts.Files.ReadFile("user_logins.json")
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "user_logins.json")
	if err := os.WriteFile(path, guards.ReplaceAll(document, nil), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func repeat(message string) []string { return slices.Repeat([]string{message}, 1000) }

const (
	nestedContract = `{"x-table": "events", "type": "object", "required": ["id", "customer"], "properties": {
		"id": {"type": "string", "format": "uuid"}, "at": {"type": "string", "format": "date-time"}, "total": {"type": "number"}, "items": {"type": "integer"},
		"customer": {"type": "object", "properties": {"id": {"type": "string", "x-mask": "token"}, "email": {"type": "string", "format": "email", "x-mask": "token"},
			"address": {"type": "object", "properties": {"city": {"type": "string"}, "country": {"type": "string"}, "geo": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}}}}}}}}}`
	nestedMessage = `{"id": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "at": "2026-02-28T23:30:00.123Z", "total": 19.9, "items": 2,
		"customer": {"id": "c-1", "email": "ann@example.com", "address": {"city": "Lisbon", "country": "PT", "geo": {"lat": 38.72, "lon": -9.14}}}}`
	arrayContract = `{"x-table": "events", "type": "object", "properties": {"id": {"type": "string"},
		"lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}, "n": {"type": "integer"}, "to": {"type": "string", "x-mask": "token"}}}}}}`
	arrayMessage = `{"id": "c-1", "lines": [{"sku": "A 1", "n": 1, "to": "ann@example.com"}, {"sku": "A 2", "n": 20, "to": "bob@example.com"}, {"sku": "B", "n": 3, "note": "undeclared"}]}`
)

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// batch is an event whose messages can be made new.
type batch struct {
	payload   []byte
	ids, sent [][]byte // of the messages, in payload
}

func newBatch(tb testing.TB, bodies []string) *batch {
	payload, err := json.Marshal(eventOf(bodies))
	if err != nil {
		tb.Fatal(err)
	}
	return &batch{payload, values(payload, "messageId", 36), values(payload, "SentTimestamp", 13)}
}

// values are the values of this length of the members of that name.
func values(payload []byte, name string, length int) (all [][]byte) {
	for _, value := range bytes.SplitAfter(payload, []byte(`"`+name+`":"`))[1:] {
		all = append(all, value[:length])
	}
	return all
}

// renew makes new messages of a batch, sent now.
func (b *batch) renew() {
	now := time.Now()
	for i := range b.ids {
		copy(b.ids[i], uuid.NewString())
		copy(b.sent[i], fmt.Sprint(sentAt(now, i).UnixMilli()))
	}
}

// sentAt is when the message i of a batch was sent, if the first one was sent at that time.
func sentAt(first time.Time, i int) time.Time {
	return first.Add(time.Duration(i%1000) * time.Millisecond)
}

// eventOf is an event as the event source mapping makes it; 10,000 logins are 5.8 MB.
func eventOf(bodies []string) (e events.SQSEvent) {
	for i, body := range bodies {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: uuid.NewString(), Body: body, EventSource: "aws:sqs", AWSRegion: "us-east-1",
			EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:login-queue", ReceiptHandle: strings.Repeat("r", 60),
			Attributes: map[string]string{"SentTimestamp": fmt.Sprint(sentAt(time.Now(), i).UnixMilli()), "ApproximateReceiveCount": "1"},
		})
	}
	return e
}

const nothingFailed = `{"batchItemFailures":[]}`

// invokeAll returns how long the function takes to give this answer to all batches, as many at a time
// as it has environments.
func invokeAll(b *testing.B, function *runtimeapi.Function, environments int, batches []*batch, want string) time.Duration {
	for _, batch := range batches {
		batch.renew()
	}
	work := make(chan *batch)
	var wg sync.WaitGroup
	started := time.Now()
	for range environments {
		wg.Go(func() {
			for batch := range work {
				if answer, err := function.Invoke(b.Context(), batch.payload); err != nil || string(answer) != want {
					b.Errorf("%s, %v", answer, err)
				}
			}
		})
	}
	for _, batch := range batches {
		work <- batch
	}
	close(work)
	wg.Wait()
	return time.Since(started)
}

// processorTime is for how long the bootstraps that this process has started have had a processor.
func processorTime(b *testing.B) (total time.Duration) {
	const tick = 10 * time.Millisecond // sysconf(_SC_CLK_TCK), which is 100 on every Linux
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, _ := os.ReadFile(file) // empty if the process has ended
		_, rest, isBootstrap := strings.Cut(string(text), "(bootstrap) ")
		fields := strings.Fields(rest)
		if !isBootstrap || len(fields) < 13 || fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		for _, field := range fields[11:13] {
			ticks, err := strconv.Atoi(field)
			if err != nil {
				b.Fatal(err)
			}
			total += time.Duration(ticks) * tick
		}
	}
	return total
}
