package disclosure_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// visits is a table with a vault, in the mode.
func visits(mode contract.Mode) contract.Table {
	t := contract.Table{
		Schema: "public", Name: "visits", Mode: mode, Recover: []string{"ip", "device"}, Subject: "id",
		Columns: []contract.Column{{Name: "id", Path: "id", Required: true}, {Name: "ip", Path: "ip"}},
	}
	if mode == contract.Upsert {
		t.Key = []string{"id"}
	}
	return t
}

// ledger is a database with rows and sealed values, and the logins of those who look into it.
type ledger struct {
	*postgrestest.Database
	t *testing.T
}

func newLedger(t *testing.T, mode contract.Mode) ledger {
	t.Helper()
	return ledger{postgrestest.New(t, visits(mode)), t}
}

// as returns a pool of a new login with a role.
func (v ledger) as(name, role string) *postgres.Pool {
	v.t.Helper()
	u, err := url.Parse(v.OwnerURL)
	if err != nil {
		v.t.Fatal(err)
	}
	name = strings.TrimPrefix(u.Path, "/") + "_" + name
	v.Exec(v.t, fmt.Sprintf("create role %s login password 'secret' in role %s", name, role))
	v.t.Cleanup(func() { v.Exec(v.t, "drop role "+name) })
	u.User = url.UserPassword(name, "secret")
	return postgrestest.Open(v.t, u.String())
}

func (v ledger) revealer() *postgres.Pool { v.t.Helper(); return v.as("ann", "sqs2pg_revealer") }

// event is the n-th event, n hours ago.
func event(n int) disclosure.Key {
	return disclosure.Key{SentAt: today.Add(-time.Duration(n) * time.Hour), EventID: [16]byte{15: byte(n)}}
}

var today = time.Now().UTC().Truncate(24 * time.Hour)

// add adds events with their sealed values.
func (v ledger) add(keys ...disclosure.Key) {
	v.t.Helper()
	for _, k := range keys {
		v.Exec(v.t, "select sqs2pg.make_partitions('visits', array[$1::timestamptz::date]) from sqs2pg.tables where mode = 'insert'", k.SentAt)
		v.Exec(v.t, "insert into visits (id, ip, sent_at, event_id) select 'person ' || right($2::uuid::text, 2), 'k1:token', $1::timestamptz, $2::uuid where sqs2pg.enter('visits', 1)", k.SentAt, k.EventID)
		v.Exec(v.t, "insert into sqs2pg_vault.visits (sent_at, event_id, session, sealed) values ($1, $2, gen_random_uuid(), convert_to('sealed ' || $2::uuid, 'UTF8'))", k.SentAt, k.EventID)
	}
}

func inquiry(keys ...disclosure.Key) disclosure.Inquiry {
	return disclosure.Inquiry{Table: visits(contract.Insert), Fields: []string{"ip"}, Purpose: "fraud", Ticket: "ABC-1", Caller: "arn:aws:sts::1:assumed-role/r/ann@example.com", Keys: keys}
}

func (v ledger) request(pool *postgres.Pool, q disclosure.Inquiry) disclosure.Granted {
	v.t.Helper()
	granted, err := disclosure.Request(v.t.Context(), pool, q)
	if err != nil {
		v.t.Fatal(err)
	}
	return granted
}

// fetch returns the keys that were given out.
func (v ledger) fetch(pool *postgres.Pool, granted disclosure.Granted) (keys []disclosure.Key, err error) {
	err = disclosure.Fetch(v.t.Context(), pool, granted, func(s disclosure.Sealed) error {
		if !strings.HasPrefix(string(s.Value), "sealed 0") || s.Session == ([16]byte{}) {
			v.t.Errorf("got %q of session %x", s.Value, s.Session)
		}
		keys = append(keys, disclosure.Key{SentAt: s.SentAt.UTC(), EventID: s.EventID})
		return nil
	})
	return keys, err
}

func TestFetchGivesOutWhatTheRequestNamed(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]contract.Mode{"insert": contract.Insert, "upsert": contract.Upsert} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newLedger(t, mode)
			v.add(event(1), event(2), event(3), event(30))
			v.Exec(t, "delete from visits where event_id = $1", event(2).EventID) // by hand, and not from the vault
			v.Exec(t, "delete from sqs2pg_vault.visits where event_id = $1", event(3).EventID)
			pool := v.revealer()
			granted := v.request(pool, inquiry(event(1), event(2), event(3), event(30), event(99), event(1)))
			for range 2 {
				keys, err := v.fetch(pool, granted)
				if diff := cmp.Diff([]disclosure.Key{event(30), event(1)}, sorted(keys)); diff != "" || err != nil {
					t.Errorf("%v; given out (-want +got):\n%s", err, diff)
				}
			}
			if granted.Head.Seq != 1 || granted.N != 5 {
				t.Errorf("entry %d of %d events, want 1 of 5", granted.Head.Seq, granted.N)
			}
		})
	}
}

func sorted(keys []disclosure.Key) []disclosure.Key {
	sortKeys(keys)
	return keys
}

func TestRequestRefusesWhatItDoesNotAllow(t *testing.T) {
	t.Parallel()
	v := newLedger(t, contract.Insert)
	v.Exec(t, "create table other (id text)")
	pool := v.revealer()
	many := make([]disclosure.Key, 100_001)
	for name, change := range map[string]func(*disclosure.Inquiry){
		"another purpose":           func(q *disclosure.Inquiry) { q.Purpose = "curiosity of 192.0.2.77" },
		"a free text":               func(q *disclosure.Inquiry) { q.Ticket = "192.0.2.77" },
		"a caller with a space":     func(q *disclosure.Inquiry) { q.Caller = "Ann 192.0.2.77" },
		"a field that is not in it": func(q *disclosure.Inquiry) { q.Fields = []string{"ip", "192.0.2.77"} },
		"no field":                  func(q *disclosure.Inquiry) { q.Fields = nil },
		"a field many times":        func(q *disclosure.Inquiry) { q.Fields = slices.Repeat([]string{"ip"}, 1000) },
		"no event":                  func(q *disclosure.Inquiry) { q.Keys = nil },
		"too many events":           func(q *disclosure.Inquiry) { q.Keys = many },
		"a table that has no vault": func(q *disclosure.Inquiry) { q.Table.Name = "other" },
	} {
		q := inquiry(event(1))
		change(&q)
		_, err := disclosure.Request(t.Context(), pool, q)
		if !errors.Is(err, disclosure.ErrInvalid) || strings.Contains(err.Error(), "192.0.2.77") {
			t.Errorf("%s: got %v, want ErrInvalid without what was given", name, err)
		}
	}
	if n := v.QueryStrings(t, "select count(*) from sqs2pg.audit")[0]; n != "0" {
		t.Errorf("%s entries of requests that were refused", n)
	}
}

func TestRequestKeepsTheLimitOfAnHour(t *testing.T) {
	t.Parallel()
	v := newLedger(t, contract.Insert)
	v.Exec(t, "update sqs2pg.reveal_limit set events_per_hour = 3")
	ann, bob := v.revealer(), v.as("bob", "sqs2pg_revealer")
	v.request(ann, inquiry(event(1), event(2)))
	if _, err := disclosure.Request(t.Context(), ann, inquiry(event(1), event(3))); !errors.Is(err, disclosure.ErrLimit) {
		t.Errorf("the fourth event: got %v, want ErrLimit", err)
	}
	v.request(ann, inquiry(event(3)))
	v.request(bob, inquiry(event(1), event(2), event(3)))
	v.Exec(t, "delete from sqs2pg.reveal_limit")
	if _, err := disclosure.Request(t.Context(), v.as("eve", "sqs2pg_revealer"), inquiry(event(1))); !errors.Is(err, disclosure.ErrLimit) {
		t.Errorf("without a limit: got %v, want ErrLimit", err)
	}
}

const (
	sqlRequest = "select seq from sqs2pg.request('visits', 'fraud', 'ABC-1', '', '{ip}', $1, $2)"
	sqlFetch   = "select count(*) from sqs2pg.fetch($1, $2, $3)"
)

func TestFetchRefusesARequestThatIsNotCommitted(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]string{
		"in the same transaction":         {"begin", "REQUEST", "FETCH"},
		"in a savepoint of it":            {"begin", "savepoint a", "REQUEST", "release a", "savepoint b", "FETCH"},
		"after a rollback":                {"begin", "REQUEST", "rollback", "FETCH"},
		"after a rollback to a savepoint": {"begin", "savepoint a", "REQUEST", "rollback to a", "FETCH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newLedger(t, contract.Insert)
			v.add(event(1))
			conn, err := v.revealer().Pgx().Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Release()
			var seq int64
			for _, step := range steps {
				switch step {
				case "REQUEST":
					err = conn.QueryRow(t.Context(), sqlRequest, []time.Time{event(1).SentAt}, [][16]byte{event(1).EventID}).Scan(&seq)
				case "FETCH":
					_, err = conn.Exec(t.Context(), sqlFetch, seq, []time.Time{event(1).SentAt}, [][16]byte{event(1).EventID})
				default:
					_, err = conn.Exec(t.Context(), step)
				}
				if step != "FETCH" && err != nil {
					t.Fatalf("%s: %v", step, err)
				}
			}
			if state(err) != "SQ005" || seq == 0 {
				t.Errorf("request %d, got %v; want SQ005", seq, err)
			}
		})
	}
}

func state(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code
	}
	return fmt.Sprint(err)
}

func TestFetchRefusesAnotherRequestThanItsOwn(t *testing.T) {
	t.Parallel()
	v := newLedger(t, contract.Insert)
	v.add(event(1), event(2))
	ann, bob := v.revealer(), v.as("bob", "sqs2pg_revealer")
	granted := v.request(ann, inquiry(event(1)))
	if keys, err := v.fetch(bob, granted); !errors.Is(err, disclosure.ErrNoRequest) || len(keys) > 0 {
		t.Errorf("by another login: got %v and %d values", err, len(keys))
	}
	for name, keys := range map[string][]disclosure.Key{"other keys": {event(2)}, "more keys": {event(1), event(2)}, "no keys": {}, "another time": {{SentAt: event(2).SentAt, EventID: event(1).EventID}}} {
		sentAt, ids := []time.Time{}, [][16]byte{}
		for _, k := range keys {
			sentAt, ids = append(sentAt, k.SentAt), append(ids, k.EventID)
		}
		_, err := ann.Pgx().Exec(t.Context(), sqlFetch, granted.Head.Seq, sentAt, ids)
		if state(err) != "SQ005" {
			t.Errorf("%s: got %v, want SQ005", name, err)
		}
	}
	if keys, err := v.fetch(ann, granted); err != nil || len(keys) != 1 {
		t.Errorf("its own: got %v and %d values", err, len(keys))
	}
	// The trigger keeps the owner, too, from making the request older.
	v.Exec(t, "alter table sqs2pg.audit disable trigger all; update sqs2pg.audit set at_us = at_us - 301000000; alter table sqs2pg.audit enable always trigger audit_is_only_added_to")
	if keys, err := v.fetch(ann, granted); !errors.Is(err, disclosure.ErrNoRequest) || len(keys) > 0 {
		t.Errorf("after 5 minutes: got %v and %d values", err, len(keys))
	}
}

// A login may have settings of its own. With these two Postgres prints a time that it reads as
// another one: India's IST is taken for Israel's.
func TestSettingsOfALoginChangeNothing(t *testing.T) {
	t.Parallel()
	v := newLedger(t, contract.Insert)
	v.add(event(1))
	conn, err := v.revealer().Pgx().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "set datestyle = 'SQL, DMY'; set timezone = 'Asia/Kolkata'; set quote_all_identifiers = on; set standard_conforming_strings = off"); err != nil {
		t.Fatal(err)
	}
	sentAt, ids := []time.Time{event(1).SentAt}, [][16]byte{event(1).EventID}
	var seq int64
	if err := conn.QueryRow(t.Context(), sqlRequest, sentAt, ids).Scan(&seq); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := conn.QueryRow(t.Context(), sqlFetch, seq, sentAt, ids).Scan(&n); err != nil || n != 1 {
		t.Errorf("fetched %d values, %v; want one", n, err)
	}
	if target := v.QueryStrings(t, "select target from sqs2pg.audit")[0]; target != "public.visits" {
		t.Errorf("the audit has %s", target)
	}
}

func TestRequestNeedsReadCommitted(t *testing.T) {
	t.Parallel()
	v := newLedger(t, contract.Insert)
	pool := v.revealer()
	for _, level := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
		err := pgx.BeginTxFunc(t.Context(), pool.Pgx(), pgx.TxOptions{IsoLevel: level}, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sqlRequest, []time.Time{event(1).SentAt}, [][16]byte{event(1).EventID})
			return err
		})
		if state(err) != "SQ002" {
			t.Errorf("%s: got %v, want SQ002", level, err)
		}
	}
}

func TestFetchEndsWithTheCallersError(t *testing.T) {
	t.Parallel()
	v := newLedger(t, contract.Insert)
	v.add(event(1), event(2))
	pool := v.revealer()
	granted := v.request(pool, inquiry(event(1), event(2)))
	calls := 0
	err := disclosure.Fetch(t.Context(), pool, granted, func(disclosure.Sealed) error { calls++; return context.Canceled })
	if err != context.Canceled || calls != 1 {
		t.Errorf("%d calls, %v; want one, and its error as it is", calls, err)
	}
}

// Five years of a day each are more partitions than one query can lock.
func TestFindAndFetchOverManyDays(t *testing.T) {
	t.Parallel()
	v := newLedger(t, contract.Insert)
	keys := []disclosure.Key{}
	for n := range 5 {
		keys = append(keys, disclosure.Key{SentAt: today.AddDate(0, 0, -300*n), EventID: [16]byte{15: byte(n + 1)}})
	}
	v.add(keys...)
	pool := v.revealer()
	rows, err := disclosure.Find(t.Context(), pool, visits(contract.Insert), disclosure.Selection{Columns: []string{"id", "ip"}, Values: []string{"k1:token"}}, 4)
	if err != nil || len(rows) != 4 || !strings.Contains(string(rows[0].JSON), `"id": "person 05"`) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var found []disclosure.Key
	for _, row := range rows {
		found = append(found, row.Key)
	}
	last := found[3]
	rows, err = disclosure.Find(t.Context(), pool, visits(contract.Insert), disclosure.Selection{Where: "visits.ip like 'k1%' -- all", After: &last}, 4)
	if err != nil || len(rows) != 1 {
		t.Fatalf("after the first: %d rows, %v", len(rows), err)
	}
	v.Exec(t, "insert into sqs2pg_vault.sessions (id, recipient, enc) select session, $1, '' from sqs2pg_vault.visits", postgrestest.VaultKey().ID())
	recipients, err := disclosure.SealedFor(t.Context(), pool, visits(contract.Insert), append(sorted(slices.Clone(keys)), event(9)))
	want := map[disclosure.Key]string{}
	for _, key := range keys {
		want[key] = postgrestest.VaultKey().ID()
	}
	if diff := cmp.Diff(want, recipients); diff != "" || err != nil {
		t.Errorf("%v; sealed for (-want +got):\n%s", err, diff)
	}
	got, err := v.fetch(pool, v.request(pool, inquiry(append(found, rows[0].Key)...)))
	if diff := cmp.Diff(sorted(keys), got); diff != "" || err != nil {
		t.Errorf("%v; given out (-want +got):\n%s", err, diff)
	}
}

func TestFindChangesNothing(t *testing.T) {
	t.Parallel()
	v := newLedger(t, contract.Insert)
	v.add(event(1))
	pool := v.revealer()
	v.Exec(t, "create sequence s; grant all on s to public")
	for condition, want := range map[string]string{
		"nope = 1":               "a column is not there: correct the condition",
		"id = ":                  "a mistake of syntax",
		"exists (table nope)":    "a table is not there: run sqs2pg migrate",
		"1/(length(id) - 9) = 1": "check the condition",
		"nextval('s') > 0":       "would change something",
		"exists (select from sqs2pg_vault.visits)": "sqs2pg_revealer",
	} {
		_, err := disclosure.Find(t.Context(), pool, visits(contract.Insert), disclosure.Selection{Where: condition}, 1)
		if _, ok := errors.AsType[*postgres.Unavailable](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", condition, err, want)
		}
	}
}
