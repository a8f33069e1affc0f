package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

// exercise is the table of the well-known exercise, as its image makes it.
const exercise = `create table user_logins (
	user_id varchar(128), device_type varchar(32), masked_ip varchar(256), masked_device_id varchar(256),
	locale varchar(32), app_version integer, create_date date);`

func TestTakesOverTheExercisesTable(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, exercise+`
		insert into user_logins values
		  ('u1', 'ios', 'aa', 'bb', 'DE', 2, '2023-01-31'), ('u1', 'ios', 'aa', 'bb', 'DE', 2, '2023-01-31'),
		  ('u2', 'android', 'cc', 'dd', null, 30, '2023-02-01'), ('u3', 'ios', 'ee', 'ff', 'US', 4, null)`)
	report := apply(t, db, logins())
	want := []schema.TakeOver{{Table: "public.user_logins", Rows: 4, Unmasked: []string{"masked_ip", "masked_device_id"}}}
	if diff := cmp.Diff(want, report.TakenOver, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	rows := db.Query(t, `select user_id, locale, app_version, create_date, sent_at at time zone 'UTC' = create_date, now() - sent_at < '1 min'
		from user_logins order by 1, 2`)
	wantRows := [][]string{
		{"u1", "DE", "2", "2023-01-31", "t", "f"}, {"u1", "DE", "2", "2023-01-31", "t", "f"},
		{"u2", "NULL", "30", "2023-02-01", "t", "f"}, {"u3", "US", "4", "NULL", "NULL", "t"},
	}
	if diff := cmp.Diff(wantRows, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	// The table now has the schema of any other, and nothing of the old table is left.
	fresh := postgrestest.New(t, logins())
	if diff := cmp.Diff(columnsOf(t, fresh), columnsOf(t, db)); diff != "" {
		t.Errorf("columns (-made +taken over):\n%s", diff)
	}
	if got := apply(t, db, logins()).String(); got != "nothing to do" {
		t.Errorf("second time: %s", got)
	}
	if left := db.QueryStrings(t, "select nspname from pg_namespace where nspname = 'sqs2pg_take_over'"); left != nil {
		t.Error("its schema is left")
	}
}

func columnsOf(t *testing.T, db *postgrestest.Database) [][]string {
	return db.Query(t, `select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute
		where attrelid = 'user_logins'::regclass and attnum > 0 order by attnum`)
}

func TestTakesOverAnEmptyTable(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, "create table user_logins (user_id text)")
	report := apply(t, db, logins())
	if diff := cmp.Diff([]schema.TakeOver{{Table: "public.user_logins"}}, report.TakenOver, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestTakeOverKeepsRowsWithoutRequiredValues(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, `create table user_logins (user_id text, device_type text, masked_ip text, app_version integer);
		insert into user_logins values (null, 'ios', 'aa', 1), ('u2', 'ios', 'bb', 2)`)
	report := apply(t, db, logins())
	want := []schema.TakeOver{{Table: "public.user_logins", Rows: 2, Nullable: []string{"user_id", "masked_device_id"}, Unmasked: []string{"masked_ip"}}}
	if diff := cmp.Diff(want, report.TakenOver, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if !strings.Contains(report.String(), "left nullable, because old rows have no value: user_id") {
		t.Errorf("the report does not say so: %s", report)
	}
	if got := apply(t, db, logins()).String(); got != "nothing to do" {
		t.Errorf("second time: %s", got)
	}
}

func TestTakeOverOfManyDatesMakesMonthPartitions(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, exercise+`insert into user_logins
		select 'u' || n, 'ios', 'a', 'b', null, 1, date '2021-01-01' + n from generate_series(0, 729) n`)
	report := apply(t, db, logins())
	if len(report.TakenOver) != 1 || report.TakenOver[0].Rows != 730 {
		t.Fatalf("got %+v", report)
	}
	got := db.QueryStrings(t, "select count(*) from pg_inherits where inhparent = 'user_logins'::regclass and inhrelid::regclass::text < 'user_logins_p2023'")
	if diff := cmp.Diff([]string{"24"}, got); diff != "" {
		t.Errorf("partitions of 2021 and 2022 (-want +got):\n%s", diff)
	}
}

func TestTakeOverKeepsGrantsAndReportsTheRest(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	role := strings.TrimPrefix(db.QueryStrings(t, "select current_database()")[0], "sqs2pg_") + "_analyst"
	db.Exec(t, "create role "+role)
	t.Cleanup(func() { db.Exec(t, "drop owned by "+role); db.Exec(t, "drop role "+role) })
	db.Exec(t, exercise+`
		alter table user_logins add constraint user_logins_pkey primary key (user_id);
		create index by_ip on user_logins (masked_ip);
		grant select on user_logins to public;
		grant select, insert on user_logins to `+role)
	report := apply(t, db, logins())
	want := []string{
		"CREATE INDEX by_ip ON public.user_logins USING btree (masked_ip)",
		"constraint user_logins_pkey PRIMARY KEY (user_id)",
	}
	if diff := cmp.Diff(want, report.TakenOver[0].Dropped); diff != "" {
		t.Errorf("not carried over (-want +got):\n%s", diff)
	}
	rights := db.Query(t, `select has_table_privilege($1, 'user_logins', 'select'), has_table_privilege($1, 'user_logins', 'insert'),
		has_table_privilege($1, 'user_logins', 'delete')`, role)
	if diff := cmp.Diff([][]string{{"t", "t", "f"}}, rights); diff != "" {
		t.Errorf("select, insert, delete of the role (-want +got):\n%s", diff)
	}
	if public := db.QueryStrings(t, "select relacl::text from pg_class where oid = 'user_logins'::regclass")[0]; strings.Contains(public, "{=") || strings.Contains(public, ",=") {
		t.Errorf("PUBLIC has something: %s", public)
	}
}

func TestRefusesToTakeOver(t *testing.T) {
	t.Parallel()
	upsert := logins()
	upsert.Mode, upsert.Key = contract.Upsert, []string{"user_id"}
	for _, test := range []struct {
		name, sql string
		table     contract.Table
		want      []string
	}{
		{"columns that are not in the contract", exercise + "alter table user_logins add shoe_size int, add hat text", logins(),
			[]string{"column shoe_size", "column hat", "not in the contract"}},
		{"types that would lose values", "create table user_logins (user_id bytea, locale text, create_date timestamp)", logins(),
			[]string{"user_id is bytea", "create_date"}},
		{"a view", "create view user_logins as select 'u' as user_id", logins(), []string{"not a plain table"}},
		{"a partitioned table", "create table user_logins (user_id text) partition by list (user_id)", logins(), []string{"not a plain table"}},
		{"a view on it", exercise + "create view per_user as select user_id, count(*) from user_logins group by 1", logins(), []string{"view per_user depends on it"}},
		{"a materialized view on it", exercise + "create materialized view mv as select user_id from user_logins", logins(), []string{"view mv depends on it"}},
		{"a foreign key to it", exercise + "alter table user_logins add primary key (user_id); create table x (u varchar(128) constraint x_fk references user_logins)", logins(),
			[]string{"foreign key x_fk of x"}},
		{"a trigger on it", exercise + `create function f() returns trigger language plpgsql as 'begin return new; end';
			create trigger audit before insert on user_logins for each row execute function f()`, logins(), []string{"trigger audit"}},
		{"a row security policy", exercise + "create policy mine on user_logins using (true)", logins(), []string{"policy mine"}},
		{"a child", exercise + "create table kid () inherits (user_logins)", logins(), []string{"table kid"}},
		{"a contract in upsert mode", exercise, upsert, []string{"upsert"}},
		{"a function over its row type", exercise + "create function g(u user_logins) returns int language sql as 'select 1'", logins(), []string{"something depends on the table", "2BP01"}},
		{"an infinite date", exercise + "insert into user_logins (create_date) values ('infinity')", logins(), []string{"create_date", "infinity"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t)
			db.Exec(t, test.sql)
			before := catalog(t, db)
			_, err := schema.Apply(t.Context(), owner(t, db), test.table)
			if err == nil {
				t.Fatal("it was taken over")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if _, refused := errors.AsType[*postgres.Unavailable](err); refused == errors.Is(err, schema.ErrTakeOver) {
				t.Errorf("%v is neither ErrTakeOver nor an *Unavailable", err)
			}
			if strings.Contains(err.Error(), "cannot drop") {
				t.Errorf("%v shows the text of Postgres", err)
			}
			if diff := cmp.Diff(before, catalog(t, db)); diff != "" {
				t.Errorf("something was changed (-before +after):\n%s", diff)
			}
		})
	}
}
