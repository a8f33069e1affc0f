package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/postgres/plan"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func orders(columns ...contract.Column) contract.Table {
	return contract.Table{Schema: "public", Name: "orders", Columns: append([]contract.Column{{Name: "id", Path: "id", Required: true}}, columns...)}
}

// snapshot is everything in a database that a plan could change.
func snapshot(t *testing.T, db *postgrestest.Database) [][]string {
	t.Helper()
	return db.Query(t, `select 'relation', n.nspname, c.relname, coalesce(obj_description(c.oid), ''), pg_get_expr(c.relpartbound, c.oid), c.relacl::text
		from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname not like 'pg_%' and n.nspname <> 'information_schema'
		union all select 'column', attrelid::regclass::text, attname, atttypid::text, attnotnull::text, null from pg_attribute where attnum > 0 and attrelid >= 16384
		union all select 'function', proname, null, null, null, null from pg_proc where oid >= 16384
		union all select 'schema', nspname, null, null, null, null from pg_namespace order by 1, 2, 3`)
}

// sealed is the table with a vault.
func sealed() contract.Table {
	table := orders()
	table.Recover = []string{"id"}
	return table
}

// TestLocksAreThoseThatPostgresTakes runs each step of a plan, and asks Postgres which locks it holds
// then. It also shows that a plan changes nothing, and that its SQL is what the change itself runs.
func TestLocksAreThoseThatPostgresTakes(t *testing.T) {
	t.Parallel()
	const old = "create table orders (id varchar(20), create_date date); insert into orders values ('1', '2026-01-31'), ('2', null)"
	migrate := func(table contract.Table) func(*testing.T, *postgrestest.Database) plan.Steps {
		return func(t *testing.T, db *postgrestest.Database) plan.Steps {
			steps, _, err := schema.Plan(t.Context(), postgrestest.Open(t, db.OwnerURL), table)
			if err != nil {
				t.Fatal(err)
			}
			return steps
		}
	}
	maintain := func(p partitions.Plan) func(*testing.T, *postgrestest.Database) plan.Steps {
		return func(t *testing.T, db *postgrestest.Database) plan.Steps {
			changes, err := partitions.Preview(t.Context(), postgrestest.Open(t, db.OwnerURL), orders(), p)
			if err != nil {
				t.Fatal(err)
			}
			return changes.Steps
		}
	}
	for name, tt := range map[string]struct {
		tables []contract.Table // that are there
		sql    string           // that runs before
		plan   func(*testing.T, *postgrestest.Database) plan.Steps
		least  int // steps
		want   string
	}{
		"a database without anything":       {nil, "drop schema sqs2pg, sqs2pg_vault cascade", migrate(orders()), 12, "create schema sqs2pg;"},
		"a new table":                       {nil, "", migrate(orders()), 10, "create table \"public\".\"orders\" ("},
		"a column more":                     {[]contract.Table{orders()}, "", migrate(orders(contract.Column{Name: "total", Path: "it's", Type: contract.BigInt})), 3, "add column \"total\" bigint;"},
		"a new table with a vault":          {nil, "", migrate(sealed()), 18, "create table \"sqs2pg_vault\".\"orders\" ("},
		"a vault for a table that is there": {[]contract.Table{orders()}, "", migrate(sealed()), 10, "create table \"sqs2pg_vault\".\"orders\" ("},
		"a table to take over":              {nil, old, migrate(orders()), 10, "insert into \"public\".\"orders\" (\"id\", \"create_date\", sent_at, event_id)"},
		"missing partitions":                {[]contract.Table{orders()}, "do $$ declare p regclass; begin for p in select inhrelid::regclass from pg_inherits where inhparent = 'orders'::regclass loop execute 'drop table ' || p; end loop; end $$", maintain(partitions.Plan{Width: "month"}), 2, "set partition_width = 'month'"},
		"retention":                         {[]contract.Table{orders()}, "select sqs2pg.make_partition('orders', now() - interval '40 days')", maintain(partitions.Plan{RetentionDays: 30}), 2, "concurrently;"},
		"retention beside a DEFAULT partition": {[]contract.Table{orders()}, "select sqs2pg.make_partition('orders', now() - interval '40 days'); create table rest partition of orders default",
			maintain(partitions.Plan{RetentionDays: 30}), 2, "detach partition \"public\".\"orders_p"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, tt.tables...)
			if tt.sql != "" {
				db.Exec(t, tt.sql)
			}
			before := snapshot(t, db)
			steps := tt.plan(t, db)
			if diff := cmp.Diff(before, snapshot(t, db)); diff != "" {
				t.Errorf("the plan has changed something (-before +after):\n%s", diff)
			}
			var text strings.Builder
			steps.Print(&text)
			if len(steps) < tt.least || !strings.Contains(text.String(), tt.want) {
				t.Fatalf("%d steps, want at least %d and %q:\n%s", len(steps), tt.least, tt.want, &text)
			}
			runSteps(t, db, steps)
			for _, step := range tt.plan(t, db) {
				ahead := name == "a table to take over" && strings.HasPrefix(step.SQL, `create table "public"."orders_p`) // the plan says so
				if !ahead && !strings.HasPrefix(step.SQL, "-- ") && step.SQL != "create schema sqs2pg;" {
					t.Errorf("after the steps of the plan there is more to do: %s", step.SQL)
				}
			}
		})
	}
}

// runSteps runs each step in a transaction, and compares its locks on the tables that were there. A
// step that cannot run in a transaction is not compared.
func runSteps(t *testing.T, db *postgrestest.Database, steps plan.Steps) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	exec := func(sql string) {
		if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatalf("%v in %s", err, sql)
		}
	}
	// A partition that is locked with its table does not count by itself.
	exec(`create temp table there as select c.oid, c.relname, p.relname as parent from pg_class c join pg_namespace n on n.oid = c.relnamespace
		left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent where c.relkind in ('r', 'p') and n.nspname = 'public'`)
	parents := map[string]string{}
	rows, err := conn.Query(t.Context(), "select relname::text, parent::text from there where parent is not null")
	if err != nil {
		t.Fatal(err)
	}
	var name, parent string
	if _, err := pgx.ForEachRow(rows, []any{&name, &parent}, func() error { parents[name] = parent; return nil }); err != nil {
		t.Fatal(err)
	}
	inside := false
	var said []plan.Lock // since begin
	for _, step := range steps {
		switch {
		case strings.Contains(step.SQL, " concurrently"):
			for statement := range strings.SplitSeq(step.SQL, ";\n") {
				exec(statement)
			}
			continue
		case strings.HasPrefix(step.SQL, "begin;"):
			inside = true
		case step.SQL == "commit;":
			inside = false
		case !inside:
			exec("begin")
			said = nil
		}
		if step.SQL != "commit;" {
			exec(step.SQL)
		}
		said = append(said, step.Locks...)
		rows, err := conn.Query(t.Context(), `select relname::text, mode from pg_locks join there on oid = relation where pid = pg_backend_pid()`)
		if err != nil {
			t.Fatal(err)
		}
		held, err := pgx.CollectRows(rows, pgx.RowToStructByPos[lock])
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strongest(held, parents), strongest(asHeld(said), parents); !slices.Equal(got, want) {
			t.Errorf("Postgres holds %v, the plan says %v: %s", got, want, step.SQL)
		}
		if !inside {
			exec("commit")
			said = nil
		}
	}
}

// lock is a lock as Postgres holds it.
type lock struct{ Table, Mode string }

var order = []string{"AccessShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "AccessExclusiveLock"}

// asHeld names the locks of a plan as Postgres does. The schema sqs2pg is left out.
func asHeld(said []plan.Lock) (held []lock) {
	for _, l := range said {
		schema, table, _ := strings.Cut(strings.ReplaceAll(l.Table, `"`, ""), ".")
		mode := ""
		for word := range strings.FieldsSeq(l.Mode) {
			mode += strings.ToUpper(word[:1]) + word[1:]
		}
		if schema != "sqs2pg" {
			held = append(held, lock{table, mode + "Lock"})
		}
	}
	return held
}

// strongest returns the strongest lock of each table. A partition whose table has at least the same
// lock is left out.
func strongest(held []lock, parents map[string]string) (texts []string) {
	modes := map[string]int{}
	for _, l := range held {
		modes[l.Table] = max(modes[l.Table], 1+slices.Index(order, l.Mode))
	}
	for table, mode := range modes {
		if mode > modes[parents[table]] {
			texts = append(texts, table+" "+order[mode-1])
		}
	}
	slices.Sort(texts)
	return texts
}
