package postgres_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

func TestEveryTypeArrivesUnchanged(t *testing.T) {
	t.Parallel()
	const id, other = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000"
	bodies := []map[string]any{
		{"id": id, "n": -9007199254740991, "x": 2.5e-300, "ok": true, "day": "1999-12-31", "at": "1970-01-01T00:00:00.123456+02:00",
			"list": []any{1, "zwei", nil, map[string]any{"drei": "\u00e4\"\\"}}, "note": "ä\n'\"\\{},NULL\U0001F600", "gone": secret},
		{"id": other, "n": 0, "x": 0, "ok": false, "day": "2000-02-29", "at": "2026-11-23T13:08:00Z", "list": []any{}, "note": "", "gone": nil},
		{"id": "ffffffff-ffff-ffff-ffff-ffffffffffff"},
	}
	want := [][]string{
		{other, "0", "0", "f", "2000-02-29", "2026-11-23 13:08:00+00", "[]", "", "NULL"},
		{id, "-9007199254740991", "2.5e-300", "t", "1999-12-31", "1969-12-31 22:00:00.123456+00",
			`[1, "zwei", null, {"drei": "ä\"\\"}]`, "ä\n'\"\\{},NULL\U0001F600", "NULL"},
		{"ffffffff-ffff-ffff-ffff-ffffffffffff", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL"},
	}
	for _, c := range []*contract.Contract{measurements, devices} {
		for _, mode := range []string{"", "cache_describe", "exec"} {
			db := postgrestest.New(t, c.Table())
			url := db.URL
			if mode != "" {
				url += "&default_query_exec_mode=" + mode
			}
			var events []postgres.Event
			for _, body := range bodies {
				events = append(events, event(t, c, body))
			}
			write(t, postgres.NewWriter(postgrestest.Open(t, url), c.Table()), events)
			got := db.Query(t, "select id, n, x, ok, day, at, list, note, gone from "+c.Table().Name+" order by id")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, mode %q (-want +got):\n%s", c.Name(), mode, diff)
			}
		}
	}
}

func TestStoresIdentityAndTime(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	e := login(t, nil)
	e.ID = [16]byte{0xab, 15: 1}
	e.SentAt = time.Date(2026, 1, 1, 0, 30, 0, 123456000, time.FixedZone("", 3600)) // the day before in UTC
	write(t, postgres.NewWriter(db.Pool, logins.Table()), []postgres.Event{e})
	got := db.Query(t, "select event_id, sent_at, create_date from user_logins")
	want := [][]string{{"ab000000-0000-0000-0000-000000000001", "2025-12-31 23:30:00.123456+00", "2025-12-31"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRedeliveryAddsNoRow(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	w := postgres.NewWriter(db.Pool, logins.Table())
	events := someLogins(t, 10)
	for _, test := range []struct {
		name   string
		events []postgres.Event
		want   postgres.Result
	}{
		{"no events", nil, postgres.Result{}},
		{"the first delivery", events[:5], postgres.Result{Written: 5}},
		{"old and new mixed", events[3:], postgres.Result{Written: 5, Duplicates: 2}},
		{"all again", events, postgres.Result{Duplicates: 10}},
		{"a new event, and an old one twice", append(someLogins(t, 1), events[0], events[0]), postgres.Result{Written: 1, Duplicates: 2}},
	} {
		if diff := cmp.Diff(test.want, write(t, w, test.events)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if got := db.QueryStrings(t, "select count(*) from user_logins")[0]; got != "11" {
		t.Errorf("%s rows, want 11", got)
	}
}

// recordStatements makes a table of the statements that succeed, and the number of their rows.
const recordStatements = `create table statements (n serial, by text, rows bigint);
	create function record() returns trigger language plpgsql security definer as $$ begin
		insert into statements (by, rows) select case when current_query() like '%copy%' then 'copy' else 'insert' end, count(*) from added;
		return null;
	end $$;
	create trigger record after insert on user_logins referencing new table as added for each statement execute function record()`

func recorded(t *testing.T, db *postgrestest.Database) []string {
	return db.QueryStrings(t, "select by || ' ' || rows from statements order by n")
}

// Large batches go by COPY, after an INSERT of no rows that fails if the table has lost its key.
func TestLargeBatchesAreCopied(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, recordStatements)
	w := postgres.NewWriter(db.Pool, logins.Table())
	large := someLogins(t, 300)
	for _, step := range []struct {
		name   string
		events []postgres.Event
		want   postgres.Result
		by     []string
	}{
		{"the first large batch", large[:100], postgres.Result{Written: 100}, []string{"copy 0", "copy 100"}},
		{"a large batch", large[100:200], postgres.Result{Written: 100}, []string{"copy 0", "copy 100"}},
		{"a small batch", large[200:210], postgres.Result{Written: 10}, []string{"insert 10"}},
		{"a large batch with duplicates", large, postgres.Result{Written: 90, Duplicates: 210}, []string{"insert 90"}},
		{"the same again", large, postgres.Result{Duplicates: 300}, []string{"insert 0"}},
	} {
		db.Exec(t, "truncate statements")
		if diff := cmp.Diff(step.want, write(t, w, step.events)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.by, recorded(t, db)); diff != "" {
			t.Errorf("%s: statements that succeeded (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestRefusedRowDoesNotFailItsBatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, byDBA string
		bad         map[string]any
		want        postgres.Failure
	}{
		{"a CHECK", "alter table user_logins add constraint no_beta check (app_version not like '%beta%')",
			map[string]any{"app_version": "beta " + secret}, postgres.Failure{SQLSTATE: "23514", Constraint: "no_beta"}},
		{"a column made narrower", "alter table user_logins alter app_version type varchar(16)",
			map[string]any{"app_version": "2.3.0 " + secret}, postgres.Failure{SQLSTATE: "22001"}},
		{"a column made NOT NULL", "update user_logins set locale = 'x'; alter table user_logins alter locale set not null",
			map[string]any{"locale": nil}, postgres.Failure{SQLSTATE: "23502", Column: "locale"}},
		{"a foreign key", "create table versions (v text primary key); insert into versions values ('2.3.0'); grant select on versions to public;" +
			"alter table user_logins add constraint known_version foreign key (app_version) references versions",
			map[string]any{"app_version": secret}, postgres.Failure{SQLSTATE: "23503", Constraint: "known_version"}},
		{"a value too large for an index", "create index on user_logins (app_version)",
			map[string]any{"app_version": incompressible(9000)}, postgres.Failure{SQLSTATE: "54000"}},
		{"a trigger", refusingTrigger("P0001"), map[string]any{"app_version": "bad"}, postgres.Failure{SQLSTATE: "P0001"}},
		{"a trigger with another code", refusingTrigger("22023"), map[string]any{"app_version": "bad"}, postgres.Failure{SQLSTATE: "22023"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, logins.Table())
			w := postgres.NewWriter(db.Pool, logins.Table())
			write(t, w, []postgres.Event{login(t, map[string]any{"locale": "de"})})
			db.Exec(t, test.byDBA)
			var events []postgres.Event
			for range 1000 {
				events = append(events, login(t, map[string]any{"locale": "de"}))
			}
			body := map[string]any{"locale": "de"}
			maps.Copy(body, test.bad)
			events[617], test.want.Index = login(t, body), 617
			got := write(t, w, events)
			if diff := cmp.Diff(postgres.Result{Written: 999, Failures: []postgres.Failure{test.want}}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprintf("%+v", got), secret) {
				t.Error("a value is in the result")
			}
			if rows := db.QueryStrings(t, "select count(*) from user_logins")[0]; rows != "1000" {
				t.Errorf("%s rows", rows)
			}
		})
	}
}

// incompressible makes text that Postgres cannot compress into an index entry.
func incompressible(n int) string {
	var b strings.Builder
	for x := uint64(88172645463325252); b.Len() < n; {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		fmt.Fprintf(&b, "%016x", x)
	}
	return b.String()
}

// refusingTrigger raises an error for rows whose app_version is bad.
func refusingTrigger(sqlstate string) string {
	return `create function refuse() returns trigger language plpgsql as $$ begin
			if new.app_version = 'bad' then raise exception 'refused %', new using errcode = '` + sqlstate + `'; end if;
			return new;
		end $$;
		create trigger refuse before insert on user_logins for each row execute function refuse()`
}

func TestReportsEveryRefusedRow(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, "alter table user_logins add constraint none check (false)")
	got := write(t, postgres.NewWriter(db.Pool, logins.Table()), someLogins(t, 17))
	for i, f := range got.Failures {
		if diff := cmp.Diff(postgres.Failure{Index: i, SQLSTATE: "23514", Constraint: "none"}, f); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if len(got.Failures) != 17 {
		t.Errorf("%d failures", len(got.Failures))
	}
}

func TestTimeOutsidePartitionLimitsFailsThatRowOnly(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	events := someLogins(t, 20)
	events[3].SentAt = time.Now().AddDate(-6, 0, 0)
	events[11].SentAt = time.Now().AddDate(2, 0, 0)
	events[12].SentAt = time.Now().AddDate(0, -3, 0) // this partition is made
	got := write(t, postgres.NewWriter(db.Pool, logins.Table()), events)
	want := postgres.Result{Written: 18, Failures: []postgres.Failure{{Index: 3, SQLSTATE: "22008"}, {Index: 11, SQLSTATE: "22008"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// In any batch every event is accounted for, only the bad events fail, and no event is written
// after a failed one of its group.
func TestGroupsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, "alter table user_logins add constraint good check (app_version <> 'bad')")
	w := postgres.NewWriter(db.Pool, logins.Table())
	good, bad := login(t, nil), login(t, map[string]any{"app_version": "bad"})
	rapid.Check(t, func(t *rapid.T) {
		var events []postgres.Event
		var want postgres.Result
		failed := map[string]bool{}
		for i := range rapid.IntRange(0, 40).Draw(t, "events") {
			e := good
			isBad := rapid.IntRange(0, 7).Draw(t, "bad") == 0
			if isBad {
				e = bad
			}
			e.Group = rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "group")
			copy(e.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
			e.SentAt = time.Now()
			events = append(events, e)
			switch {
			case failed[e.Group]:
				want.Failures = append(want.Failures, postgres.Failure{Index: i, Held: true})
			case isBad:
				want.Failures = append(want.Failures, postgres.Failure{Index: i, SQLSTATE: "23514", Constraint: "good"})
				failed[e.Group] = e.Group != ""
			default:
				want.Written++
			}
		}
		got, err := w.Write(t.Context(), events)
		if err != nil {
			t.Fatal(err)
		}
		want.Written, got.Written = want.Written+want.Duplicates, got.Written+got.Duplicates // random ids may repeat
		want.Duplicates, got.Duplicates = 0, 0
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// COPY itself works without a key, and would write every event of a redelivery again.
func TestCopyWritesNoDuplicatesWhenTheKeyIsDropped(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	w := postgres.NewWriter(db.Pool, logins.Table())
	events := someLogins(t, 200)
	write(t, w, someLogins(t, 1))
	write(t, w, events)
	db.Exec(t, "alter table user_logins drop constraint user_logins_pkey")
	_, err := w.Write(t.Context(), events)
	wantUnavailable(t, err, "42P10", "run sqs2pg migrate")
	if got := db.QueryStrings(t, "select count(*) from user_logins")[0]; got != "201" {
		t.Errorf("%s rows, want 201", got)
	}
}
