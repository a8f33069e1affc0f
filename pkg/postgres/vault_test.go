package postgres_test

import (
	"context"
	"crypto/hpke"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/vault"
)

// visitsWith is a contract whose root and whose property "person" have these keywords, too.
func visitsWith(root, person, ip string) *contract.Contract {
	return parse("visits", `{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "x-table": "user_logins", `+root+`
		"required": ["person", "session"],
		"properties": {
			"person": {"type": "string", "maxLength": 20`+person+`},
			"session": {"type": "string"},
			"ip": {"type": ["string", "null"], "x-mask": "token"`+ip+`}
		}}`)
}

const (
	subject     = `, "x-subject": true`
	recoverable = `, "x-recover": true`
	byPerson    = `"x-write": {"mode": "upsert", "key": ["person"]},`
)

// guarded are all kinds of guarded tables.
var guarded = map[string]*contract.Contract{
	"vault and subject":         visitsWith("", subject, recoverable),
	"vault":                     visitsWith("", "", recoverable),
	"subject":                   visitsWith("", subject, ""),
	"upsert, vault and subject": visitsWith(byPerson, subject, recoverable),
	"upsert, vault":             visitsWith(byPerson, "", recoverable),
	"upsert, subject":           visitsWith(byPerson, subject, ""),
}

// publicKey makes a recipient that the database knows.
func publicKey(tb testing.TB, db *postgrestest.Database) vault.PublicKey {
	tb.Helper()
	private, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		tb.Fatal(err)
	}
	key, err := vault.NewPublicKey(vault.MLKEM768X25519, private.PublicKey().Bytes())
	if err != nil {
		tb.Fatal(err)
	}
	db.Exec(tb, "insert into sqs2pg_vault.recipients (id, kem, public_key, locator) values ($1, $2, $3, '')", key.ID(), key.KEM(), key.String())
	return key
}

// visits is a guarded table with what its writer needs.
type visits struct {
	*contract.Contract
	db      *postgrestest.Database
	w       *postgres.Writer
	rows    *contract.Rows
	session *vault.Session
	made    int
}

func newVisits(tb testing.TB, c *contract.Contract) *visits {
	tb.Helper()
	return visitsIn(tb, postgrestest.New(tb, c.Table()), c)
}

// visitsIn is newVisits for a table that is there.
func visitsIn(tb testing.TB, db *postgrestest.Database, c *contract.Contract) *visits {
	tb.Helper()
	v := &visits{Contract: c, db: db, w: postgres.NewWriter(db.Pool, c.Table()), rows: c.Rows(keyring, 100)}
	var err error
	if v.session, err = vault.NewSealer(publicKey(tb, db), time.Now).Session(tb.Context(), db.Pool.StoreSession); err != nil {
		tb.Fatal(err)
	}
	return v
}

// events makes n events of as many people, each with an ip.
func (v *visits) events(tb testing.TB, n int) (events []postgres.Event) {
	tb.Helper()
	for range n {
		v.made++
		events = append(events, v.event(tb, fmt.Sprintf(`{"person": "p%d", "session": "s", "ip": "192.0.2.%d"}`, v.made, v.made%256)))
	}
	return events
}

func (v *visits) event(tb testing.TB, body string) postgres.Event {
	tb.Helper()
	record, err := v.rows.Decode(contract.Message{Body: []byte(body)})
	if err != nil {
		tb.Fatal(err)
	}
	e := postgres.Event{SentAt: time.Now().Truncate(time.Microsecond), Row: v.rows.Mask(record)}
	rand.Read(e.ID[:])
	if v.Table().Recover != nil {
		e.Sealed = v.rows.Seal(v.session, record, e.ID, e.SentAt)
	}
	if v.Table().Mode == contract.Upsert {
		e.Subject = v.rows.Subject(record, keyring.CurrentID())
	}
	return e
}

func (v *visits) epoch(tb testing.TB) (epoch int64) {
	tb.Helper()
	if _, err := fmt.Sscan(v.db.QueryStrings(tb, "select epoch from sqs2pg.tables")[0], &epoch); err != nil {
		tb.Fatal(err)
	}
	return epoch
}

func (v *visits) stream(ctx context.Context, epoch int64, events []postgres.Event) (postgres.Result, error) {
	return v.w.Stream(ctx, epoch, slices.Values([][]postgres.Event{events}))
}

// write writes events by the epoch that the table has.
func (v *visits) write(tb testing.TB, events []postgres.Event) postgres.Result {
	tb.Helper()
	result, err := v.stream(tb.Context(), v.epoch(tb), events)
	if err != nil {
		tb.Fatal(err)
	}
	return result
}

// want is how many rows the table and its vault have.
func (v *visits) want(tb testing.TB, rows, sealed int) {
	tb.Helper()
	got := v.db.QueryStrings(tb, "select count(*) from user_logins")
	if v.Table().Recover == nil {
		got = append(got, fmt.Sprint(sealed))
	} else {
		got = append(got, v.db.QueryStrings(tb, "select count(*) from sqs2pg_vault.user_logins")...)
	}
	if diff := cmp.Diff([]string{fmt.Sprint(rows), fmt.Sprint(sealed)}, got); diff != "" {
		tb.Errorf("rows of the table and its vault (-want +got):\n%s", diff)
	}
}

// eachGuarded runs a test with each kind of guarded table, by INSERT and by COPY.
func eachGuarded(t *testing.T, test func(t *testing.T, v *visits, n int)) {
	t.Parallel()
	for name, c := range guarded {
		for _, n := range []int{10, 300} {
			t.Run(fmt.Sprintf("%s, %d rows", name, n), func(t *testing.T) {
				t.Parallel()
				test(t, newVisits(t, c), n)
			})
		}
	}
}

func TestWritesRowAndSealTogether(t *testing.T) {
	eachGuarded(t, func(t *testing.T, v *visits, n int) {
		events := v.events(t, n)
		if got := v.write(t, events); got.Written != n {
			t.Errorf("%+v, want %d written", got, n)
		}
		v.want(t, n, n)
		// A redelivery, with some new events.
		more := append(slices.Clone(events), v.events(t, 5)...)
		if got := v.write(t, more); got.Written != 5 || got.Duplicates != n {
			t.Errorf("%+v, want 5 written and %d duplicates", got, n)
		}
		v.want(t, n+5, n+5)
	})
}

func TestWritesEventsWithoutSeal(t *testing.T) {
	eachGuarded(t, func(t *testing.T, v *visits, n int) {
		events := v.events(t, n)
		for i := range events {
			if i%2 == 0 {
				events[i].Sealed = vault.Sealed{}
			}
		}
		v.write(t, events)
		v.want(t, n, n/2)
	})
}

// A writer that knows an older epoch writes nothing, and says so.
func TestWritesNothingByAnOlderEpoch(t *testing.T) {
	eachGuarded(t, func(t *testing.T, v *visits, n int) {
		events, epoch := v.events(t, n), v.epoch(t)
		v.db.Exec(t, "update sqs2pg.tables set epoch = epoch + 1")
		got, err := v.stream(t.Context(), epoch, events)
		if err != nil {
			t.Fatal(err)
		}
		want := postgres.Result{Outdated: true}
		for i := range n {
			want.Failures = append(want.Failures, postgres.Failure{Index: i, Undecided: true})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		v.want(t, 0, 0)
		if got := v.write(t, events); got.Written != n {
			t.Errorf("%+v, want %d written", got, n)
		}
	})
}

func TestRefusesToWriteInAnotherIsolationLevel(t *testing.T) {
	eachGuarded(t, func(t *testing.T, v *visits, n int) {
		v.w = postgres.NewWriter(openWith(t, v.db, "default_transaction_isolation", "repeatable read"), v.Table())
		_, err := v.stream(t.Context(), v.epoch(t), v.events(t, n))
		wantSetupFault(t, err, "SQ002")
		v.want(t, 0, 0)
	})
}

// openWith opens a pool whose sessions have a setting. Those of a pooler begin anew.
func openWith(t *testing.T, db *postgrestest.Database, name, value string) *postgres.Pool {
	t.Helper()
	db.Exec(t, fmt.Sprintf("do $$ begin execute format('alter database %%I set %s = %%L', current_database(), '%s'); end $$", name, value))
	db.Exec(t, "select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
	return postgrestest.Open(t, db.URL)
}

// wantSetupFault checks for a fault that no retry heals.
func wantSetupFault(t *testing.T, err error, sqlstate string) {
	t.Helper()
	u, ok := err.(*postgres.Unavailable)
	if !ok || u.SQLSTATE != sqlstate || u.Passing || strings.Contains(u.Reason, "refused the work") {
		t.Errorf("%#v, want a fault of the set-up with SQLSTATE %s and a reason", err, sqlstate)
	}
}

// A small batch is one round trip. COPY takes a second one, for what is sealed and the commit.
func TestWriteToAGuardedTableTakesNoMoreRoundTrips(t *testing.T) {
	t.Parallel()
	for name, trips := range map[string]map[int]int64{
		"vault and subject": {10: 1, 300: 2}, "subject": {10: 1, 300: 1}, "upsert, vault and subject": {10: 1, 300: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisits(t, guarded[name])
			proxy := postgrestest.NewSlowProxy(t, v.db.URL, 0)
			v.w = postgres.NewWriter(postgrestest.Open(t, proxy.URL(t, v.db.URL)), v.Table())
			v.write(t, v.events(t, 1))
			for n, want := range trips {
				events := v.events(t, n)
				before := proxy.RoundTrips()
				v.write(t, events)
				if got := proxy.RoundTrips() - before; got != want {
					t.Errorf("%d round trips for %d rows, want %d", got, n, want)
				}
			}
		})
	}
}

func TestCommitOfASessionWaitsForTheDisk(t *testing.T) {
	t.Parallel()
	v := newVisits(t, guarded["vault"])
	v.db.Exec(t, `create table seen (setting text); grant insert on seen to public;
		create function see() returns trigger language plpgsql as $$ begin insert into seen values (current_setting('synchronous_commit')); return null; end $$;
		create trigger see after insert on sqs2pg_vault.sessions for each row execute function see()`)
	pool := openWith(t, v.db, "synchronous_commit", "off")
	for range 2 {
		if err := pool.StoreSession(t.Context(), v.session); err != nil {
			t.Fatal(err)
		}
	}
	next, err := vault.NewSealer(publicKey(t, v.db), time.Now).Session(t.Context(), pool.StoreSession)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"on"}, v.db.QueryStrings(t, "select setting from seen")); diff != "" {
		t.Errorf("synchronous_commit (-want +got):\n%s", diff)
	}
	if n := v.db.QueryStrings(t, "select count(*) from sqs2pg_vault.sessions where id = $1", next.ID)[0]; n != "1" {
		t.Errorf("%s sessions, want 1", n)
	}
	var setting string
	if err := pool.Pgx().QueryRow(t.Context(), "show synchronous_commit").Scan(&setting); err != nil || setting != "off" {
		t.Errorf("afterwards it is %s, %v; want off", setting, err)
	}
}

// Each block is entered by itself, and what is sealed of a refused row is not stored.
func TestIsolatesRefusedRowsOfAGuardedTable(t *testing.T) {
	eachGuarded(t, func(t *testing.T, v *visits, n int) {
		v.db.Exec(t, "alter table user_logins add constraint good check (session <> 'bad')")
		events := v.events(t, n)
		var want []postgres.Failure
		for _, i := range []int{0, n / 2, n - 1} {
			events[i] = v.event(t, fmt.Sprintf(`{"person": "bad%d", "session": "bad", "ip": "192.0.2.1"}`, i))
			want = append(want, postgres.Failure{Index: i, SQLSTATE: "23514", Constraint: "good"})
		}
		got := v.write(t, events)
		if diff := cmp.Diff(postgres.Result{Written: n - 3, Failures: want}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		v.want(t, n-3, n-3)
		if opened := v.db.Pool.Pgx().Stat().NewConnsCount(); opened != 1 {
			t.Errorf("%d connections were opened, want 1: one was left in a transaction", opened)
		}
	})
}

// The events of a group keep their order when the epoch changes: what is undecided is not held.
func TestGroupsOfAnOutdatedBatchStayOpen(t *testing.T) {
	eachGuarded(t, func(t *testing.T, v *visits, n int) {
		v.db.Exec(t, "alter table user_logins add constraint good check (session <> 'bad')")
		events := v.events(t, n)
		for i := range events {
			events[i].Group = fmt.Sprintf("g%d", i%3)
		}
		got, err := v.stream(t.Context(), v.epoch(t)+1, events)
		held := slices.ContainsFunc(got.Failures, func(f postgres.Failure) bool { return f.Held || !f.Undecided })
		if err != nil || !got.Outdated || held || len(got.Failures) != n {
			t.Errorf("%+v, %v; want all undecided", got, err)
		}
	})
}

// In upsert mode a seal is added for each event that is written. That of an older event is not
// changed, and one that is older than the row leaves none.
func TestUpsertAddsSealsOfWrittenEvents(t *testing.T) {
	t.Parallel()
	v := newVisits(t, guarded["upsert, vault and subject"])
	var events []postgres.Event
	for i, age := range []time.Duration{2, 3, 1} {
		e := v.event(t, fmt.Sprintf(`{"person": "p", "session": "s%d", "ip": "192.0.2.1"}`, i))
		e.SentAt = e.SentAt.Add(-age * time.Minute)
		events = append(events, e)
		v.write(t, events[i:])
		v.write(t, events[i:])
	}
	v.want(t, 1, 2)
	if got := v.db.QueryStrings(t, "select t.session from user_logins t join sqs2pg_vault.user_logins s using (sent_at, event_id) where s.subject like 'k1:%'"); !slices.Equal(got, []string{"s2"}) {
		t.Errorf("the row with its seal: %v, want the newest event's", got)
	}
}

func TestWritesToAGuardedTableThroughAPooler(t *testing.T) {
	eachGuarded(t, func(t *testing.T, v *visits, n int) {
		v.w = postgres.NewWriter(postgrestest.Open(t, v.db.PoolerURL(t)), v.Table())
		events := v.events(t, n)
		for _, want := range []postgres.Result{{Written: n}, {Duplicates: n}} {
			if diff := cmp.Diff(want, v.write(t, events)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		got, err := v.stream(t.Context(), v.epoch(t)-1, v.events(t, n))
		if err != nil || !got.Outdated {
			t.Errorf("%+v, %v; want it outdated", got, err)
		}
		v.want(t, n, n)
	})
}
