package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/postgres/plan"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/sqltext"
)

// mostDays is the largest number of dates for which each date of old rows gets its own partition.
// With more dates a partition covers a month.
const mostDays = 60

// oldSchema is the schema to which the old table is moved while its rows are copied. The names of
// indexes and constraints are unique within a schema, so there they do not collide with the new
// ones.
const oldSchema = "sqs2pg_take_over"

// takeOver replaces a plain table of the contract's name by ours, in the transaction tx. The old
// table is moved to another schema, the new one is made with the partitions that the old dates
// need, all rows are copied and counted, and the old table is dropped.
func takeOver(ctx context.Context, tx pgx.Tx, table contract.Table, report *Report) error {
	if _, err := tx.Exec(ctx, "lock table "+sqltext.Table(table)+" in access exclusive mode"); err != nil {
		return err
	}
	database, err := registry.Read(ctx, tx, table) // as it is under the lock
	if err != nil {
		return err
	}
	found := database.Found
	obstacles, err := findObstacles(ctx, tx, table, found)
	if err != nil {
		return err
	}
	if len(obstacles) > 0 {
		return fmt.Errorf("%w:\n%w", ErrTakeOver, errors.Join(obstacles...))
	}
	t := takeover{Tx: tx, table: table, found: found, from: sqltext.Name(oldSchema, table.Name)}
	t.now = t.from
	if _, planning := tx.(*plan.Recorder); planning {
		t.now = sqltext.Table(table) // it is not moved
	}
	done, err := t.run(ctx)
	if err == nil {
		report.TakenOver = append(report.TakenOver, done)
		if table.HasVault() {
			report.Created = append(report.Created, vaultName(table))
		}
	}
	return err
}

// takeover is one takeOver in progress.
type takeover struct {
	pgx.Tx
	table contract.Table
	found *registry.Relation
	from  string // the old table's name after it was moved
	now   string // the name under which it can be read now
}

func (t *takeover) run(ctx context.Context) (TakeOver, error) {
	done := TakeOver{Table: t.table.FullName()}
	if err := t.refuseEndlessDates(ctx); err != nil {
		return done, err
	}
	var err error
	if done.Dropped, err = t.indexesAndConstraints(ctx); err != nil {
		return done, err
	}
	if err := t.exec(ctx, "create schema "+oldSchema, "alter table "+sqltext.Table(t.table)+" set schema "+oldSchema); err != nil {
		return done, err
	}
	if done.Nullable, err = t.columnsWithNulls(ctx); err != nil {
		return done, err
	}
	if err := t.exec(ctx, createTable(t.table, done.Nullable, "")+comments(t.table)+grants(t.table)+vaultDDL(t.table)); err != nil {
		return done, err
	}
	if err := t.keepGrants(ctx); err != nil {
		return done, err
	}
	if err := t.makePartitions(ctx); err != nil {
		return done, err
	}
	if done.Rows, err = t.copy(ctx); err != nil {
		return done, err
	}
	if done.Rows > 0 {
		done.Unmasked = t.unmasked()
	}
	// The key comes last: to build its index once is faster than to add row by row.
	return done, t.exec(ctx, "alter table "+sqltext.Table(t.table)+" add "+primaryKey(t.table), guardDDL(t.table), "drop table "+t.from, "drop schema "+oldSchema)
}

func (t *takeover) exec(ctx context.Context, statements ...string) error {
	for _, sql := range slices.DeleteFunc(statements, func(sql string) bool { return sql == "" }) {
		if _, err := t.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// sentAt returns the SQL for the time that an old row gets: the start of its create_date, or now.
func (t *takeover) sentAt() string {
	if _, dated := t.found.Column(contract.CreateDate); dated {
		return "coalesce(create_date::timestamp at time zone 'UTC', now())"
	}
	return "now()"
}

// columnsWithNulls returns the columns that the contract requires and for which an old row has no
// value.
func (t *takeover) columnsWithNulls(ctx context.Context) ([]string, error) {
	var tests, names []string
	for _, c := range t.table.Columns {
		if !c.Required {
			continue
		}
		value := "null"
		if _, exists := t.found.Column(c.Name); exists {
			value = sqltext.Name(c.Name)
		}
		tests, names = append(tests, fmt.Sprintf("coalesce(bool_or(%s is null), false)", value)), append(names, c.Name)
	}
	if len(tests) == 0 {
		return nil, nil
	}
	var hasNulls []bool
	if err := t.QueryRow(ctx, "select array["+strings.Join(tests, ", ")+"] from "+t.now).Scan(&hasNulls); err != nil {
		return nil, err
	}
	var withNulls []string
	for i, name := range names {
		if hasNulls[i] {
			withNulls = append(withNulls, name)
		}
	}
	return withNulls, nil
}

// refuseEndlessDates returns an error if a date is infinite, because no partition can hold it.
func (t *takeover) refuseEndlessDates(ctx context.Context) error {
	if _, dated := t.found.Column(contract.CreateDate); !dated {
		return nil
	}
	var endless bool
	err := t.QueryRow(ctx, "select exists (select from "+sqltext.Table(t.table)+" where not isfinite(create_date))").Scan(&endless)
	if endless {
		return fmt.Errorf("%w: some create_date is infinity: make it null or a date", ErrTakeOver)
	}
	return err
}

// makePartitions registers the table with a partition width that suits the old rows, and makes the
// partitions for all their dates.
func (t *takeover) makePartitions(ctx context.Context) error {
	dates := "select distinct (" + t.sentAt() + " at time zone 'UTC')::date from " + t.from
	var days int
	if err := t.QueryRow(ctx, "select count(distinct "+t.sentAt()+") from "+t.now).Scan(&days); err != nil {
		return err
	}
	width := "day"
	if days > mostDays {
		width = "month"
	}
	if err := register(ctx, t.Tx, t.table, registry.Describe(t.table), width); err != nil {
		return err
	}
	if t.now != t.from { // planning
		return t.exec(ctx, "select sqs2pg.make_partitions("+sqltext.Literal(sqltext.Table(t.table))+", array("+dates+"))")
	}
	_, err := partitions.Make(ctx, t, t.table, dates)
	return err
}

// unmasked returns the masked columns that the old table has values for.
func (t *takeover) unmasked() (names []string) {
	for _, c := range t.table.Columns {
		if _, exists := t.found.Column(c.Name); exists && c.Mask != mask.None {
			names = append(names, c.Name)
		}
	}
	return names
}

// copy copies all rows and checks their number.
func (t *takeover) copy(ctx context.Context) (int64, error) {
	var names, values []string
	for _, c := range t.found.Columns {
		value := sqltext.Name(c.Name)
		if i := slices.IndexFunc(t.table.Columns, func(w contract.Column) bool { return w.Name == c.Name }); i >= 0 {
			value += "::" + t.table.Columns[i].Type.String()
		}
		names, values = append(names, sqltext.Name(c.Name)), append(values, value)
	}
	tag, err := t.Exec(ctx, fmt.Sprintf("insert into %s (%s, sent_at, event_id) select %s, %s, gen_random_uuid() from %s",
		sqltext.Table(t.table), strings.Join(names, ", "), strings.Join(values, ", "), t.sentAt(), t.from))
	if err != nil {
		return 0, err
	}
	var there int64
	if err := t.QueryRow(ctx, "select count(*) from "+t.now).Scan(&there); err != nil {
		return 0, err
	}
	if tag.Insert() && there != tag.RowsAffected() {
		return 0, fmt.Errorf("%w: it has %d rows and %d were copied: nothing was changed", ErrTakeOver, there, tag.RowsAffected())
	}
	return there, nil
}

// keepGrants gives the roles that had privileges on the old table the same ones on the new table,
// and all of them to the old owner. Privileges of PUBLIC are not kept: even masked rows are not for
// everybody.
func (t *takeover) keepGrants(ctx context.Context) error {
	rows, err := t.Query(ctx, `
		select format('grant %s on %s to %I', string_agg(a.privilege_type, ', '), $2::text, r.rolname)
		  || case when a.is_grantable then ' with grant option' else '' end
		from pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a join pg_roles r on r.oid = a.grantee
		where c.oid = $1 and r.rolname <> current_user
		group by r.rolname, a.is_grantable`, t.found.OID, sqltext.Table(t.table))
	if err != nil {
		return err
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	return t.exec(ctx, statements...)
}

// indexesAndConstraints returns the definitions of the old table's. They are not carried over,
// because they may not suit the new table.
func (t *takeover) indexesAndConstraints(ctx context.Context) ([]string, error) {
	rows, err := t.Query(ctx, `
		select format('constraint %I %s', conname, pg_get_constraintdef(oid)) from pg_constraint
		where conrelid = $1 and contype <> 'n'
		union all
		select pg_get_indexdef(i.indexrelid) from pg_index i
		where i.indrelid = $1 and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
		order by 1`, t.found.OID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// findObstacles returns everything that prevents a takeover, each by name and with what to do.
func findObstacles(ctx context.Context, tx pgx.Tx, table contract.Table, found *registry.Relation) ([]error, error) {
	if table.Mode != contract.Insert {
		return []error{errors.New("its rows have no key, so a contract in upsert mode cannot take it over: rename the table")}, nil
	}
	var obstacles []error
	for _, c := range found.Columns {
		if err := checkConversion(table, c); err != nil {
			obstacles = append(obstacles, err)
		}
	}
	rows, err := tx.Query(ctx, dependents, found.OID)
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		obstacles = append(obstacles, fmt.Errorf("%s depends on it: drop it, migrate, and make it again", name))
	}
	return obstacles, nil
}

// checkConversion returns an error unless the old column's values convert to the contract's type
// without loss.
func checkConversion(table contract.Table, c registry.ActualColumn) error {
	if c.Name == contract.CreateDate && c.Type == "date" {
		return nil
	}
	i := slices.IndexFunc(table.Columns, func(w contract.Column) bool { return w.Name == c.Name })
	if i < 0 {
		return fmt.Errorf("its column %s is not in the contract: add it there, or drop it", c.Name)
	}
	if want := table.Columns[i].Type; !isLossless(c.Type, want) {
		return fmt.Errorf("its column %s is %s, which does not become %s without loss: change the contract or the column", c.Name, c.Type, want)
	}
	return nil
}

// isLossless reports whether every value of the old type converts to the contract's without loss.
func isLossless(old string, want contract.Type) bool {
	base, _, _ := strings.Cut(old, "(")
	precision, scale, limited := want.Limits()
	if digits, ok := integerDigits[base]; limited && ok {
		return precision-scale >= digits
	}
	if limited {
		return old == want.String()
	}
	return slices.Contains(lossless[want], base)
}

// integerDigits is how many digits the integers of a type can have.
var integerDigits = map[string]int{"smallint": 5, "integer": 10, "bigint": 19}

// lossless lists, for each type of a contract, the old types that convert to it without loss. A
// length does not matter.
var lossless = map[contract.Type][]string{
	contract.Text:        {"text", "character varying", "character", "smallint", "integer", "bigint", "numeric", "uuid"},
	contract.BigInt:      {"smallint", "integer", "bigint"},
	contract.Double:      {"real", "double precision", "smallint", "integer"},
	contract.Boolean:     {"boolean"},
	contract.UUID:        {"uuid"},
	contract.Date:        {"date"},
	contract.Timestamptz: {"timestamp with time zone"},
	contract.JSONB:       {"json", "jsonb"},
	contract.Numeric:     {"numeric", "smallint", "integer", "bigint"},
}

// dependents finds everything that would break, or be lost in silence, if the table were replaced.
const dependents = `
	select format('view %s', r.ev_class::regclass) from pg_depend d join pg_rewrite r on r.oid = d.objid
	where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = $1 and r.ev_class <> $1
	union select format('foreign key %I of %s', conname, conrelid::regclass) from pg_constraint where confrelid = $1
	union select format('trigger %I', tgname) from pg_trigger where tgrelid = $1 and not tgisinternal
	union select format('rule %I', rulename) from pg_rewrite where ev_class = $1
	union select format('policy %I', polname) from pg_policy where polrelid = $1
	union select format('publication %I', p.pubname) from pg_publication_rel r join pg_publication p on p.oid = r.prpubid where r.prrelid = $1
	union select format('table %s, which inherits from it or the reverse,', case when inhparent = $1 then inhrelid else inhparent end::regclass)
	from pg_inherits where $1 in (inhparent, inhrelid)
	order by 1`
