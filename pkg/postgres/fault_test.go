package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// failingTrigger raises the SQLSTATE for the first n statements. A sequence counts them, because
// a rollback does not undo it.
func failingTrigger(sqlstate string, n int) string {
	return fmt.Sprintf(`create sequence attempts;
		create function fail() returns trigger language plpgsql security definer as $$ begin
			if nextval('attempts') <= %d then raise exception 'no: %s' using errcode = '%s'; end if;
			return null;
		end $$;
		create trigger fail after insert on user_logins for each statement execute function fail()`, n, secret, sqlstate)
}

func attempts(t *testing.T, db *postgrestest.Database) string {
	return db.QueryStrings(t, "select last_value from attempts")[0]
}

func TestRetriesTransientErrors(t *testing.T) {
	t.Parallel()
	for _, sqlstate := range []string{"08006", "40001", "40P01", "53300", "53200", "57014", "57P01", "25006", "55P03"} {
		t.Run(sqlstate, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, logins.Table())
			db.Exec(t, failingTrigger(sqlstate, 3))
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			got, err := postgres.NewWriter(db.Pool, logins.Table()).Write(ctx, someLogins(t, 10))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(postgres.Result{Written: 10}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			want := "4"
			if sqlstate == "57014" {
				want = "14" // the batch, no rows and the 10 rows, no rows and the row that failed
			}
			if n := attempts(t, db); n != want {
				t.Errorf("%s attempts, want %s", n, want)
			}
		})
	}
}

func TestRetriesEndBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, failingTrigger("40001", 1_000_000))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := postgres.NewWriter(db.Pool, logins.Table()).Write(ctx, someLogins(t, 10))
	wantUnavailable(t, err, "40001", "rolled back")
	if ctx.Err() != nil {
		t.Error("it used up the deadline, which leaves no time to answer")
	}
	if n := attempts(t, db); len(n) < 1 || n == "1" {
		t.Errorf("%s attempts, want several", n)
	}
}

func TestDoesNotRetrySetupFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, byDBA, sqlstate, advice string }{
		{"the table is missing", "drop table user_logins", "42P01", "run sqs2pg migrate"},
		{"a column is missing", "alter table user_logins drop column locale", "42703", "run sqs2pg migrate"},
		{"a type differs", "alter table user_logins alter app_version type integer using 1", "42804", "run sqs2pg migrate"},
		{"a privilege is missing", "revoke insert on user_logins from sqs2pg_writer", "42501", "member of sqs2pg_writer"},
		{"the key is missing", "alter table user_logins drop constraint user_logins_pkey", "42P10", "run sqs2pg migrate"},
		{"the schema is missing", "drop table user_logins; drop schema public", "", "run sqs2pg migrate"},
		{"the partitions cannot be made", "truncate sqs2pg.tables; drop table user_logins_p" + time.Now().UTC().Format("20060102"), "42P01", "run sqs2pg migrate"},
		{"an unknown fault", failingTrigger("XX000", 1_000_000), "XX000", "refused"},
		{"an unknown fault that ends after a statement of no rows", failingTrigger("XX000", 3), "XX000", "refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, logins.Table())
			db.Exec(t, test.byDBA)
			started := time.Now()
			_, err := postgres.NewWriter(db.Pool, logins.Table()).Write(t.Context(), someLogins(t, 200))
			wantUnavailable(t, err, test.sqlstate, test.advice)
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func wantUnavailable(t *testing.T, err error, sqlstate, part string) {
	t.Helper()
	u, ok := errors.AsType[*postgres.Unavailable](err)
	if !ok {
		t.Fatalf("got %v, want an *Unavailable", err)
	}
	if sqlstate != "" && u.SQLSTATE != sqlstate {
		t.Errorf("SQLSTATE %q, want %q", u.SQLSTATE, sqlstate)
	}
	if !strings.Contains(u.Error(), part) || strings.Contains(u.Error(), secret) || strings.Contains(u.Error(), "\n") {
		t.Errorf("%q should say %q, and no value, on one line", u, part)
	}
	if errors.Unwrap(u) != nil {
		t.Error("it wraps an error that may hold values")
	}
}

func TestLockTimeoutLosesNoEvent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	owner := postgrestest.Open(t, db.OwnerURL)
	tx, err := owner.Pgx().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	if _, err := tx.Exec(t.Context(), "lock table user_logins"); err != nil {
		t.Fatal(err)
	}
	w, events := postgres.NewWriter(db.Pool, logins.Table()), someLogins(t, 10)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = w.Write(ctx, events)
	wantUnavailable(t, err, "", "no answer in time")
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, w, events)
	if got := db.QueryStrings(t, "select count(*) from user_logins")[0]; got != "10" {
		t.Errorf("%s rows", got)
	}
}

// Connections die while writers work. At the end the table holds every event once.
func TestKilledConnectionsLoseAndDuplicateNoEvent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	done, written := make(chan struct{}), make(chan struct{}, 1)
	var writers, killer sync.WaitGroup
	for range 3 {
		w := postgres.NewWriter(postgrestest.Open(t, db.URL), logins.Table())
		var batches [][]postgres.Event
		for range 30 {
			batches = append(batches, someLogins(t, 150))
		}
		writers.Go(func() {
			for _, events := range batches {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				if result, err := w.Write(ctx, events); err != nil || len(result.Failures) > 0 {
					t.Errorf("%+v, %v", result, err)
				}
				cancel()
				select {
				case written <- struct{}{}:
				default:
				}
			}
		})
	}
	killed := 0
	killer.Go(func() {
		owner := postgrestest.Open(t, db.OwnerURL)
		for {
			select {
			case <-done:
				return
			case <-written: // so the writers get on, however slow the machine is
			}
			tag, err := owner.Pgx().Exec(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename <> current_user")
			if err != nil {
				t.Error(err)
				return
			}
			killed += int(tag.RowsAffected())
		}
	})
	writers.Wait()
	close(done)
	killer.Wait()
	if killed == 0 {
		t.Error("no connection was killed, so this test shows nothing")
	}
	got := db.Query(t, "select count(*), count(distinct event_id) from user_logins")
	if diff := cmp.Diff([][]string{{"13500", "13500"}}, got); diff != "" {
		t.Errorf("after %d kills, rows and events (-want +got):\n%s", killed, diff)
	}
}

// A connection may die unnoticed, for example while the sandbox is frozen.
func TestWriteSurvivesAConnectionLostBetweenBatches(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	w := postgres.NewWriter(db.Pool, logins.Table())
	write(t, w, someLogins(t, 1))
	db.Exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename <> current_user")
	if got := write(t, w, someLogins(t, 1)); got.Written != 1 {
		t.Errorf("got %+v", got)
	}
}

// A connection that survives a failover leads to a server that is now a replica. It must be
// replaced.
func TestReplacesConnectionToReadOnlyServer(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	database := "alter database " + db.QueryStrings(t, "select current_database()")[0]
	db.Exec(t, database+" set default_transaction_read_only = on")
	w := postgres.NewWriter(db.Pool, logins.Table())
	if err := db.Pool.Ping(t.Context()); err != nil { // the connection is made while the server is read-only
		t.Fatal(err)
	}
	db.Exec(t, "begin read write; "+database+" reset default_transaction_read_only; commit")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if got, err := w.Write(ctx, someLogins(t, 1)); err != nil || got.Written != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Two deliveries of the same events at the same time must not wait for each other in a circle.
func TestWritersOfTheSameEventsInOppositeOrdersDoNotDeadlock(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	one, other := postgres.NewWriter(db.Pool, logins.Table()), postgres.NewWriter(postgrestest.Open(t, db.URL), logins.Table())
	events, row := make([]postgres.Event, 3000), login(t, nil).Row
	for round := range 50 {
		for i := range events {
			events[i] = postgres.Event{ID: [16]byte{byte(round), byte(i), byte(i >> 8)}, SentAt: noon.Add(time.Duration(i%7) * time.Millisecond), Row: row}
		}
		reversed := slices.Clone(events)
		slices.Reverse(reversed)
		var results [2]postgres.Result
		var writers sync.WaitGroup
		writers.Go(func() { results[0] = write(t, one, events) })
		writers.Go(func() { results[1] = write(t, other, reversed) })
		writers.Wait()
		if n := results[0].Written + results[1].Written; n != len(events) {
			t.Fatalf("round %d: %d written by both, want %d: %+v", round, n, len(events), results)
		}
	}
	got := db.Query(t, "select count(*), count(distinct event_id), (select deadlocks from pg_stat_database where datname = current_database()) from user_logins")[0]
	if diff := cmp.Diff([]string{"150000", "150000", "0"}, got); diff != "" {
		t.Errorf("rows, events and deadlocks (-want +got):\n%s", diff)
	}
}

func TestConcurrentWritersMakeMissingPartitions(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	var writers sync.WaitGroup
	for range 4 {
		w := postgres.NewWriter(postgrestest.Open(t, db.URL), logins.Table())
		write(t, w, someLogins(t, 1))
		events := someLogins(t, 200)
		for i := range events {
			events[i].SentAt = time.Date(2025, 3, 1+i%20, 12, 0, 0, 0, time.UTC)
		}
		writers.Go(func() {
			if result, err := w.Write(t.Context(), events); err != nil || result.Written != 200 {
				t.Errorf("%+v, %v", result, err)
			}
		})
	}
	writers.Wait()
	got := db.Query(t, `select count(*), (select count(*) from pg_class where relname like 'user\_logins\_p202503%' and relkind = 'r') from user_logins`)
	if diff := cmp.Diff([][]string{{"804", "20"}}, got); diff != "" {
		t.Errorf("rows and partitions (-want +got):\n%s", diff)
	}
}

// It happens once in some thousand partitions that several writers make at once, so a trigger
// imitates it.
func TestReconnectsIfServerProcessOverlooksAPartition(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	w := postgres.NewWriter(db.Pool, logins.Table())
	write(t, w, someLogins(t, 1))
	db.Exec(t, `
		create table old as select pid from pg_stat_activity where datname = current_database();
		create function overlook() returns trigger language plpgsql security definer as $$ begin
			if pg_backend_pid() in (select pid from old) then
				raise exception 'no partition of relation found for row' using errcode = 'check_violation', table = 'user_logins';
			end if;
			return null;
		end $$;
		create trigger overlook before insert on user_logins for each statement execute function overlook()`)
	if diff := cmp.Diff(postgres.Result{Written: 10}, write(t, w, someLogins(t, 10))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
