package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// forEachRow makes a trigger that runs statements for each row before it is inserted.
func forEachRow(statements string) string {
	return `create function each() returns trigger language plpgsql as $$ begin ` + statements + `; return new; end $$;
		create trigger each before insert on user_logins for each row execute function each();`
}

const (
	onlyBad = "if new.app_version = 'bad' then "

	policy = `alter table user_logins enable row level security;
		create policy good on user_logins for insert with check (app_version <> 'bad'); create policy read on user_logins for select using (true)`
)

// withBad makes n events, of which those with the given indexes are bad.
func withBad(tb testing.TB, n int, bad ...int) []postgres.Event {
	events := someLogins(tb, n)
	for _, i := range bad {
		events[i] = login(tb, map[string]any{"app_version": "bad"})
	}
	return events
}

// Whatever the code, a row that is refused alone while others are written is at fault.
func TestRejectsOneRowThatPostgresRefusesWithAnyCode(t *testing.T) {
	t.Parallel()
	for sqlstate, byDBA := range map[string]string{
		"U0001": forEachRow(onlyBad + "raise exception 'no' using errcode = 'U0001'; end if"),
		"45000": forEachRow(onlyBad + "raise exception 'no' using errcode = '45000'; end if"),
		"XX000": forEachRow(onlyBad + "raise exception 'no' using errcode = 'XX000'; end if"),
		"42883": forEachRow(onlyBad + "perform missing(); end if"),
		"42501": policy,
		"57014": forEachRow(onlyBad+"perform pg_sleep(60); end if") + "do $$ begin execute 'alter database ' || current_database() || ' set statement_timeout = 500'; end $$",
	} {
		t.Run(sqlstate, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, logins.Table())
			db.Exec(t, byDBA)
			got := write(t, postgres.NewWriter(db.Pool, logins.Table()), withBad(t, 100, 61))
			want := postgres.Result{Written: 99, Failures: []postgres.Failure{{Index: 61, SQLSTATE: sqlstate}}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if rows := db.QueryStrings(t, "select count(*) from user_logins")[0]; rows != "99" {
				t.Errorf("%s rows, want 99", rows)
			}
		})
	}
}

// A row that was delivered before is evidence too.
func TestDuplicateProvesThatTheSetupWorks(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, policy)
	w := postgres.NewWriter(db.Pool, logins.Table())
	events := withBad(t, 2, 1)
	write(t, w, events[:1])
	want := postgres.Result{Duplicates: 1, Failures: []postgres.Failure{{Index: 1, SQLSTATE: "42501"}}}
	if diff := cmp.Diff(want, write(t, w, events)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// So are rows that are newer.
func TestSupersededEventProvesThatTheSetupWorks(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, devices.Table())
	w := postgres.NewWriter(db.Pool, devices.Table())
	write(t, w, []postgres.Event{device(t, 1, 20, "new")})
	db.Exec(t, `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = 'U0001'; end $$;
		create trigger refuse before insert on devices for each row when (new.note = 'bad') execute function refuse()`)
	want := postgres.Result{Superseded: 1, Failures: []postgres.Failure{{Index: 1, SQLSTATE: "U0001"}}}
	if diff := cmp.Diff(want, write(t, w, []postgres.Event{device(t, 1, 10, "old"), device(t, 2, 10, "bad")})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// When no event is written, some codes blame the rows by their class. With any other code one event
// alone is rejected, and several that fail alike mean that the set-up is at fault.
func TestTellsRowsFromSetupWhenNothingIsWritten(t *testing.T) {
	t.Parallel()
	raise := func(code string) string { return forEachRow("raise exception 'no' using errcode = " + code) }
	const check = "alter table user_logins add constraint none check (false)"
	for _, test := range []struct {
		name, byDBA string
		events      int
		rejected    []postgres.Failure // or, if empty:
		unavailable string
	}{
		{"a CHECK refuses all", check, 100, []postgres.Failure{{SQLSTATE: "23514", Constraint: "none"}}, ""},
		{"a CHECK refuses the only one", check, 1, []postgres.Failure{{SQLSTATE: "23514", Constraint: "none"}}, ""},
		{"a trigger refuses the only one", raise("'P0001'"), 1, []postgres.Failure{{SQLSTATE: "P0001"}}, ""},
		{"a missing function fails all", forEachRow("perform missing()"), 100, nil, "42883"},
		{"a missing function fails two", forEachRow("perform missing()"), 2, nil, "42883"},
		{"a missing function fails the only one", forEachRow("perform missing()"), 1, []postgres.Failure{{SQLSTATE: "42883", Unproven: true}}, ""},
		{"a policy refuses the only one", "alter table user_logins enable row level security", 1, []postgres.Failure{{SQLSTATE: "42501", Unproven: true}}, ""},
		{"two that fail in different ways", raise("case when new.user_id = 'u0' then 'U0001' else 'U0002' end"), 2,
			[]postgres.Failure{{SQLSTATE: "U0001", Unproven: true}, {SQLSTATE: "U0002", Unproven: true}}, ""},
		{"the right is missing for the only one", "revoke insert on user_logins from sqs2pg_writer", 1, nil, "42501"},
		{"the table is missing for the only one", "drop table user_logins", 1, nil, "42P01"},
		{"all exceed the statement timeout", forEachRow("perform pg_sleep(60)") + "do $$ begin execute 'alter database ' || current_database() || ' set statement_timeout = 100'; end $$", 3, nil, "57014"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, logins.Table())
			db.Exec(t, test.byDBA)
			got, err := postgres.NewWriter(db.Pool, logins.Table()).Write(t.Context(), someLogins(t, test.events))
			if test.unavailable != "" {
				wantUnavailable(t, err, test.unavailable, "")
				return
			}
			var want postgres.Result
			for i := range test.events {
				failure := test.rejected[i%len(test.rejected)]
				failure.Index = i
				want.Failures = append(want.Failures, failure)
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// A pooler may give each block of a pipeline another server process.
func TestFindsRefusedRowsThroughAPooler(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"cache_describe", "cache_statement"} {
		db := postgrestest.New(t, logins.Table())
		db.Exec(t, policy)
		w := postgres.NewWriter(postgrestest.Open(t, db.PoolerURL(t)+"&default_query_exec_mode="+mode), logins.Table())
		want := postgres.Result{Written: 98, Failures: []postgres.Failure{{Index: 7, SQLSTATE: "42501"}, {Index: 61, SQLSTATE: "42501"}}}
		if diff := cmp.Diff(want, write(t, w, withBad(t, 100, 7, 61))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mode, diff)
		}
	}
}

// With a deferred constraint the commit fails, and not the statement.
func TestRejectsRowThatOnlyTheCommitRefuses(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, `create function late() returns trigger language plpgsql as $$ begin `+onlyBad+`raise exception 'no' using errcode = 'U0001'; end if; return null; end $$;
		create constraint trigger late after insert on user_logins deferrable initially deferred for each row execute function late()`)
	want := postgres.Result{Written: 198, Failures: []postgres.Failure{{Index: 0, SQLSTATE: "U0001"}, {Index: 100, SQLSTATE: "U0001"}}}
	if diff := cmp.Diff(want, write(t, postgres.NewWriter(db.Pool, logins.Table()), withBad(t, 200, 0, 100))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// refusesBad is a table that refuses the rows of a version, and the way to it, which takes delay for
// a round trip.
func refusesBad(tb testing.TB, delay time.Duration) (*postgrestest.Database, *postgrestest.SlowProxy, *postgres.Writer) {
	db := postgrestest.New(tb, logins.Table())
	db.Exec(tb, "alter table user_logins add constraint good check (app_version <> 'bad')")
	proxy := postgrestest.NewSlowProxy(tb, db.URL, delay)
	w := postgres.NewWriter(postgrestest.Open(tb, proxy.URL(tb, db.URL)), logins.Table())
	write(tb, w, someLogins(tb, 1))
	return db, proxy, w
}

// withBadOf returns the events, of which one of so many has the row of bad.
func withBadOf(events []postgres.Event, bad postgres.Event, every int) []postgres.Event {
	events = slices.Clone(events)
	for i := every - 1; i < len(events); i += every {
		events[i].Row = bad.Row
	}
	return events
}

// However many rows are refused, the others are found in a few pipelines. That does not depend on
// the delay, so each share is tried with one. make bench measures the times of all.
func TestFindsRefusedRowsInFewRoundTrips(t *testing.T) {
	t.Parallel()
	events, bad := someLogins(t, 10_000), login(t, map[string]any{"app_version": "bad"})
	for every, delay := range map[int]time.Duration{1000: 0, 10: 3 * time.Millisecond, 2: 0, 1: 3 * time.Millisecond} {
		t.Run(fmt.Sprintf("1 of %d refused, %s a round trip", every, delay), func(t *testing.T) {
			_, proxy, w := refusesBad(t, delay)
			events := withBadOf(events, bad, every)
			var want postgres.Result
			for i := every - 1; i < len(events); i += every {
				want.Failures = append(want.Failures, postgres.Failure{Index: i, SQLSTATE: "23514", Constraint: "good"})
			}
			want.Written = len(events) - len(want.Failures)
			before, started := proxy.RoundTrips(), time.Now()
			got := write(t, w, events)
			took, trips := time.Since(started), proxy.RoundTrips()-before
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if trips > 10 {
				t.Errorf("%d round trips, want at most 10", trips)
			}
			t.Logf("%d rejected: %s, %d round trips", len(got.Failures), took.Round(time.Millisecond), trips)
		})
	}
}

// Whatever the code, a refused row of a FIFO queue holds back the later ones of its group only.
func TestRefusedRowHoldsBackItsGroupOnly(t *testing.T) {
	t.Parallel()
	alone := postgres.Failure{Index: 61, SQLSTATE: "U0001"}
	for _, test := range []struct {
		name       string
		groups     int
		failures   []postgres.Failure
		statements string // that succeed, of them two of no rows
	}{
		{"no groups", 0, []postgres.Failure{alone}, "17"},
		{"ten groups", 10, []postgres.Failure{alone, {Index: 71, Held: true}, {Index: 81, Held: true}, {Index: 91, Held: true}}, "13"},
	} {
		db := postgrestest.New(t, logins.Table())
		db.Exec(t, forEachRow(onlyBad+"raise exception 'no' using errcode = 'U0001'; end if")+failingTrigger("", 0))
		events := withBad(t, 100, 61)
		for i := range events {
			if test.groups > 0 {
				events[i].Group = fmt.Sprint(i % test.groups)
			}
		}
		want := postgres.Result{Written: 100 - len(test.failures), Failures: test.failures}
		if diff := cmp.Diff(want, write(t, postgres.NewWriter(db.Pool, logins.Table()), events)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if n := attempts(t, db); n != test.statements {
			t.Errorf("%s: %s statements succeeded, want %s", test.name, n, test.statements)
		}
	}
}

// A column that somebody added refuses every row, but no row is at fault.
func TestColumnThatNoRowFillsIsAFaultOfTheSetup(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	w := postgres.NewWriter(db.Pool, logins.Table())
	write(t, w, someLogins(t, 1))
	db.Exec(t, "alter table user_logins add column origin text not null default 'x'; alter table user_logins alter origin drop default")
	for _, n := range []int{2, 200} {
		_, err := w.Write(t.Context(), someLogins(t, n))
		wantUnavailable(t, err, "23502", "")
	}
	want := postgres.Result{Failures: []postgres.Failure{{SQLSTATE: "23502", Column: "origin", Unproven: true}}}
	if diff := cmp.Diff(want, write(t, w, someLogins(t, 1))); diff != "" {
		t.Errorf("alone (-want +got):\n%s", diff)
	}
}
