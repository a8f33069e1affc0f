package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"sqs2pg/pkg/postgres/postgrestest"
)

func TestEventCapturesABatchAndLeavesItOnTheQueue(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	for _, test := range []struct {
		name string
		args []string
		want int
	}{
		{"without a redrive policy", nil, 10},
		{"all-at-once", []string{"--batch-size", "100"}, 25},
	} {
		queue := strings.ReplaceAll(test.name, " ", "-")
		queueURL := createQueue(t, endpoint, queue, nil)
		at := []string{"--endpoint-url", endpoint, "--queue", queue}
		succeed(t, append([]string{"send", "--count", "25"}, at...)...)

		var event events.SQSEvent
		out := succeed(t, append(append([]string{"event"}, at...), test.args...)...)
		if err := json.Unmarshal([]byte(out), &event); err != nil {
			t.Fatal(err)
		}
		if len(event.Records) != test.want || event.Records[0].EventSourceARN != "arn:aws:sqs:us-east-1:000000000000:"+queue {
			t.Errorf("%s: %d records of %s, want %d", test.name, len(event.Records), event.Records[0].EventSourceARN, test.want)
		}
		if got := count(t, endpoint, queueURL); got != "25" {
			t.Errorf("%s: the queue holds %s messages afterwards, want 25", test.name, got)
		}
	}
	createQueue(t, endpoint, "empty", nil)
	code, out, err := sqs2pg(t, "event", "--endpoint-url", endpoint, "--queue", "empty", "--wait", "1s")
	if code != 1 || out != "" || !strings.Contains(err, "sqs2pg send --queue empty") || !strings.HasPrefix(err, "queue empty at "+endpoint) {
		t.Errorf("an empty queue: exit %d, %q, %q", code, out, err)
	}
}

func TestMaintainSaysWhatItChanged(t *testing.T) {
	t.Parallel()
	db := withOldPartitions(t, 12)
	at := []string{"maintain", "--database-url", db.OwnerURL}
	code, _, err := sqs2pg(t, append(at, "--retention-days", "30", "--yes")...)
	if code != 0 || !strings.Contains(err, "dropped partition public.user_logins_p20260101\n") || !strings.Contains(err, "partitions for 7 days ahead, 0 rows outside") ||
		strings.Count(err, "dropped partition") != 10 || !strings.Contains(err, "\n... and 14 more\n") {
		t.Errorf("exit %d: %s", code, err)
	}
	for _, wrong := range [][]string{{"--retention-days", "-1"}, {"--partition-width", "week"}} {
		if code, _, err := sqs2pg(t, append(at, wrong...)...); code != 2 || strings.Count(err, "\n") != 1 {
			t.Errorf("%v: exit %d: %s", wrong, code, err)
		}
	}
}

// withOldPartitions makes a table with that many partitions of January 2026.
func withOldPartitions(t *testing.T, n int) *postgrestest.Database {
	t.Helper()
	db := postgrestest.New(t, load(t, "user_logins"))
	for i := range n {
		db.Exec(t, fmt.Sprintf("select sqs2pg.make_partition('user_logins', '2026-01-%02dZ')", i+1))
	}
	return db
}

func partitionCount(t *testing.T, db *postgrestest.Database) string {
	t.Helper()
	return db.QueryStrings(t, "select count(*) from pg_inherits where inhparent = 'user_logins'::regclass")[0]
}

func TestMaintainDropsNothingThatNobodyConfirmed(t *testing.T) {
	t.Parallel()
	db := withOldPartitions(t, 12)
	before := partitionCount(t, db)
	args := []string{"maintain", "--database-url", db.OwnerURL, "--retention-days", "30"}
	code, out, errs := sqs2pg(t, args...)
	if code != 2 || out != "" || !strings.Contains(errs, "would drop public.user_logins_p20260101\n") || !strings.Contains(errs, "... and 14 more\n") ||
		!strings.HasSuffix(errs, "sqs2pg: the retention would drop 24 partitions with their rows, and the input is not a terminal, so nobody can be asked: add --yes, or see --plan\n") {
		t.Errorf("in a pipe: exits with %d, prints %q and says %q", code, out, errs)
	}
	for _, tt := range []struct{ answer, says, left string }{
		{"n", "nothing is changed\n", before},
		{"y", "dropped partition public.user_logins_p20260101\n", "8"},
	} {
		keyboard, terminal := openTerminal(t)
		if _, err := keyboard.WriteString(tt.answer + "\n"); err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		code := execute(t.Context(), args, &streams{In: terminal, Out: io.Discard, Err: &errs, Dir: t.TempDir()})
		if n := partitionCount(t, db); code != 0 || n != tt.left || !strings.Contains(errs.String(), "Drop 24 partitions with all their rows, which are past their retention? [y/N] ") || !strings.Contains(errs.String(), tt.says) {
			t.Errorf("answer %s: exits with %d and says %q; %s partitions, want %s", tt.answer, code, &errs, n, tt.left)
		}
	}
	if code, _, errs := sqs2pg(t, args...); code != 0 {
		t.Errorf("with nothing to drop it asks: %s", errs)
	}
}

func TestPlansPrintSQLAndChangeNothing(t *testing.T) {
	t.Parallel()
	db := withOldPartitions(t, 2)
	at := []string{"--plan", "--database-url", db.OwnerURL}
	if out := succeed(t, append([]string{"migrate"}, at...)...); out != "" {
		t.Errorf("with nothing to do migrate --plan prints:\n%s", out)
	}
	more := filepath.Join(t.TempDir(), "more.json")
	text := strings.Replace(loginDocument(t), `"properties": {`, `"properties": {"country": {"type": ["string", "null"]},`, 1)
	if err := os.WriteFile(more, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	before := partitionCount(t, db)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"migrate", "--contract", more}, "-- lock: ACCESS EXCLUSIVE on public.user_logins: who writes or reads waits until it is done\nalter table \"public\".\"user_logins\" add column \"country\" text;\n"},
		{[]string{"maintain", "--retention-days", "30"}, "-- lock: ACCESS EXCLUSIVE on public.user_logins_p20260102: who writes or reads waits until it is done\ndrop table \"public\".\"user_logins_p20260102\";\n"},
	} {
		code, out, errs := sqs2pg(t, append(tt.args, at...)...)
		if code != 0 || !strings.Contains(out, tt.want) || !strings.Contains(errs, "this is a plan: nothing is changed\n") {
			t.Errorf("%v: exits with %d, says %q and prints:\n%s", tt.args, code, errs, out)
		}
	}
	if n := partitionCount(t, db); n != before {
		t.Errorf("%s partitions, want %s", n, before)
	}
	if columns := db.QueryStrings(t, "select attname::text from pg_attribute where attrelid = 'user_logins'::regclass and attname = 'country'"); columns != nil {
		t.Error("migrate --plan has added the column")
	}
}

// TestReportsAsJSON runs every command that reports something, and reads what it prints.
func TestReportsAsJSON(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := withOldPartitions(t, 2)
	source, dead := withDead(t, endpoint, "logins", 3)
	sendAs(t, endpoint, dead, []string{`{}`}, func(i int) string { return fmt.Sprint(i) })
	at, to := []string{"--endpoint-url", endpoint, "--queue", "logins", "--json"}, []string{"--database-url", db.OwnerURL, "--json"}
	list := succeed(t, append([]string{"dlq", "list"}, at...)...)
	var letters struct {
		Messages []struct {
			ID string `json:"message_id"`
		}
	}
	if err := json.Unmarshal([]byte(list), &letters); err != nil || len(letters.Messages) != 1 {
		t.Fatalf("%v: %s", err, list)
	}
	for _, tt := range []struct {
		args []string
		want string // a part
	}{
		{[]string{"version", "--json"}, `"platform":"`},
		{[]string{"contract", "check", "user_logins", "--json"}, `"table":"public.user_logins"`},
		{append([]string{"migrate"}, to...), "{}\n"},
		{append([]string{"migrate", "--plan"}, to...), `{"steps":[]}`},
		{append([]string{"maintain", "--plan", "--retention-days", "30"}, to...), `"locks":[{"table":"\"public\".\"user_logins_p20260101\"","mode":"access exclusive"}`},
		{append([]string{"maintain"}, to...), `"days_ahead":7`},
		{append([]string{"dlq", "show", letters.Messages[0].ID}, at...), `"reason":"invalid: user_id required"`},
		{append([]string{"dlq", "redrive", "--dry-run"}, at...), `{"in_flight":0,"left":{"invalid: user_id required":1},"would_move":0}`},
		{append([]string{"send", "--count", "3"}, at...), `{"messages":3,"perhaps_twice":0,"queue":"logins","sent":3}`},
	} {
		out := succeed(t, tt.args...)
		if !json.Valid([]byte(out)) || strings.Count(out, "\n") != 1 || !strings.Contains(out, tt.want) {
			t.Errorf("%v prints %q, want one line of JSON with %q", tt.args, out, tt.want)
		}
	}
	if code, out, _ := sqs2pg(t, append([]string{"dlq", "redrive", "--json"}, at...)...); code != 1 || out != `{"in_flight":0,"left":{"invalid: user_id required":1},"moved":0}`+"\n" {
		t.Errorf("a redrive that moves nothing exits with %d and prints %q", code, out)
	}
	if n := count(t, endpoint, source); n != "3" {
		t.Errorf("the queue holds %s", n)
	}
}
