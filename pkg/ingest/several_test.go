package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/ingest"
	"sqs2pg/pkg/postgres"
)

// three are contracts of one queue: orders, refunds, and notes, which takes the rest.
func three(t *testing.T) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for _, c := range []struct{ name, match string }{
		{"orders", `"x-match": {"body": {"type": ["order"]}},`}, {"refunds", `"x-match": {"body": {"type": ["refund"]}},`}, {"notes", ""},
	} {
		path := filepath.Join(dir, c.name+".json")
		text := `{"x-table": "` + c.name + `", ` + c.match + ` "type": "object",
			"properties": {"n": {"type": "integer", "minimum": 0}, "who": {"type": "string", "x-mask": "token"}}, "required": ["n"]}`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// event is the body of an event of a type, which is that of no contract if it is "".
func event(kind string, n int) string {
	return fmt.Sprintf(`{"type":%q,"n":%d,"who":%q}`, kind, n, userID)
}

// rows are the numbers in each of the three tables.
func (f *function) numbers(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, table := range []string{"orders", "refunds", "notes"} {
		if numbers := f.db.QueryStrings(t, "select n from "+table+" order by n"); len(numbers) > 0 {
			all[table] = numbers
		}
	}
	return all
}

// counts are metrics that are not 0, by contract.
func (f *function) counts(t *testing.T, names ...string) map[string]map[string]float64 {
	t.Helper()
	all := map[string]map[string]float64{}
	for line := range strings.Lines(f.metrics.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		contract, _ := m["Contract"].(string)
		for _, name := range names {
			if n, _ := m[name].(float64); n != 0 {
				if all[contract] == nil {
					all[contract] = map[string]float64{}
				}
				all[contract][name] += n
			}
		}
	}
	return all
}

func TestOneBatchFillsSeveralTables(t *testing.T) {
	t.Parallel()
	f := functionOf(t, three(t)...)
	e := messages(standard, event("order", 1), event("refund", 2), event("", 3), event("order", 4), event("order", -5), event("refund", -6), `not JSON`)
	for range 2 { // a redelivery adds no row
		if diff := cmp.Diff([]string{"m4", "m5", "m6"}, f.invoke(t, e)); diff != "" {
			t.Errorf("failed (-want +got):\n%s", diff)
		}
	}
	want := map[string][]string{"orders": {"1", "4"}, "refunds": {"2"}, "notes": {"3"}}
	if diff := cmp.Diff(want, f.numbers(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]map[string]float64{
		"orders":  {"Received": 6, "Written": 2, "Duplicates": 2, "Invalid": 2, "Failed": 2},
		"refunds": {"Received": 4, "Written": 1, "Duplicates": 1, "Invalid": 2, "Failed": 2},
		"notes":   {"Received": 4, "Written": 1, "Duplicates": 1, "Malformed": 2, "Failed": 2},
	}, f.counts(t, "Received", "Written", "Duplicates", "Invalid", "Malformed", "Unmatched", "Failed")); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if got := f.contractsOfLines(t)[:3]; !slices.Equal(got, []string{"orders", "refunds", "notes"}) {
		t.Errorf("the log lines are of %v", got)
	}
}

// With -race this test finds what the writers of two tables share.
func TestTablesAreWrittenSideBySideWhileMessagesFail(t *testing.T) {
	t.Parallel()
	f := functionOf(t, three(t)...)
	const each = 1000 // valid events of each contract: several chunks
	var bodies []string
	for n := range each {
		for _, kind := range []string{"order", "refund", ""} {
			bodies = append(bodies, event(kind, n), event(kind, -n-1))
		}
	}
	if failed := f.invoke(t, messages(standard, bodies...)); len(failed) != 3*each {
		t.Errorf("%d messages failed, want %d", len(failed), 3*each)
	}
	numbers := f.numbers(t)
	for _, table := range []string{"orders", "refunds", "notes"} {
		if len(numbers[table]) != each {
			t.Errorf("%s has %d rows, want %d", table, len(numbers[table]), each)
		}
	}
}

func (f *function) contractsOfLines(t *testing.T) (names []string) {
	t.Helper()
	for line := range strings.Lines(f.log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		name, _ := m["contract"].(string)
		names = append(names, name)
	}
	return names
}

func TestMessageOfNoContractIsUnmatched(t *testing.T) {
	t.Parallel()
	f := functionOf(t, three(t)[:2]...)
	if diff := cmp.Diff([]string{"m1", "m2"}, f.invoke(t, messages(standard, event("order", 1), event("other", 2), `not JSON`))); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]map[string]float64{
		"orders": {"Received": 1, "Written": 1}, "(none)": {"Received": 2, "Unmatched": 1, "Malformed": 1, "Failed": 2},
	}, f.counts(t, "Received", "Written", "Malformed", "Unmatched", "Failed")); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if text := f.metrics.String(); strings.Contains(text, "refunds") || !strings.Contains(text, `["FunctionName","Contract"]`) {
		t.Errorf("metrics of a contract without messages, or not of each contract: %s", text)
	}
	if text := f.log.String(); !strings.Contains(text, `"outcome":"unmatched","receiveCount":"2","rule":"x-match"`) || !strings.Contains(text, `"outcome":"malformed","receiveCount":"2","rule":"json"`) {
		t.Errorf("log: %s", text)
	}
}

func TestFaultOfOneTableFailsItsOwnMessagesOnly(t *testing.T) {
	t.Parallel()
	f := functionOf(t, three(t)...)
	q := &countingSQS{}
	f.Backoff = q
	f.db.Exec(t, "drop table refunds")
	e := messages(standard, event("order", 1), event("refund", 2), event("", 3), event("refund", 4))
	if diff := cmp.Diff([]string{"m1", "m3"}, f.invoke(t, e)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]map[string]float64{
		"orders": {"Written": 1}, "refunds": {"Unavailable": 2, "SetupFault": 2}, "notes": {"Written": 1},
	}, f.counts(t, "Written", "Unavailable", "SetupFault")); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if !strings.Contains(f.log.String(), `"message":"batch returned to the queue","contract":"refunds","messages":2,`) {
		t.Errorf("log: %s", f.log)
	}
	if q.n != 2 {
		t.Errorf("%d messages are hidden, want 2", q.n)
	}
	if _, err := f.Invoke(t.Context(), payload(t, messages(standard, event("refund", 5)))); err == nil {
		t.Error("a batch of which no table can be written is answered")
	} else if unavailable, ok := errors.AsType[*ingest.Unavailable](err); !ok {
		t.Errorf("error is %v, want %T", err, unavailable)
	}
}

// A table that waits for something takes its share of the time, and the others are written.
func TestTableThatDoesNotAnswerLeavesTimeToOthers(t *testing.T) {
	t.Parallel()
	f := functionOf(t, three(t)...)
	warm := messages(standard, event("order", 1), event("refund", 2), event("", 3))
	if failed := f.invoke(t, warm); len(failed) > 0 {
		t.Fatal(failed)
	}
	f.db.Exec(t, "create function wait() returns trigger language plpgsql as $$ begin perform pg_sleep(600); return new; end $$;"+
		"create trigger wait before insert on orders for each row execute function wait()")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	e := messages(standard, event("order", 4), event("refund", 5), event("", 6))
	for i := range e.Records {
		e.Records[i].MessageId = fmt.Sprint("new", i)
	}
	answer, err := f.Invoke(ctx, payload(t, e))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"new0"}, failedIDs(t, answer)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	want := []string{"2", "5"}
	if got := f.db.QueryStrings(t, "select n from refunds order by n"); !slices.Equal(got, want) {
		t.Errorf("refunds has %v, want %v", got, want)
	}
}

// patience is a writer that notes for how long it may work.
type patience struct {
	ingest.Writer
	times *[]time.Duration // of its table
}

func (p patience) Stream(ctx context.Context, epoch int64, soFar iter.Seq[[]postgres.Event]) (postgres.Result, error) {
	deadline, _ := ctx.Deadline()
	*p.times = append(*p.times, time.Until(deadline).Round(time.Hour))
	return p.Writer.Stream(ctx, epoch, soFar)
}

// A database that wakes up takes half a minute. The first table that is written waits for it.
func TestTablesShareTheTimeThatIsLeft(t *testing.T) {
	t.Parallel()
	var twice []string
	for n := range 2 {
		twice = append(twice, event("order", n), event("refund", n))
	}
	for name, test := range map[string]struct {
		e    events.SQSEvent
		want [3][]time.Duration // of 12 hours, by table
	}{
		"two tables at a time and the third after them": {
			messages(standard, event("order", 1), event("refund", 2), event("", 3)), [3][]time.Duration{{6 * time.Hour}, {12 * time.Hour}, {12 * time.Hour}},
		},
		"two tables one after the other": {
			grouped(messages(fifo, twice...), "a", "a", "a", "a"), [3][]time.Duration{{6 * time.Hour, 6 * time.Hour}, {6 * time.Hour, 12 * time.Hour}, nil},
		},
		"one table": {messages(standard, event("order", 1)), [3][]time.Duration{{12 * time.Hour}, nil, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := functionOf(t, three(t)...)
			var times [3][]time.Duration
			for i := range f.Tables {
				f.Tables[i].Writer = patience{f.Tables[i].Writer, &times[i]}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 12*time.Hour)
			defer cancel()
			if _, err := f.Invoke(ctx, payload(t, test.e)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, times); diff != "" {
				t.Errorf("times (-want +got):\n%s", diff)
			}
		})
	}
}

// The clock ticks each time somebody looks at it: when a part begins and ends, and when its decoding
// does.
func TestDatabaseTimeLeavesOutTheDecoding(t *testing.T) {
	t.Parallel()
	f := functionOf(t, three(t)...)
	for i := range f.Tables {
		f.Tables[i].Gate, f.Tables[i].Writer = open{}, &ledger{}
	}
	clock := now()
	f.Now = func() time.Time { clock = clock.Add(time.Second); return clock }
	e := messages(fifo, event("order", 1), event("refund", 2), event("order", 3))
	if failed := f.invoke(t, grouped(e, "a", "a", "a")); len(failed) > 0 {
		t.Fatal(failed)
	}
	want := map[string]map[string]float64{"orders": {"DatabaseTime": 4000}, "refunds": {"DatabaseTime": 2000}}
	if diff := cmp.Diff(want, f.counts(t, "DatabaseTime")); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
}

// Of a group no event is written before one that was sent earlier, whatever their contracts.
func TestKeepsTheOrderOfAGroupOverContracts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		bodies, groups []string
		refused        string // of refunds, by Postgres
		failed         []string
		want           map[string][]string
	}{
		"all are written": {
			[]string{event("order", 1), event("refund", 2), event("order", 3), event("", 4)}, []string{"a", "a", "a", "a"}, "", nil,
			map[string][]string{"orders": {"1", "3"}, "refunds": {"2"}, "notes": {"4"}},
		},
		"one breaks its contract": {
			[]string{event("order", 1), event("refund", -2), event("order", 3), event("", 4)}, []string{"a", "a", "a", "b"}, "", []string{"m1", "m2"},
			map[string][]string{"orders": {"1"}, "notes": {"4"}},
		},
		"Postgres refuses one": {
			[]string{event("order", 1), event("refund", 2), event("order", 3), event("refund", 5), event("", 6), event("order", 7)}, []string{"a", "a", "a", "b", "a", "b"}, "n = 2",
			[]string{"m1", "m2", "m4"}, map[string][]string{"orders": {"1", "7"}, "refunds": {"5"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := functionOf(t, three(t)...)
			if test.refused != "" {
				f.db.Exec(t, "alter table refunds add constraint wanted check (not ("+test.refused+"))")
			}
			failed := f.invoke(t, grouped(messages(fifo, test.bodies...), test.groups...))
			if diff := cmp.Diff(append([]string{}, test.failed...), failed); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, f.numbers(t)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

// The first event of a group goes to a table that cannot be written, so the second waits, too.
func TestHoldsAGroupBehindATableThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	f := functionOf(t, three(t)...)
	f.db.Exec(t, "drop table refunds")
	failed := f.invoke(t, grouped(messages(fifo, event("refund", 1), event("order", 2), event("order", 3)), "a", "a", "b"))
	if diff := cmp.Diff([]string{"m0", "m1"}, failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}

// A message of no contract fails before any table is written. An earlier one of its group, which
// fails later, still holds those between them.
func TestHoldsAGroupBehindTheFirstOfItsFailures(t *testing.T) {
	t.Parallel()
	f := functionOf(t, three(t)[:2]...)
	f.db.Exec(t, "alter table refunds add constraint wanted check (n <> 1)")
	failed := f.invoke(t, grouped(messages(fifo, event("refund", 1), event("order", 2), event("other", 3)), "a", "a", "a"))
	if diff := cmp.Diff([]string{"m0", "m1", "m2"}, failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}
