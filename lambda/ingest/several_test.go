package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/deadletter"
	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/runtimeapi"
	"sqs2pg/pkg/local/sqsserver/sqstest"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/queue"
)

// severalContracts are three contracts of one queue, each with other wrappers.
var severalContracts = map[string]string{
	"orders": `{"x-table": "orders", "x-envelope": "eventbridge", "x-match": {"envelope": {"detail-type": ["OrderPlaced"]}}, "type": "object",
		"properties": {"n": {"type": "integer"}, "email": {"type": "string", "x-mask": "token", "x-normalize": "email"}, "total": {"type": "string", "x-type": "numeric(12,2)"}},
		"required": ["n", "email", "total"]}`,
	"payments": `{"x-table": "payments", "x-envelope": "sns", "x-match": {"messageAttributes": {"kind": ["payment"]}}, "type": "object",
		"properties": {"n": {"type": "integer"}, "id": {"type": "string", "format": "uuid", "x-event-id": true}, "at": {"type": "string", "format": "date-time", "x-event-time": true},
			"card": {"type": "string", "x-mask": "last-4"}},
		"required": ["n", "id", "at", "card"]}`,
	"signups": `{"x-table": "signups", "x-match": {"body": {"type": ["signup"]}}, "type": "object",
		"properties": {"n": {"type": "integer"}, "ip": {"type": "string", "format": "ip", "x-mask": "ip-network"}}, "required": ["n", "ip"]}`,
}

// started is when the first event was made.
var started = time.Now().UTC().Add(-48 * time.Hour).Truncate(time.Second)

// mixed makes message n of a queue with events of all three. The same n gives the same event; made
// says how often it was made, so that its wrapper differs where a producer would make another.
func mixed(n, made int) string {
	at := started.Add(time.Duration(n) * time.Second).Format(time.RFC3339)
	id := uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)).String()
	text := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	event := map[string]any{"n": n, "email": fmt.Sprintf("Ann%d@Example.org", n), "total": "9.95", "id": id, "at": at, "card": "4111111111111111", "ip": "198.51.100.7", "type": "signup"}
	if isBad(n) {
		delete(event, []string{"total", "card", "ip"}[n%3])
	}
	switch {
	case isBad(n) && n%7 == 0:
		return `{"type":"nobody's"}`
	case n%3 == 0:
		return `{"version":"0","id":"` + id + `","detail-type":"OrderPlaced","source":"shop","time":"` + at + `","resources":[],"detail":` + text(event) + `}`
	case n%3 == 1:
		return text(map[string]any{
			"Type": "Notification", "MessageId": uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n, made)).String(), "TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": text(event),
			"Timestamp": at, "MessageAttributes": map[string]any{"kind": map[string]string{"Type": "String", "Value": "payment"}},
		})
	}
	return text(event)
}

// isBad is true for 2 % of the messages, of all kinds.
func isBad(n int) bool { return n%50 == 7 }

// beside makes a copy of the function with a folder of contracts beside it, as in a zip.
func beside(t *testing.T, contracts map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	program, err := os.ReadFile(bootstrap)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "bootstrap"), program, 0o700)
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "contracts"), 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range contracts {
		if err := os.WriteFile(filepath.Join(dir, "contracts", name+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestThreeContractsOnOneQueueAreExact mixes three kinds of events on one queue, with 2 % bad ones,
// kills processes in the middle of the drain, and counts each table and the dead letters of each
// contract. Then the producers send again, and AWS redrives: no row comes of that. Set
// SEVERAL_MESSAGES for another number of messages.
func TestThreeContractsOnOneQueueAreExact(t *testing.T) {
	t.Parallel()
	messages := 6000
	if n, err := strconv.Atoi(os.Getenv("SEVERAL_MESSAGES")); err == nil {
		messages = n
	}
	dir := beside(t, severalContracts)
	set, err := routes.Load(nil, filepath.Join(dir, "contracts"))
	if err != nil {
		t.Fatal(err)
	}
	server := sqstest.Start(t)
	source, _ := server.CreateQueues(t, "events", 8, nil)
	db := postgrestest.New(t, set.Tables()...)
	pids := t.TempDir()
	f, err := runtimeapi.Start(t.Context(), runtimeapi.Config{
		Bootstrap: tellingItsPid(t, filepath.Join(dir, "bootstrap"), pids), Environments: processes, Timeout: time.Minute,
		Env: []string{"CONTRACT=orders,payments,signups", "DATABASE_URL=" + db.URL, "MASK_KEYRING=" + string(mask.GenerateKeyring())},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close(context.Background())
	const batch = 200
	k := &killer{Function: f, t: t, pids: pids, spacing: max(1, messages/batch/processes/(kills+1)), kills: kills}
	drain := func(function eventsource.Function, made int) {
		bodies := make([]string, messages)
		for n := range bodies {
			bodies[n] = mixed(n, made)
		}
		server.Send(t, source, bodies)
		m := eventsource.Mapping{Queue: queue.New(server.Client, source), Function: function, BatchSize: batch, Concurrency: processes, IdleTimeout: time.Second}
		summary, err := m.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d messages in %s, %d batches came back", messages, summary.Elapsed.Round(time.Millisecond), summary.FailedBatches)
	}
	rows, dead := map[string]string{}, map[string]int{}
	for n := range messages {
		switch name := []string{"orders", "payments", "signups"}[n%3]; {
		case isBad(n) && n%7 == 0:
			dead["unmatched: x-match"]++
		case isBad(n):
			dead[name+" invalid: "+[]string{"total", "card", "ip"}[n%3]+" required"]++
		default:
			count, _ := strconv.Atoi(rows[name])
			rows[name] = strconv.Itoa(count + 1)
		}
	}
	for made, function := range []eventsource.Function{k, f} {
		drain(function, made)
		k.killing.Wait()
		got := map[string]string{}
		for _, table := range []string{"orders", "payments", "signups"} {
			got[table] = db.QueryStrings(t, "select count(*) from "+table)[0]
			if distinct := db.QueryStrings(t, "select count(distinct n) from "+table)[0]; made == 0 && distinct != got[table] {
				t.Errorf("%s has %s rows of %s events", table, got[table], distinct)
			}
		}
		want := rows
		if made > 0 { // the signups have no identity but SQS's, and each was sent twice
			n, _ := strconv.Atoi(rows["signups"])
			want = map[string]string{"orders": rows["orders"], "payments": rows["payments"], "signups": strconv.Itoa(2 * n)}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rows after sending %d times (-want +got):\n%s", made+1, diff)
		}
	}
	if stats := f.Stats(); stats.Crashes < 1 {
		t.Errorf("%+v, want at least one kill of a process at work", stats)
	}
	letters, err := deadletter.Open(t.Context(), queue.New(server.Client, source))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	if err := letters.Look(t.Context(), func(l *deadletter.Letter) bool {
		reason := l.Reason(set)
		if name := l.Contract(set); name != "" {
			reason = name + " " + reason
		}
		found[reason]++
		return true
	}); err != nil {
		t.Fatal(err)
	}
	for reason := range dead {
		dead[reason] *= 2 // sent twice
	}
	if diff := cmp.Diff(dead, found); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
}
