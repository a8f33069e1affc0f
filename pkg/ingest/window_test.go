package ingest_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/ingest"
)

func TestRefusesOldAndFutureMessagesWithoutAStatement(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	f.invoke(t, messages(standard, login(nil))) // reads the window
	f.stop()                                    // from now on every statement fails
	gate := &counting{Gate: f.Tables[0].Gate}
	f.Tables[0].Gate = gate
	for _, test := range []struct {
		name                     string
		sent                     time.Time
		rule                     string
		expired, invalid, failed float64
		doubts                   int
	}{
		{"too old", now().AddDate(0, 0, -1826).Add(-time.Millisecond), "expired", 10_000, 0, 10_000, 1},
		{"too far ahead", now().AddDate(0, 0, 1).Add(time.Millisecond), "maximum", 0, 10_000, 10_000, 0},
	} {
		gate.doubts = 0
		f.log.Reset()
		f.metrics.Reset()
		e := messages(standard, slices.Repeat([]string{login(nil)}, 10_000)...)
		for i := range e.Records {
			e.Records[i].Attributes["SentTimestamp"] = strconv.FormatInt(test.sent.UnixMilli(), 10)
		}
		if failed := f.invoke(t, e); len(failed) != 10_000 {
			t.Errorf("%s: %d failed, want all", test.name, len(failed))
		}
		want := map[string]string{"messageId": "m0", "outcome": "invalid", "receiveCount": "2", "field": "SentTimestamp", "rule": test.rule}
		if diff := cmp.Diff(want, f.lines(t)[0]); diff != "" {
			t.Errorf("%s: log (-want +got):\n%s", test.name, diff)
		}
		got := []float64{f.metric(t, "Expired"), f.metric(t, "Invalid"), f.metric(t, "Failed")}
		if diff := cmp.Diff([]float64{test.expired, test.invalid, test.failed}, got); diff != "" {
			t.Errorf("%s: metrics Expired, Invalid, Failed (-want +got):\n%s", test.name, diff)
		}
		if gate.doubts != test.doubts {
			t.Errorf("%s: the gate was doubted %d times, want %d", test.name, gate.doubts, test.doubts)
		}
	}
}

// counting is a gate that counts how often it was doubted.
type counting struct {
	ingest.Gate
	doubts int
}

func (c *counting) Doubt() { c.doubts++; c.Gate.Doubt() }

func TestWindowOfTheTableCounts(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	f.db.Exec(t, "update sqs2pg.tables set retention_days = 400") // the database's now is the real one
	e := messages(standard, login(nil), login(nil))
	f.Now = time.Now
	e.Records[0].Attributes["SentTimestamp"] = strconv.FormatInt(time.Now().AddDate(0, 0, -401).UnixMilli(), 10)
	e.Records[1].Attributes["SentTimestamp"] = strconv.FormatInt(time.Now().AddDate(0, 0, -399).UnixMilli(), 10)
	if diff := cmp.Diff([]string{"m0"}, f.invoke(t, e)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}

// Only a repair helps, so the alarm counts the message.
func TestLogNamesWhatIsInTheWayOfAPartition(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	f.db.Exec(t, "create table user_logins_p20260301 (x int)")
	f.invoke(t, messages(standard, login(nil)))
	want := []map[string]string{{"messageId": "m0", "outcome": "rejected", "receiveCount": "2", "reason": "database", "sqlstate": "23000",
		"error": "public.user_logins_p20260301 has the name of a partition of public.user_logins and is not one: rename it"}}
	if diff := cmp.Diff(want, f.lines(t)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if got := f.metric(t, "SetupFault"); got != 1 {
		t.Errorf("metric SetupFault is %v, want 1", got)
	}
}
