package schema_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

const insertAt = `insert into user_logins (user_id, device_type, masked_ip, masked_device_id, app_version, sent_at, event_id)
	values ('u', 'd', 'i', 'v', '1', $1::text::timestamptz, gen_random_uuid())`

// exec runs a statement as the pool's role and returns the SQLSTATE, "" for success.
func exec(t *testing.T, pool *postgres.Pool, sql string, args ...any) string {
	t.Helper()
	_, err := pool.Pgx().Exec(t.Context(), sql, args...)
	if err == nil {
		return ""
	}
	coded, ok := err.(interface{ SQLState() string })
	if !ok {
		t.Fatal(err)
	}
	return coded.SQLState()
}

func TestPartitionsAreUTCDaysInAnySession(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	pool := postgrestest.Open(t, db.URL+"&timezone=Pacific/Auckland&datestyle=German&pool_max_conns=1")
	for _, test := range [][2]string{
		{"2026-03-01T00:00:00Z", "user_logins_p20260301"},
		{"2026-03-01T23:59:59.999999Z", ""}, // the same day
		{"2026-03-02T00:00:00+13:00", ""},   // still the 1st in UTC
		{"2026-02-28T23:59:59Z", "user_logins_p20260228"},
	} {
		var made *string
		err := pool.Pgx().QueryRow(t.Context(), "select sqs2pg.ensure_partition('user_logins', $1::text::timestamptz)", test[0]).Scan(&made)
		if err != nil {
			t.Fatal(err)
		}
		if got := deref(made); got != test[1] {
			t.Errorf("for %s it made %q, want %q", test[0], got, test[1])
		}
		if state := exec(t, pool, insertAt, test[0]); state != "" {
			t.Errorf("insert at %s: SQLSTATE %s", test[0], state)
		}
	}
	bounds := db.QueryStrings(t, "select pg_get_expr(relpartbound, oid) from pg_class where relname = 'user_logins_p20260301'")
	if diff := cmp.Diff([]string{"FOR VALUES FROM ('2026-03-01 00:00:00+00') TO ('2026-03-02 00:00:00+00')"}, bounds); diff != "" {
		t.Errorf("bounds (-want +got):\n%s", diff)
	}
	names := db.QueryStrings(t, "select conname from pg_constraint where conrelid = 'user_logins_p20260301'::regclass and contype = 'p'")
	if diff := cmp.Diff([]string{"user_logins_p20260301_pkey"}, names); diff != "" {
		t.Errorf("key of the partition (-want +got):\n%s", diff)
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestEnsurePartitionsReportsEachDay(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	name := func(n int) string { return "user_logins_p" + time.Now().UTC().AddDate(0, 0, n).Format("20060102") }
	db.Exec(t, "update sqs2pg.tables set retention_days = 100")
	db.Exec(t, "create table "+name(-40)+" (x int)")
	db.Exec(t, `set timezone = 'UTC'; do $$ begin execute format('create table morning partition of user_logins for values from (%L) to (%L)',
		current_date - 50, current_date - 50 + interval '12 hours'); end $$`)
	for second := range 2 {
		got := rowsAs(t, db.Pool, `select day - (now() at time zone 'UTC')::date, made, refusal, reason from sqs2pg.ensure_partitions('user_logins', array(
			select (now() at time zone 'UTC')::date + n from unnest(array[0, -30, -40, -50, -60, -101, 2]) n)) order by 1`)
		want := [][]string{
			{"-101", "NULL", "22008", "NULL"},
			{"-60", name(-60), "NULL", "NULL"},
			{"-50", "NULL", "42P17", "a partition of public.user_logins covers only a part of " + time.Now().UTC().AddDate(0, 0, -50).Format(time.DateOnly) + ": attach one for the rest of that day"},
			{"-40", "NULL", "23000", "public." + name(-40) + " has the name of a partition of public.user_logins and is not one: rename it"},
			{"-30", name(-30), "NULL", "NULL"},
			{"0", "NULL", "NULL", "NULL"},
			{"2", "NULL", "22008", "NULL"},
		}
		if second == 1 {
			want[1][1], want[4][1] = "NULL", "NULL"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestEnsurePartitionsRefuses(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins(), profiles())
	db.Exec(t, "create table other (sent_at timestamptz) partition by range (sent_at)")
	for _, test := range []struct{ name, call, want string }{
		{"a table that is not registered", "ensure_partitions('other', '{2026-01-01}')", "42P01"},
		{"a table that is not partitioned", "ensure_partitions('profiles', '{2026-01-01}')", "42P01"},
		{"a missing table", "ensure_partitions('nope', '{2026-01-01}')", "42P01"},
		{"more than 100 days", "ensure_partitions('user_logins', array_fill(date '2026-01-01', array[101]))", "54000"},
		{"the function without a window", "make_partitions('user_logins', '{2026-01-01}')", "42501"},
		{"no day", "ensure_partitions('user_logins', '{}')", ""},
	} {
		if got := exec(t, db.Pool, "select sqs2pg."+test.call); got != test.want {
			t.Errorf("%s: SQLSTATE %q, want %q", test.name, got, test.want)
		}
	}
}

func TestDefaultPartitionCoversWhatTheOthersDoNot(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	db.Exec(t, "create table rest partition of user_logins default")
	got := rowsAs(t, db.Pool, "select made, refusal from sqs2pg.ensure_partitions('user_logins', array[(now() - interval '40 days')::date])")
	if diff := cmp.Diff([][]string{{"NULL", "NULL"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The release before calls these two functions.
func TestFunctionsOfTheReleaseBeforeStillWork(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	day := time.Now().UTC().AddDate(0, 0, -40)
	db.Exec(t, "create table user_logins_p"+day.Format("20060102")+" (x int)")
	for _, test := range []struct {
		pool *postgres.Pool
		call string
		want string
	}{
		{db.Pool, "ensure_partition('user_logins', now() - interval '30 days')", ""},
		{db.Pool, "ensure_partition('user_logins', now() - interval '40 days')", "23000"},
		{db.Pool, "ensure_partition('user_logins', now() - interval '6 years')", "22008"},
		{db.Pool, "make_partition('user_logins', now())", "42501"},
		{postgrestest.Open(t, db.OwnerURL), "make_partition('user_logins', now() - interval '6 years')", ""},
	} {
		if got := exec(t, test.pool, "select sqs2pg."+test.call); got != test.want {
			t.Errorf("%s: SQLSTATE %q, want %q", test.call, got, test.want)
		}
	}
}

// rowsAs is what a query of the pool's role returns, each value as Postgres prints it.
func rowsAs(t *testing.T, pool *postgres.Pool, sql string) (all [][]string) {
	t.Helper()
	rows, err := pool.Pgx().Query(t.Context(), sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		t.Fatal(err)
	}
	all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (texts []string, err error) {
		for _, value := range row.RawValues() {
			if texts = append(texts, string(value)); value == nil {
				texts[len(texts)-1] = "NULL"
			}
		}
		return texts, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Inserts go on while several sessions make the same partitions at the same time. There is no
// deadlock, and no row is lost.
func TestEnsurePartitionsUnderLoad(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	stop := make(chan struct{})
	var inserters, makers sync.WaitGroup
	var mu sync.Mutex
	inserted := 0
	for range 3 {
		inserters.Go(func() {
			pool := postgrestest.Open(t, db.URL)
			for {
				select {
				case <-stop:
					return
				default:
				}
				if state := exec(t, pool, "insert into user_logins (user_id, device_type, masked_ip, masked_device_id, app_version, sent_at, event_id) select 'u', 'd', 'i', 'v', '1', now(), gen_random_uuid() from generate_series(1, 20)"); state != "" {
					t.Errorf("insert: SQLSTATE %s", state)
				}
				mu.Lock()
				inserted += 20
				mu.Unlock()
			}
		})
	}
	for range 5 {
		makers.Go(func() {
			pool := postgrestest.Open(t, db.URL)
			for day := range 25 {
				at := fmt.Sprintf("2025-06-%02dT12:00:00Z", day+1)
				if state := exec(t, pool, "select sqs2pg.ensure_partitions('user_logins', array[$1::text::timestamptz::date])", at); state != "" {
					t.Errorf("ensure_partitions: SQLSTATE %s", state)
				}
				state := exec(t, pool, insertAt, at)
				if state == "23514" { // once in some thousand partitions; postgres.Writer does the same
					pool.Pgx().Reset()
					state = exec(t, pool, insertAt, at)
				}
				if state != "" {
					t.Errorf("insert into the new partition: SQLSTATE %s", state)
				}
			}
		})
	}
	makers.Wait()
	close(stop)
	inserters.Wait()
	want := [][]string{{fmt.Sprint(inserted + 5*25), "25"}}
	got := db.Query(t, "select count(*), (select count(*) from pg_inherits where inhparent = 'user_logins'::regclass and inhrelid::regclass::text like '%p202506%') from user_logins")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows and partitions (-want +got):\n%s", diff)
	}
}

func TestWriterMayOnlyWrite(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins(), profiles())
	db.Exec(t, "create table other (x int)")
	for _, test := range []struct{ statement, want string }{
		{"select sent_at, event_id from user_logins", ""}, // ON CONFLICT needs it
		{"select user_id from user_logins", "42501"},
		{"select * from user_logins", "42501"},
		{"table user_logins_p" + db.QueryStrings(t, "select to_char(now() at time zone 'UTC', 'YYYYMMDD')")[0], "42501"},
		{"copy user_logins to stdout", "42501"},
		{"update user_logins set locale = 'x'", "42501"},
		{"update user_logins set sent_at = now()", "42501"},
		{"delete from user_logins", "42501"},
		{"truncate user_logins", "42501"},
		{"insert into user_logins (user_id) values ('x') returning user_id", "42501"},
		{"insert into user_logins (user_id) values ('x') on conflict (sent_at, event_id) do update set user_id = excluded.user_id", "42501"},
		{"copy user_logins to program 'cat'", "42501"},
		{"select stavalues1 from pg_statistic", "42501"},
		{"select pg_read_file('PG_VERSION')", "42501"},
		{"do $$ begin lock table user_logins in access exclusive mode; end $$", "42501"},
		{"alter table user_logins owner to current_user", "42501"},
		{"alter table user_logins detach partition user_logins_p" + db.QueryStrings(t, "select to_char(now() at time zone 'UTC', 'YYYYMMDD')")[0], "42501"},
		{"create index on user_logins (user_id)", "42501"},
		{"create policy p on user_logins", "42501"},
		{"comment on table user_logins is 'x'", "42501"},
		{"grant select on user_logins to public", ""}, // only a warning; below, PUBLIC has no privilege
		{"alter role current_user superuser", "42501"},
		{"set log_parameter_max_length = -1", "42501"}, // this setting keeps rows out of the log
		{"set log_error_verbosity = verbose", "42501"},
		{"create extension dblink", "42501"},
		{"alter table user_logins add x int", "42501"},
		{"drop table user_logins", "42501"},
		{"create trigger x before insert on user_logins for each row execute function suppress_redundant_updates_trigger()", "42501"},
		{"delete from profiles", "42501"},
		{"truncate profiles", "42501"},
		{"drop table profiles", "42501"},
		{"select * from other", "42501"},
		{"insert into other values (1)", "42501"},
		{"delete from sqs2pg.tables", "42501"},
		{"insert into sqs2pg.keys (key_id, fingerprint) values ('k9', '0123456789abcdef')", "42501"},
		{"update sqs2pg.tables set mode = 'upsert'", "42501"},
		{"select * from sqs2pg.migrations", "42501"},
		{"create table sqs2pg.x (x int)", "42501"},
		{"create schema x", "42501"},
		{"create role x", "42501"},
	} {
		if got := exec(t, db.Pool, test.statement); got != test.want {
			t.Errorf("%s: SQLSTATE %q, want %q", test.statement, got, test.want)
		}
	}
	public := db.QueryStrings(t, `
		select 'schema ' || nspname from pg_namespace, aclexplode(nspacl) a where nspname = 'sqs2pg' and a.grantee = 0
		union select 'relation ' || oid::regclass from pg_class, aclexplode(relacl) a where a.grantee = 0 and relnamespace in ('public'::regnamespace, 'sqs2pg'::regnamespace)
		union select 'function ' || oid::regprocedure from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) a where a.grantee = 0 and pronamespace = 'sqs2pg'::regnamespace`)
	if public != nil {
		t.Errorf("PUBLIC has rights on %s", public)
	}
}
