package ingest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"sqs2pg/pkg/ingest"
)

// TestReturnsBatchUntilSetupIsRepaired breaks the set-up of a function, sees each batch come back
// with the longest backoff, one log line and one metric, repairs the set-up, and sees all rows.
func TestReturnsBatchUntilSetupIsRepaired(t *testing.T) {
	t.Parallel()
	exec := func(sql string) func(*testing.T, *function) {
		return func(t *testing.T, f *function) { f.db.Exec(t, sql) }
	}
	migrate := func(t *testing.T, f *function) {
		migrated(t, f.db.OwnerURL, f.Tables[0].Contract.Table())
	}
	for name, tt := range map[string]struct {
		cold                bool // the set-up is broken before the first batch
		breakIt, repair     func(*testing.T, *function)
		reason, says, state string
	}{
		"table dropped":                     {false, exec("drop table user_logins, sqs2pg_vault.user_logins"), migrate, "contract", "registered but missing: run sqs2pg migrate", ""},
		"table dropped, cold":               {true, exec("drop table user_logins, sqs2pg_vault.user_logins"), migrate, "contract", "registered but missing: run sqs2pg migrate", ""},
		"not migrated":                      {true, exec("drop table user_logins; drop schema sqs2pg, sqs2pg_vault cascade"), migrate, "contract", "not migrated: run sqs2pg migrate", ""},
		"column dropped":                    {false, exec("alter table user_logins drop column locale"), exec("alter table user_logins add column locale text"), "contract", "column locale", ""},
		"column that no row can fill":       {true, exec("alter table user_logins add column origin text not null"), exec("alter table user_logins drop column origin"), "contract", "column origin", ""},
		"column that no row can fill, warm": {false, exec("alter table user_logins add column origin text default 'x' not null; alter table user_logins alter origin drop default"), exec("alter table user_logins drop column origin"), "contract", "column origin", ""},
		"key dropped":                       {false, exec("alter table user_logins drop constraint user_logins_pkey"), exec("alter table user_logins add constraint user_logins_pkey primary key (sent_at, event_id)"), "contract", "primary key", ""},
		"right revoked":                     {false, exec("revoke insert on user_logins from sqs2pg_writer"), exec("grant insert on user_logins to sqs2pg_writer"), "contract", "lacks insert", ""},
		"another key of the same name": {true, func(t *testing.T, f *function) {
			f.load(t) // registers the right key
			f.Keyring = fixed(t, keyring("fedcba9876543210"))
		}, func(t *testing.T, f *function) { f.Keyring = fixed(t, keyring("0123456789abcdef")) }, "contract", "masking key k1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFunction(t)
			q := &countingSQS{}
			f.Backoff = q
			if !tt.cold {
				f.load(t)
			}
			tt.breakIt(t, f)
			for range 2 {
				f.expectSetupFault(t, q, tt.reason, tt.says, tt.state)
			}
			tt.repair(t, f)
			rows := f.rows(t) + f.load(t) // a dropped table took its rows along
			if n := f.rows(t); n != rows {
				t.Errorf("%d rows after the repair, want %d", n, rows)
			}
		})
	}
}

// load writes a batch of two new logins.
func (f *function) load(t *testing.T) int {
	t.Helper()
	e := messages(standard, login(nil), login(nil))
	for i := range e.Records {
		e.Records[i].MessageId = uuid.NewString()
	}
	if failed := f.invoke(t, e); len(failed) > 0 {
		t.Fatalf("failed: %v", f.lines(t))
	}
	return len(e.Records)
}

func (f *function) rows(t *testing.T) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(f.db.QueryStrings(t, "select count(*) from user_logins")[0], &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// expectSetupFault invokes the function with three messages that were received twice.
func (f *function) expectSetupFault(t *testing.T, q *countingSQS, reason, says, sqlstate string) {
	t.Helper()
	f.log.Reset()
	f.metrics.Reset()
	*q = countingSQS{}
	var unavailable *ingest.Unavailable
	if _, err := f.Invoke(t.Context(), payload(t, messages(standard, login(nil), login(nil), `{}`))); !errors.As(err, &unavailable) {
		t.Fatalf("error is %v, want *Unavailable", err)
	}
	var line struct{ Level, Message, Reason, Error, SQLSTATE string }
	if err := json.Unmarshal(f.log.Bytes(), &line); err != nil {
		t.Fatalf("want one log line: %v: %s", err, f.log)
	}
	if line.Level != "ERROR" || line.Reason != reason || line.SQLSTATE != sqlstate || !strings.Contains(line.Error, says) {
		t.Errorf("log line %+v, want the reason %s, SQLSTATE %q and an error that says %q", line, reason, sqlstate, says)
	}
	if diff := cmp.Diff([]float64{3, 3}, []float64{f.metric(t, "SetupFault"), f.metric(t, "Unavailable")}); diff != "" {
		t.Errorf("metrics SetupFault and Unavailable (-want +got):\n%s", diff)
	}
	if q.n != 3 || q.least < 15*time.Minute || q.most > 19*time.Minute {
		t.Errorf("%d messages are hidden for %s to %s, want 3 for 15 minutes or a little longer", q.n, q.least, q.most)
	}
}

// A trigger refuses a message that is alone in its batch. Nobody can tell whether message or
// trigger is at fault, so the message is rejected, and the alarm for set-up faults counts it.
func TestHidesUnprovenMessageForTheLongestTime(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	q := &countingSQS{}
	f.Backoff = q
	f.db.Exec(t, `create function broken() returns trigger language plpgsql as $$ begin perform missing(); return new; end $$;
		create trigger broken before insert on user_logins for each row execute function broken()`)
	if diff := cmp.Diff([]string{"m1"}, f.invoke(t, messages(standard, `{}`, login(nil)))[1:]); diff != "" {
		t.Errorf("failed ids after m0 (-want +got):\n%s", diff)
	}
	want := map[string]string{"messageId": "m1", "outcome": "rejected", "receiveCount": "2", "reason": "database", "sqlstate": "42883"}
	if diff := cmp.Diff(want, f.lines(t)[1]); diff != "" {
		t.Errorf("log line (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{1, 1}, []float64{f.metric(t, "SetupFault"), f.metric(t, "Rejected")}); diff != "" {
		t.Errorf("metrics SetupFault and Rejected (-want +got):\n%s", diff)
	}
	if q.n != 1 || q.least < 15*time.Minute || q.most > 19*time.Minute {
		t.Errorf("%d messages are hidden for %s to %s, want 1 for 15 minutes or a little longer", q.n, q.least, q.most)
	}
}
