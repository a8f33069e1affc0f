package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/registry"
)

// mostDays is up to how many days of old rows get a partition each; beyond, a partition is a month.
const mostDays = 60

// aside is the schema where the old table stands meanwhile. There its indexes and constraints, whose names are a schema's,
// do not get in the way of ours.
const aside = "sqs2pg_take_over"

// takeOver makes a plain table of the contract's name ours, in the transaction: it is put aside, ours is made with the
// partitions that its dates need, all rows are copied and counted, and it is dropped.
func takeOver(ctx context.Context, tx pgx.Tx, table contract.Table, report *Report) error {
	if _, err := tx.Exec(ctx, "lock table "+qualified(table)+" in access exclusive mode"); err != nil {
		return err
	}
	database, err := registry.Read(ctx, tx, table) // as it is under the lock
	if err != nil {
		return err
	}
	found := database.Found
	if err := takeable(ctx, tx, table, found); err != nil {
		return fmt.Errorf("%w:\n%w", ErrTakeOver, err)
	}
	t := takeover{Tx: tx, table: table, found: found, from: quote(aside, table.Name)}
	done, err := t.run(ctx)
	if err == nil {
		report.TakenOver = append(report.TakenOver, done)
	}
	return err
}

// takeover is one in progress.
type takeover struct {
	pgx.Tx
	table contract.Table
	found *registry.Relation
	from  string // the old table's name, once it is aside
}

func (t *takeover) run(ctx context.Context) (TakeOver, error) {
	done := TakeOver{Table: dotted(t.table)}
	if err := t.refuseEndlessDates(ctx); err != nil {
		return done, err
	}
	var err error
	if done.Dropped, err = t.leftBehind(ctx); err != nil {
		return done, err
	}
	if err := t.all(ctx, "create schema "+aside, "alter table "+qualified(t.table)+" set schema "+aside); err != nil {
		return done, err
	}
	if done.Nullable, err = t.lacking(ctx); err != nil {
		return done, err
	}
	if err := t.all(ctx, createTable(t.table, done.Nullable, "")+comments(t.table)+grants(t.table)); err != nil {
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
	// The key comes last, since to build an index at once is faster than row by row.
	return done, t.all(ctx, "alter table "+qualified(t.table)+" add "+primaryKey(t.table), "drop table "+t.from, "drop schema "+aside)
}

func (t *takeover) all(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if _, err := t.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// sentAt is the moment that an old row gets: the start of its day, or now.
func (t *takeover) sentAt() string {
	if _, dated := t.found.Column("create_date"); dated {
		return "coalesce(create_date::timestamp at time zone 'UTC', now())"
	}
	return "now()"
}

// lacking are the columns that the contract requires and that some old row has no value for.
func (t *takeover) lacking(ctx context.Context) ([]string, error) {
	var tests, names []string
	for _, c := range t.table.Columns {
		if !c.Required {
			continue
		}
		value := "null"
		if _, exists := t.found.Column(c.Name); exists {
			value = quote(c.Name)
		}
		tests, names = append(tests, fmt.Sprintf("coalesce(bool_or(%s is null), false)", value)), append(names, c.Name)
	}
	if len(tests) == 0 {
		return nil, nil
	}
	var lacks []bool
	err := t.QueryRow(ctx, "select array["+strings.Join(tests, ", ")+"] from "+t.from).Scan(&lacks)
	return slices.DeleteFunc(names, func(name string) bool { return err != nil || !lacks[slices.Index(names, name)] }), err
}

// refuseEndlessDates: infinity is a date that no partition can hold.
func (t *takeover) refuseEndlessDates(ctx context.Context) error {
	if _, dated := t.found.Column("create_date"); !dated {
		return nil
	}
	var endless bool
	err := t.QueryRow(ctx, "select exists (select from "+qualified(t.table)+" where not isfinite(create_date))").Scan(&endless)
	if endless {
		return fmt.Errorf("%w: some create_date is infinity: make it null or a date", ErrTakeOver)
	}
	return err
}

// makePartitions registers the table with a width that suits the old rows, and makes a partition for every date of them.
func (t *takeover) makePartitions(ctx context.Context) error {
	moments := "(select distinct " + t.sentAt() + " as moment from " + t.from + ") as moments"
	var days int
	if err := t.QueryRow(ctx, "select count(*) from "+moments).Scan(&days); err != nil {
		return err
	}
	width := "day"
	if days > mostDays {
		width = "month"
	}
	if err := register(ctx, t.Tx, t.table, describeColumns(t.table), width); err != nil {
		return err
	}
	_, err := t.Exec(ctx, "select sqs2pg.make_partition($1::text::regclass, moment) from "+moments, qualified(t.table))
	return err
}

// copy copies every row and makes sure of it.
func (t *takeover) copy(ctx context.Context) (int64, error) {
	var names, values []string
	for _, c := range t.found.Columns {
		value := quote(c.Name)
		if i := slices.IndexFunc(t.table.Columns, func(w contract.Column) bool { return w.Name == c.Name }); i >= 0 {
			value += "::" + t.table.Columns[i].Type.String()
		}
		names, values = append(names, quote(c.Name)), append(values, value)
	}
	tag, err := t.Exec(ctx, fmt.Sprintf("insert into %s (%s, sent_at, event_id) select %s, %s, gen_random_uuid() from %s",
		qualified(t.table), strings.Join(names, ", "), strings.Join(values, ", "), t.sentAt(), t.from))
	if err != nil {
		return 0, err
	}
	var there int64
	if err := t.QueryRow(ctx, "select count(*) from "+t.from).Scan(&there); err != nil {
		return 0, err
	}
	if there != tag.RowsAffected() {
		return 0, fmt.Errorf("%d rows were there and %d were copied: nothing was changed", there, tag.RowsAffected())
	}
	return there, nil
}

// keepGrants gives the roles that could use the old table the same on the new one, and its owner everything. What was
// granted to PUBLIC is not kept: masked as they are, these rows are not for everybody.
func (t *takeover) keepGrants(ctx context.Context) error {
	rows, err := t.Query(ctx, `
		select format('grant %s on %s to %I', string_agg(a.privilege_type, ', '), $2::text, r.rolname)
		  || case when a.is_grantable then ' with grant option' else '' end
		from pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a join pg_roles r on r.oid = a.grantee
		where c.oid = $1 and r.rolname <> current_user
		group by r.rolname, a.is_grantable`, t.found.OID, qualified(t.table))
	if err != nil {
		return err
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	return t.all(ctx, statements...)
}

// leftBehind are the indexes and constraints of the old table, which are not known to suit the new one.
func (t *takeover) leftBehind(ctx context.Context) ([]string, error) {
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

// takeable tells, by name, everything that keeps a table from being taken over.
func takeable(ctx context.Context, tx pgx.Tx, table contract.Table, found *registry.Relation) error {
	if table.Mode != contract.Insert {
		return errors.New("rename it, since a contract in upsert mode cannot take over rows that have no key")
	}
	var reasons []error
	for _, c := range found.Columns {
		if err := takeableColumn(table, c); err != nil {
			reasons = append(reasons, err)
		}
	}
	rows, err := tx.Query(ctx, dependents, found.OID)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		reasons = append(reasons, fmt.Errorf("%s depends on it: drop it, migrate, and make it again", name))
	}
	return errors.Join(reasons...)
}

// takeableColumn allows the conversions that lose nothing.
func takeableColumn(table contract.Table, c registry.ActualColumn) error {
	if c.Name == "create_date" && c.Type == "date" {
		return nil
	}
	i := slices.IndexFunc(table.Columns, func(w contract.Column) bool { return w.Name == c.Name })
	if i < 0 {
		return fmt.Errorf("its column %s is not in the contract: add it there, or drop it", c.Name)
	}
	base, _, _ := strings.Cut(c.Type, "(")
	if want := table.Columns[i].Type; !slices.Contains(lossless[want], base) {
		return fmt.Errorf("its column %s is %s, which does not become %s without loss: change the contract or the column", c.Name, c.Type, want)
	}
	return nil
}

// lossless are the types, without their length, that a column may have had.
var lossless = map[contract.Type][]string{
	contract.Text:        {"text", "character varying", "character", "smallint", "integer", "bigint", "numeric", "uuid"},
	contract.BigInt:      {"smallint", "integer", "bigint"},
	contract.Double:      {"real", "double precision", "smallint", "integer"},
	contract.Boolean:     {"boolean"},
	contract.UUID:        {"uuid"},
	contract.Date:        {"date"},
	contract.Timestamptz: {"timestamp with time zone"},
	contract.JSONB:       {"json", "jsonb"},
}

// dependents are what would break, or be lost in silence, if the table were replaced.
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
