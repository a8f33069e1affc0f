package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

func TestApplyAddsNewOptionalColumn(t *testing.T) {
	t.Parallel()
	for _, table := range []contract.Table{logins(), profiles()} {
		db := postgrestest.New(t, table)
		grown := with(table, func(c []contract.Column) []contract.Column {
			return append([]contract.Column{{Name: "country", Path: "geo.country"}}, c...) // also if it is not the contract's last
		})
		report := apply(t, db, grown)
		if diff := cmp.Diff([]string{"public." + table.Name + ".country"}, report.AddedColumns); diff != "" {
			t.Errorf("added (-want +got):\n%s", diff)
		}
		if got := apply(t, db, grown).String(); got != "nothing to do" {
			t.Errorf("second time: %s", got)
		}
	}
}

func TestApplyRefusesOtherDifferences(t *testing.T) {
	t.Parallel()
	column := func(name string, change func(*contract.Column)) contract.Table {
		return with(logins(), func(columns []contract.Column) []contract.Column {
			for i := range columns {
				if columns[i].Name == name {
					change(&columns[i])
				}
			}
			return columns
		})
	}
	upsert := logins()
	upsert.Mode, upsert.Key = contract.Upsert, []string{"user_id"}
	for _, test := range []struct {
		name  string
		table contract.Table
		byDBA string
		want  []string // in the error
	}{
		{"a changed type", column("app_version", func(c *contract.Column) { c.Type = contract.BigInt }), "",
			[]string{"app_version", "is text in the table", "bigint in the contract"}},
		{"a dropped column", with(logins(), func(c []contract.Column) []contract.Column { return c[1:] }), "",
			[]string{"user_id", "no longer in the contract", `alter column "user_id" drop not null`}},
		{"a loosened column", column("user_id", func(c *contract.Column) { c.Required = false }), "",
			[]string{"user_id", "not null in the table", "optional in the contract", "drop not null"}},
		{"another mask", column("user_id", func(c *contract.Column) { c.Mask = mask.Token }), "",
			[]string{"user_id", "holds values as they were sent", "says token", "another x-column"}},
		{"a new column that is required", with(logins(), func(c []contract.Column) []contract.Column {
			return append(c, contract.Column{Name: "country", Required: true})
		}), "", []string{"country", "new and required"}},
		{"another mode", upsert, "", []string{"made for mode insert", "says upsert"}},
		{"a column that was dropped by hand", logins(), "alter table user_logins drop column locale",
			[]string{"locale", "dropped from the table", `add column "locale" text`}},
		{"a type that was changed by hand", logins(), "alter table user_logins alter locale type varchar(8)",
			[]string{"locale", "character varying(8) in the table", "text in the contract"}},
		{"a key that was dropped by hand", logins(), "alter table user_logins drop constraint user_logins_pkey",
			[]string{"primary key is ()", "must be (sent_at, event_id)"}},
		{"a column added by hand that no row can fill", logins(), "alter table user_logins add column batch int not null",
			[]string{"batch", "not null without a default"}},
		{"several at once", with(logins(), func(c []contract.Column) []contract.Column {
			c[0].Type, c[1].Required = contract.UUID, false
			return c
		}), "", []string{"user_id", "device_type"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, logins())
			if test.byDBA != "" {
				db.Exec(t, test.byDBA)
			}
			before := catalog(t, db)
			report, err := schema.Apply(t.Context(), owner(t, db), test.table)
			if !errors.Is(err, schema.ErrDiffers) {
				t.Fatalf("got report %v and error %v, want ErrDiffers", report, err)
			}
			for _, part := range append(test.want, "public.user_logins") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if diff := cmp.Diff(before, catalog(t, db)); diff != "" {
				t.Errorf("the refusal changed something (-before +after):\n%s", diff)
			}
		})
	}
}

func TestApplyRefusesAnotherKey(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, profiles())
	other := profiles()
	other.Key = []string{"user_id"}
	_, err := schema.Apply(t.Context(), owner(t, db), other)
	if !errors.Is(err, schema.ErrDiffers) || !strings.Contains(err.Error(), "keyed by (tenant, user_id) and the contract says (user_id)") {
		t.Errorf("got %v", err)
	}
}

func TestApplyKeepsWhatADBAAdded(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	db.Exec(t, `
		alter table user_logins add column note text, add column loaded_at timestamptz not null default now();
		create index by_user on user_logins (user_id);
		alter table user_logins add constraint sane check (length(user_id) < 100)`)
	before := catalog(t, db)
	if got := apply(t, db, logins()).String(); got != "nothing to do" {
		t.Error(got)
	}
	if diff := cmp.Diff(before, catalog(t, db)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// The statements in an error must repair what the error says.
func TestAdviceInErrorsWorks(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	db.Exec(t, `alter table user_logins drop column locale; alter table user_logins alter column user_id drop not null`)
	changed := with(logins(), func(c []contract.Column) []contract.Column {
		c[0].Required = false
		return append(c[:4], c[5:]...)
	})
	apply(t, db, changed)
	if got := apply(t, db, changed).String(); got != "nothing to do" {
		t.Error(got)
	}
}

// catalog returns what a refusal must not change: columns, constraints, indexes and grants of all
// relations except Postgres's own.
func catalog(t *testing.T, db *postgrestest.Database) []string {
	t.Helper()
	return db.QueryStrings(t, `
		select c.oid::regclass || ' ' || c.relkind::text || ' ' || coalesce(c.relacl::text, '') || ' ' || coalesce(string_agg(
		  a.attname || ':' || format_type(a.atttypid, a.atttypmod) || ':' || a.attnotnull || coalesce(a.attacl::text, ''), ',' order by a.attnum), '')
		from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
		where c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)
		group by c.oid
		union all
		select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where conrelid <> 0
		order by 1`)
}

func TestAnOlderContractChangesNothing(t *testing.T) {
	t.Parallel()
	newer := with(logins(), func(c []contract.Column) []contract.Column { return append(c, contract.Column{Name: "country"}) })
	db := postgrestest.New(t, newer)
	before := catalog(t, db)
	registered := db.QueryStrings(t, "select columns || epoch::text from sqs2pg.tables")
	report := apply(t, db, logins())
	want := []string{"public.user_logins: column country is in the table but not in this contract: rows of this contract leave it empty"}
	if diff := cmp.Diff(want, report.Tolerated); diff != "" {
		t.Errorf("tolerated (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, catalog(t, db)); diff != "" {
		t.Errorf("changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(registered, db.QueryStrings(t, "select columns || epoch::text from sqs2pg.tables")); diff != "" {
		t.Errorf("registered (-before +after):\n%s", diff)
	}
	if got := apply(t, db, newer).String(); got != "nothing to do" {
		t.Errorf("the newer contract again: %s", got)
	}
}

func TestANewlyRequiredColumnStaysNullable(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	required := with(logins(), func(c []contract.Column) []contract.Column { c[4].Required = true; return c })
	got := apply(t, db, required).String()
	for _, want := range []string{"locale", "may be null in the table", "required in the contract", "set not null"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in: %s", want, got)
		}
	}
}

func TestEveryChangeRaisesTheEpoch(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	apply(t, db, with(logins(), func(c []contract.Column) []contract.Column { return append(c, contract.Column{Name: "country"}) }))
	if got := db.QueryStrings(t, "select epoch from sqs2pg.tables")[0]; got != "2" {
		t.Errorf("epoch %s, want 2", got)
	}
}
