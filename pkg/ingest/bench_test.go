package ingest_test

import (
	"context"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/ingest"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/vault"
)

// BenchmarkInvoke measures a batch of 1,000 logins without the database: decode the event, decode,
// validate and mask each message, answer. In turn, encoding/json decodes the same event, which is as
// long as one of AWS. The fastest of the runs of each are compared, because a busy machine only
// makes a run slower.
func BenchmarkInvoke(b *testing.B) {
	p := payload(b, eventOfAWS(1000))
	h := handler(b, loginContract(b), &ledger{})
	h.Metrics = io.Discard
	handled, decoded := time.Hour, time.Hour
	allocs := testing.AllocsPerRun(1, func() { h.Invoke(b.Context(), p) })
	for b.Loop() {
		started := time.Now()
		if _, err := h.Invoke(b.Context(), p); err != nil {
			b.Fatal(err)
		}
		handled = min(handled, time.Since(started))
		var event events.SQSEvent
		started = time.Now()
		if err := json.Unmarshal(p, &event); err != nil {
			b.Fatal(err)
		}
		decoded = min(decoded, time.Since(started))
	}
	b.ReportMetric(0, "ns/op") // it would include both
	b.ReportMetric(handled.Seconds()*1000, "us/message")
	b.ReportMetric(handled.Seconds()/decoded.Seconds(), "of-encoding/json")
	b.ReportMetric(allocs/1000, "allocs/message")
}

// BenchmarkInvokeSealing measures what the vault and the subject add to BenchmarkInvoke: a seal for
// each message, and with erasures a token. Handlers with and without them take turns, and the fastest
// runs are compared.
func BenchmarkInvokeSealing(b *testing.B) {
	p := payload(b, eventOfAWS(1000))
	plain := handler(b, parseContract(b, "user_logins", strings.NewReplacer(`, "x-recover": true`, "", `, "x-subject": true`, "").Replace(guardedLogins(""))), &ledger{})
	c := parseContract(b, "user_logins", guardedLogins(""))
	sealing, erasing := handler(b, c, &ledger{}), handler(b, c, &ledger{})
	key := newVaultKey(b)
	for _, h := range []*ingest.Handler{&sealing, &erasing} {
		h.Tables[0].Sealer = vault.NewSealer(key.Public(), time.Now)
		h.Tables[0].StoreSession = func(context.Context, *vault.Session) error { return nil }
	}
	erasing.Tables[0].Gate = someErased{}
	handlers := []*ingest.Handler{&plain, &sealing, &erasing}
	fastest := []time.Duration{time.Hour, time.Hour, time.Hour}
	for b.Loop() {
		for i, h := range handlers {
			h.Metrics = io.Discard
			started := time.Now()
			if _, err := h.Invoke(b.Context(), p); err != nil {
				b.Fatal(err)
			}
			fastest[i] = min(fastest[i], time.Since(started))
		}
	}
	b.ReportMetric(0, "ns/op") // it would include all
	b.ReportMetric(fastest[0].Seconds()*1000, "us/message")
	b.ReportMetric((fastest[1]-fastest[0]).Seconds()*1000, "us-more-sealed")
	b.ReportMetric((fastest[2]-fastest[1]).Seconds()*1000, "us-more-erasures")
}

// someErased is a gate that names an erased person.
type someErased struct{ open }

func (g someErased) Enter(ctx context.Context, k *mask.Keyring) (registry.Pass, error) {
	pass, err := g.open.Enter(ctx, k)
	pass.Erased = registry.NewErased([]registry.Erasure{{KeyID: "k1", Subject: "k1:00", Before: time.Now()}})
	return pass, err
}

// eventOfAWS has as many logins, with all that AWS says of a message.
func eventOfAWS(n int) events.SQSEvent {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = login(nil)
	}
	e := messages(standard, bodies...)
	for i := range e.Records {
		r := &e.Records[i]
		r.MessageId, r.ReceiptHandle = uuid.NewString(), "AQEB"+strings.Repeat("wJnKyrHigUMZj6rYigCg", 17)
		r.Md5OfBody, r.AWSRegion = fmt.Sprintf("%x", md5.Sum([]byte(r.Body))), "us-east-1"
		r.Attributes["SenderId"], r.Attributes["ApproximateFirstReceiveTimestamp"] = "AIDAIENQZJOLO23YVJ4VO", r.Attributes["SentTimestamp"]
		r.MessageAttributes = map[string]events.SQSMessageAttribute{}
	}
	return e
}

// BenchmarkHeap reports what a batch of 10,000 messages, 6 MB, holds in memory once all of them are
// decoded, besides the payload. The messages have ten of the columns.
func BenchmarkHeap(b *testing.B) {
	for _, columns := range []int{300, 1000} {
		b.Run(fmt.Sprintf("columns=%d", columns), func(b *testing.B) {
			document, bodies := sample.Wide(columns, 10_000)
			c, err := contract.Parse("events", []byte(document))
			if err != nil {
				b.Fatal(err)
			}
			p := payload(b, messages(standard, bodies...))
			w := &keeper{}
			h := handler(b, c, w)
			h.Metrics = io.Discard
			for b.Loop() {
				before := heap()
				if _, err := h.Invoke(b.Context(), p); err != nil {
					b.Fatal(err)
				}
				if len(w.kept) != len(bodies) {
					b.Fatalf("%d events", len(w.kept))
				}
				b.ReportMetric(float64(w.heap-before)/1e6, "heap-MB")
				w.kept = nil
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(len(p))/1e6, "payload-MB")
		})
	}
}

// keeper is a writer that keeps all events, as the writer does until it has succeeded.
type keeper struct {
	kept []postgres.Event
	heap int64 // when all were there
}

func (k *keeper) Stream(_ context.Context, _ int64, soFar iter.Seq[[]postgres.Event]) (postgres.Result, error) {
	for events := range soFar {
		k.kept = events
	}
	k.heap = heap()
	return postgres.Result{Written: len(k.kept)}, nil
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkSeveral writes batches of 1,000 messages to Postgres: by a function of three contracts,
// which must look at each message to know its own, and by a function of one. The two take turns in
// one run. The fastest runs of each are compared, because a busy machine only makes a run slower.
func BenchmarkSeveral(b *testing.B) {
	dir := b.TempDir()
	properties := `"type": "object", "properties": {"n": {"type": "integer"}, "who": {"type": "string", "x-mask": "token"}, "what": {"type": "string"}, "ip": {"type": "string", "format": "ip", "x-mask": "token"}}, "required": ["n", "who"]}`
	path := func(name, match string) string {
		path := filepath.Join(dir, name+".json")
		if err := os.WriteFile(path, []byte(`{"x-table": "`+name+`", `+match+properties), 0o600); err != nil {
			b.Fatal(err)
		}
		return path
	}
	kinds := []string{"orders", "refunds", "notes"}
	var three []string
	for _, kind := range kinds {
		three = append(three, path(kind, `"x-match": {"body": {"type": ["`+kind+`"]}}, `))
	}
	names := map[string]string{"one contract": path("everything", ""), "three contracts": strings.Join(three, ",")}
	functions, fastest := map[string]*ingest.Handler{}, map[string]time.Duration{}
	for name, contracts := range names {
		set, err := routes.Load(nil, contracts)
		if err != nil {
			b.Fatal(err)
		}
		db := postgrestest.New(b, set.Tables()...)
		env := environment("CONTRACT="+contracts, "DATABASE_URL="+db.URL, "MASK_KEYRING="+keyring("0123456789abcdef"))
		h, stop, err := ingest.New(b.Context(), env, io.Discard)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(stop)
		functions[name], fastest[name] = h, time.Hour
	}
	const messagesOfBatch = 1000
	for b.Loop() {
		for name, h := range functions {
			bodies := make([]string, messagesOfBatch)
			for i := range bodies {
				bodies[i] = fmt.Sprintf(`{"type":%q,"n":%d,"who":"somebody %d","what":"something that is as long as it is","ip":"198.51.100.%d","more":{"a":[1,2,3]}}`, kinds[i%3], i, i, i%256)
			}
			e := messages(standard, bodies...)
			for i := range e.Records {
				e.Records[i].MessageId = uuid.NewString()
				e.Records[i].Attributes["SentTimestamp"] = fmt.Sprint(time.Now().UnixMilli())
			}
			p := payload(b, e)
			started := time.Now()
			if _, err := h.Invoke(b.Context(), p); err != nil {
				b.Fatal(err)
			}
			fastest[name] = min(fastest[name], time.Since(started))
		}
	}
	b.ReportMetric(0, "ns/op") // it would include both
	b.ReportMetric(messagesOfBatch/fastest["one contract"].Seconds(), "one-rows/s")
	b.ReportMetric(messagesOfBatch/fastest["three contracts"].Seconds(), "three-rows/s")
	b.ReportMetric(fastest["one contract"].Seconds()/fastest["three contracts"].Seconds(), "three-of-one")
}
