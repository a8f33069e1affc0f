package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// morning is ten o'clock in UTC so many days ago.
func morning(daysAgo int) time.Time {
	return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -daysAgo).Add(10 * time.Hour)
}

// sentOn makes one login for each day.
func sentOn(tb testing.TB, daysAgo ...int) []postgres.Event {
	events := someLogins(tb, len(daysAgo))
	for i, n := range daysAgo {
		events[i].SentAt = morning(n)
	}
	return events
}

func partitionOf(days int) string {
	return "user_logins_p" + time.Now().UTC().AddDate(0, 0, -days).Format("20060102")
}

// The partitions of so many days and of their vault, made or written to in one transaction, would
// overflow the server's lock table, and all its sessions would fail with 53200. With 1,800 days it
// takes two deliveries of a minute.
func TestWritesEventsOfManyDaysWithoutTakingAllLocks(t *testing.T) {
	t.Parallel()
	v := newVisits(t, guarded["vault and subject"])
	if locks := v.db.QueryStrings(t, "show max_locks_per_transaction")[0]; locks != "64" {
		t.Fatalf("max_locks_per_transaction is %s, want the default", locks)
	}
	const days = 900
	one := v.events(t, 1)[0]
	events := make([]postgres.Event, 10_000)
	for i := range events {
		events[i] = one
		events[i].ID, events[i].SentAt = [16]byte{byte(i), byte(i >> 8)}, morning(i%days)
	}
	other, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- insertUntil(other, v.db.OwnerURL) }()
	epoch := v.epoch(t)
	inFiveDeliveries(t, v.db, events, func(ctx context.Context, events []postgres.Event) (postgres.Result, error) {
		return v.stream(ctx, epoch, events)
	})
	stop()
	if err := <-done; err != nil {
		t.Errorf("another session's insert: %v", err)
	}
	v.want(t, 10_000, 10_000)
	if n := v.db.QueryStrings(t, "select count(distinct create_date) from user_logins")[0]; n != fmt.Sprint(days) {
		t.Errorf("%s days, want %d", n, days)
	}
}

// inFiveDeliveries delivers events again until all are written, but at most five times.
func inFiveDeliveries(t *testing.T, db *postgrestest.Database, events []postgres.Event, write func(context.Context, []postgres.Event) (postgres.Result, error)) {
	t.Helper()
	for delivery, left := 1, events; len(left) > 0; delivery++ {
		if delivery > 5 {
			t.Fatalf("%d events are left after 5 deliveries", len(left))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		result, err := write(ctx, left)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("delivery %d: %d written, %d duplicates of %d", delivery, result.Written, result.Duplicates, len(left))
		left = undecided(t, db, left, result)
	}
}

// insertUntil inserts into the table, in a transaction each, until ctx ends.
func insertUntil(ctx context.Context, url string) error {
	conn, err := pgx.Connect(context.WithoutCancel(ctx), url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for ctx.Err() == nil {
		if _, err := conn.Exec(context.WithoutCancel(ctx), `begin; create temporary table x (x int primary key) on commit drop; insert into x values (1);
			select sqs2pg.enter('user_logins', 1); insert into user_logins (person, session, sent_at, event_id) values ('other', 's', now(), gen_random_uuid());
			rollback`); err != nil {
			return err
		}
	}
	return nil
}

func TestNamesWhatIsInTheWayOfAPartitionAndRemembersIt(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, "create table "+partitionOf(40)+" (x int)")
	w := postgres.NewWriter(db.Pool, logins.Table())
	want := postgres.Result{Written: 2, Failures: []postgres.Failure{
		{Index: 1, SQLSTATE: "23000", Reason: "public." + partitionOf(40) + " has the name of a partition of public.user_logins and is not one: rename it"}}}
	for _, step := range []struct{ name, before string }{
		{"a table has the name of the partition", "select 1"},
		{"the database is not asked again", "alter function sqs2pg.ensure_partitions rename to renamed"},
		{"a partition that was dropped is made again", "alter function sqs2pg.renamed rename to ensure_partitions; drop table " + partitionOf(39)},
	} {
		db.Exec(t, step.before)
		if diff := cmp.Diff(want, write(t, w, sentOn(t, 0, 40, 39))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

// A large batch goes by COPY, which knows nothing of single rows.
func TestRefusedDayDoesNotStopTheCopyOfTheOthers(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, "create table "+partitionOf(40)+" (x int)")
	db.Exec(t, recordStatements)
	events := append(someLogins(t, 100), sentOn(t, 40)...)
	got := write(t, postgres.NewWriter(db.Pool, logins.Table()), events)
	want := postgres.Result{Written: 100, Failures: []postgres.Failure{{Index: 100, SQLSTATE: "23000"}}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(postgres.Failure{}, "Reason")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"copy 0", "copy 100"}, recorded(t, db)); diff != "" {
		t.Errorf("statements that succeeded (-want +got):\n%s", diff)
	}
}

func TestWritesTheRowsThatFitAPartOfADay(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, fmt.Sprintf("create table part partition of user_logins for values from ('%s') to ('%s')",
		morning(40).Add(-time.Hour).Format(time.RFC3339), morning(40).Add(time.Hour).Format(time.RFC3339)))
	events := sentOn(t, 40, 40, 0)
	events[1].SentAt = events[1].SentAt.Add(2 * time.Hour)
	want := postgres.Result{Written: 2, Failures: []postgres.Failure{{Index: 1, SQLSTATE: "23514",
		Reason: "a partition of public.user_logins covers only a part of " + morning(40).Format(time.DateOnly) + ": attach one for the rest of that day"}}}
	if diff := cmp.Diff(want, write(t, postgres.NewWriter(db.Pool, logins.Table()), events)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// COPY takes events before the last ones are decoded, so it may find later that it cannot write
// them.
func TestStreamWritesEventsOfDaysThatTurnUpLate(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, "create table "+partitionOf(40)+" (x int)")
	w := postgres.NewWriter(db.Pool, logins.Table())
	days := make([]int, 660)
	for i := range days {
		days[i] = 50 + i/3 // 220 days
	}
	for _, step := range []struct {
		name   string
		events []postgres.Event
		want   postgres.Result
	}{
		{"a day without a partition", append(someLogins(t, 300), sentOn(t, 30)...), postgres.Result{Written: 301}},
		{"a day that is refused", append(someLogins(t, 300), sentOn(t, 40)...), postgres.Result{Written: 300, Failures: []postgres.Failure{{Index: 300, SQLSTATE: "23000"}}}},
		{"more days than one transaction may write to", append(someLogins(t, 100), sentOn(t, days...)...), postgres.Result{Written: 760}},
	} {
		got := stream(t, w, step.events, 100)
		if diff := cmp.Diff(step.want, got, cmpopts.IgnoreFields(postgres.Failure{}, "Reason")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}
