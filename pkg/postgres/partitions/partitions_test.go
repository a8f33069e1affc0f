package partitions_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func logins(t testing.TB) *contract.Contract {
	t.Helper()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// table is that of the contract, without its vault; see vault_test.go.
func table(t testing.TB) contract.Table {
	table := logins(t).Table()
	table.Recover, table.Subject = nil, ""
	return table
}

// withoutPartitions makes a database whose table has no partition.
func withoutPartitions(t *testing.T) *postgrestest.Database {
	db := postgrestest.New(t, table(t))
	for _, name := range partitionNames(t, db) {
		db.Exec(t, "drop table "+name)
	}
	return db
}

func partitionNames(t *testing.T, db *postgrestest.Database) []string {
	t.Helper()
	return db.QueryStrings(t, "select inhrelid::regclass::text from pg_inherits where inhparent = 'user_logins'::regclass order by 1")
}

func run(t *testing.T, db *postgrestest.Database, plan partitions.Plan) partitions.Report {
	t.Helper()
	report, err := partitions.Run(t.Context(), postgrestest.Open(t, db.OwnerURL), table(t), plan)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func day(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format("20060102") }

func TestRunMakesPartitionsForTodayAndSevenDays(t *testing.T) {
	t.Parallel()
	db := withoutPartitions(t)
	want := partitions.Report{Table: "public.user_logins", Dropped: []string{}, DaysAhead: 7}
	for n := range 8 {
		want.Partitions = append(want.Partitions, "public.user_logins_p"+day(n))
	}
	if diff := cmp.Diff(want, run(t, db, partitions.Plan{})); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	want.Partitions = []string{}
	if diff := cmp.Diff(want, run(t, db, partitions.Plan{})); diff != "" {
		t.Errorf("the second time there is nothing to do (-want +got):\n%s", diff)
	}
}

func TestMonthPartitionsFollowDayPartitionsWithoutGap(t *testing.T) {
	t.Parallel()
	db := withoutPartitions(t)
	db.Exec(t, "select sqs2pg.make_partition('user_logins', now())") // a day of this month
	report := run(t, db, partitions.Plan{Width: "month"})
	if report.DaysAhead < 7 {
		t.Errorf("%d days ahead with %v, want at least 7", report.DaysAhead, partitionNames(t, db))
	}
	db.Exec(t, "select sqs2pg.make_partition('user_logins', date_trunc('month', now(), 'UTC') + interval '40 days')")
	next := time.Now().UTC().AddDate(0, 0, 1-time.Now().UTC().Day()).AddDate(0, 0, 40).Format("200601")
	if got := partitionNames(t, db); !slices.Contains(got, "user_logins_p"+next) {
		t.Errorf("partitions %v, want one for the month %s", got, next)
	}
	if report := run(t, db, partitions.Plan{Width: "day"}); report.DaysAhead < 7 {
		t.Errorf("back to days: %d days ahead", report.DaysAhead)
	}
}

func TestRetentionDropsOnlyOlderPartitions(t *testing.T) {
	t.Parallel()
	ours := []string{"public.user_logins_p" + day(-32), "public.user_logins_p" + day(-31)}
	for name, test := range map[string]struct {
		others string // SQL that runs before the test
		want   []string
	}{
		"only our own partitions":  {"select 1", ours},
		"with a DEFAULT partition": {"create table rest partition of user_logins default", ours},
		"with a partition of another name": {`create table "a ""first"" one" partition of user_logins for values from (minvalue) to ('2001-01-01')`,
			append([]string{`public.a "first" one`}, ours...)},
		"with a partition without end": {"create table future partition of user_logins for values from ('2200-01-01') to (maxvalue)", ours},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := withoutPartitions(t)
			for _, n := range []int{-32, -31, -30, -29, -1} {
				db.Exec(t, fmt.Sprintf("select sqs2pg.make_partition('user_logins', now() + interval '%d days')", n))
			}
			db.Exec(t, test.others)
			if got := run(t, db, partitions.Plan{}); len(got.Dropped) > 0 {
				t.Fatalf("without retention it dropped %v", got.Dropped)
			}
			changes, err := partitions.Preview(t.Context(), postgrestest.Open(t, db.OwnerURL), table(t), partitions.Plan{RetentionDays: 30})
			slices.Sort(changes.Expired)
			if diff := cmp.Diff(test.want, changes.Expired); diff != "" || err != nil {
				t.Errorf("%v; would drop (-want +got):\n%s", err, diff)
			}
			if diff := cmp.Diff(test.want, run(t, db, partitions.Plan{RetentionDays: 30}).Dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
			if got := run(t, db, partitions.Plan{RetentionDays: 30}).Dropped; len(got) > 0 {
				t.Errorf("the second time it dropped %v", got)
			}
		})
	}
}

// Whoever reads the window must not accept events that the retention would drop at once.
func TestRunKeepsTheRetentionAsTheWindowOfTheTable(t *testing.T) {
	t.Parallel()
	db := withoutPartitions(t)
	for _, step := range []struct {
		name string
		plan partitions.Plan
		want []string
	}{
		{"30 days", partitions.Plan{RetentionDays: 30}, []string{"30", "day", "2"}},
		{"the same again", partitions.Plan{RetentionDays: 30}, []string{"30", "day", "2"}},
		{"another width", partitions.Plan{RetentionDays: 30, Width: "month"}, []string{"30", "month", "3"}},
		{"everything, and the width as before", partitions.Plan{}, []string{"1826", "month", "4"}},
	} {
		run(t, db, step.plan)
		got := db.Query(t, "select window_days, partition_width, epoch from sqs2pg.tables")[0]
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s: window, width and epoch (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestRunCompletesARunThatWasCutOff(t *testing.T) {
	t.Parallel()
	db := withoutPartitions(t)
	for _, n := range []int{40, 41} {
		db.Exec(t, fmt.Sprintf("select sqs2pg.make_partition('user_logins', now() - interval '%d days')", n))
	}
	half, archived := "user_logins_p"+day(-40), "user_logins_p"+day(-41)
	db.Exec(t, "comment on table "+half+" is 'sqs2pg: past the retention of public.user_logins, detached to be dropped'")
	db.Exec(t, "alter table user_logins detach partition "+half)
	db.Exec(t, "alter table user_logins detach partition "+archived) // by a person who wants to keep it
	if diff := cmp.Diff([]string{"public." + half}, run(t, db, partitions.Plan{RetentionDays: 30}).Dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if got := db.QueryStrings(t, "select to_regclass($1)::text", archived); got[0] != archived {
		t.Errorf("what was detached by hand is gone")
	}
}

func TestRunFinishesADetachThatTimedOut(t *testing.T) {
	t.Parallel()
	db := withoutPartitions(t)
	old := "user_logins_p" + day(-40)
	db.Exec(t, "select sqs2pg.make_partition('user_logins', now() - interval '40 days')")
	reader, err := postgrestest.Open(t, db.OwnerURL).Pgx().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Exec(t.Context(), "select count(*) from user_logins"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := partitions.Run(ctx, postgrestest.Open(t, db.OwnerURL), table(t), partitions.Plan{RetentionDays: 30}); err == nil {
		t.Error("no error although a reader was in the way")
	}
	if err := reader.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"public." + old}, run(t, db, partitions.Plan{RetentionDays: 30}).Dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}

func TestRunCountsRowsOfADefaultPartition(t *testing.T) {
	t.Parallel()
	db := withoutPartitions(t)
	db.Exec(t, "create table rest partition of user_logins default")
	db.Exec(t, `insert into user_logins select (jsonb_populate_record(null::user_logins,
		'{"user_id": "u", "device_type": "d", "masked_ip": "i", "masked_device_id": "v", "app_version": "1", "event_id": "0a7f4fbe-6d1c-4d50-9a53-8f0e6d0b3c11", "sent_at": "2001-01-01T00:00:00Z"}')).*`)
	if got := run(t, db, partitions.Plan{}).RowsOutside; got != 1 {
		t.Errorf("%d rows outside, want 1", got)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	db := withoutPartitions(t)
	missing := table(t)
	missing.Name = "nowhere"
	for _, test := range []struct {
		name, url string
		table     contract.Table
		want      string
	}{
		{"no table", db.OwnerURL, missing, "run the migration first"},
		{"as the writer", db.URL, table(t), "run the maintenance as the user that migrates"},
	} {
		_, err := partitions.Run(t.Context(), postgrestest.Open(t, test.url), test.table, partitions.Plan{RetentionDays: 1})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", test.name, err, test.want)
		}
	}
}

// Three writers write without a pause into 30 days that have no partitions yet. Meanwhile two Runs
// at a time drop older partitions, and the test makes ever more of these. No write may fail, no row
// may be lost, no session may run into a deadlock.
func TestRunAndWritersDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	db := withoutPartitions(t)
	c := logins(t)
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Second)
	defer stop()
	var wg sync.WaitGroup
	var written, slowest atomic.Int64
	for w := range 3 {
		writer := postgres.NewWriter(postgrestest.Open(t, db.URL), table(t))
		row := maskedLogin(t, c)
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				events := make([]postgres.Event, 100)
				for i := range events {
					sentAt := time.Now().AddDate(0, 0, -(n+i)%30)
					events[i] = postgres.Event{ID: [16]byte{byte(w), byte(n >> 8), byte(n), byte(i)}, SentAt: sentAt, Row: row}
				}
				started := time.Now()
				result, err := writer.Write(context.WithoutCancel(ctx), events)
				if err != nil || result.Written != len(events) {
					t.Errorf("write: %+v, %v", result, err)
					return
				}
				written.Add(int64(result.Written))
				slowest.Store(max(slowest.Load(), int64(time.Since(started))))
			}
		})
	}
	maker := postgrestest.Open(t, db.OwnerURL) // makes partitions all the time, which could disturb detaching
	wg.Go(func() {
		for n := 8; ctx.Err() == nil && n < 360; n++ {
			_, err := maker.Pgx().Exec(context.WithoutCancel(ctx), "select sqs2pg.make_partitions('user_logins', array[now()::date + $1::int])", n)
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	var dropped atomic.Int64
	for u := range 2 {
		pool := postgrestest.Open(t, db.OwnerURL)
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				db.Exec(t, "select sqs2pg.make_partition('user_logins', now() - make_interval(days => $1))", 40+(2*n+u)%100)
				report, err := partitions.Run(context.WithoutCancel(ctx), pool, table(t), partitions.Plan{RetentionDays: 35})
				if err != nil {
					t.Error(err)
					return
				}
				dropped.Add(int64(len(report.Dropped)))
			}
		})
	}
	wg.Wait()
	if got := db.QueryStrings(t, "select count(*) from user_logins")[0]; got != fmt.Sprint(written.Load()) {
		t.Errorf("%s rows are there, want %d", got, written.Load())
	}
	if got := db.QueryStrings(t, "select deadlocks from pg_stat_database where datname = current_database()")[0]; got != "0" {
		t.Errorf("%s deadlocks", got)
	}
	if written.Load() == 0 || dropped.Load() == 0 {
		t.Errorf("%d rows written and %d partitions dropped: nothing was tried", written.Load(), dropped.Load())
	}
	t.Logf("%d rows written, %d partitions dropped meanwhile, slowest batch %v", written.Load(), dropped.Load(), time.Duration(slowest.Load()))
}

func maskedLogin(t *testing.T, c *contract.Contract) contract.Row {
	t.Helper()
	keyring, err := mask.ParseKeyring(mask.GenerateKeyring())
	if err != nil {
		t.Fatal(err)
	}
	record, err := c.Decode([]byte(`{"user_id":"u","device_type":"iOS","ip":"192.0.2.1","device_id":"d","locale":null,"app_version":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	return c.Mask(keyring, record)
}
