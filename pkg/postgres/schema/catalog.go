package schema

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
)

// reserved are the columns that every table has besides those of its contract.
var reserved = []contract.Column{
	{Name: "create_date", Type: contract.Date},
	{Name: "sent_at", Type: contract.Timestamptz, Required: true},
	{Name: "event_id", Type: contract.UUID, Required: true},
}

func keyColumns(table contract.Table) []string {
	if table.Mode == contract.Upsert {
		return table.Key
	}
	return []string{"sent_at", "event_id"}
}

// registration is a table's row in sqs2pg.tables: the contract as it was last applied.
type registration struct {
	Mode    string
	Key     []string
	Columns []registeredColumn
	Width   string
}

type registeredColumn struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Mask     string `json:"mask"`
}

func (r *registration) column(name string) (registeredColumn, bool) {
	if slices.ContainsFunc(reserved, func(c contract.Column) bool { return c.Name == name }) {
		return registeredColumn{Name: name}, true
	}
	i := slices.IndexFunc(r.Columns, func(c registeredColumn) bool { return c.Name == name })
	if i < 0 {
		return registeredColumn{}, false
	}
	return r.Columns[i], true
}

func describeColumns(table contract.Table) []registeredColumn {
	list := []registeredColumn{}
	for _, c := range table.Columns {
		list = append(list, registeredColumn{Name: c.Name, Type: c.Type.String(), Required: c.Required, Mask: c.Mask.String()})
	}
	return list
}

// findRegistration returns nil if the table is not registered.
func findRegistration(ctx context.Context, tx pgx.Tx, table contract.Table) (*registration, error) {
	var r registration
	err := tx.QueryRow(ctx, `
		select mode, key_columns, columns, partition_width from sqs2pg.tables
		where table_schema = $1 and table_name = $2 for update`, table.Schema, table.Name).Scan(&r.Mode, &r.Key, &r.Columns, &r.Width)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &r, err
}

func register(ctx context.Context, tx pgx.Tx, table contract.Table, width string) error {
	key := table.Key
	if key == nil {
		key = []string{}
	}
	_, err := tx.Exec(ctx, `
		insert into sqs2pg.tables (table_schema, table_name, mode, key_columns, columns, partition_width)
		values ($1, $2, $3, $4, $5, $6)
		on conflict on constraint tables_pkey do update
		set mode = excluded.mode, key_columns = excluded.key_columns, columns = excluded.columns,
		    partition_width = excluded.partition_width, applied_at = now()`,
		table.Schema, table.Name, table.Mode.String(), key, describeColumns(table), width)
	return err
}

// relation is the table, view or the like that has the table's name in the database.
type relation struct {
	OID     uint32
	Kind    string // pg_class.relkind: r is a plain table, p a partitioned one
	Key     []string
	Columns []actualColumn
}

type actualColumn struct {
	Name    string
	Type    string // as format_type prints it
	NotNull bool
	Filled  bool // has a default, is an identity, or is generated
}

func (r *relation) column(name string) (actualColumn, bool) {
	i := slices.IndexFunc(r.Columns, func(c actualColumn) bool { return c.Name == name })
	if i < 0 {
		return actualColumn{}, false
	}
	return r.Columns[i], true
}

// findRelation returns nil if no relation has the table's name.
func findRelation(ctx context.Context, tx pgx.Tx, table contract.Table) (*relation, error) {
	var r relation
	err := tx.QueryRow(ctx, `
		select c.oid, c.relkind::text, array(
		  select a.attname::text from pg_index i, unnest(i.indkey) with ordinality as k (attnum, place), pg_attribute a
		  where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.attnum order by k.place)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relname = $2`, table.Schema, table.Name).Scan(&r.OID, &r.Kind, &r.Key)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		select attname::text, format_type(atttypid, atttypmod), attnotnull, atthasdef or attidentity <> '' or attgenerated <> ''
		from pg_attribute where attrelid = $1 and attnum > 0 and not attisdropped order by attnum`, r.OID)
	if err != nil {
		return nil, err
	}
	r.Columns, err = pgx.CollectRows(rows, pgx.RowToStructByPos[actualColumn])
	return &r, err
}

// typeName returns the type as format_type prints it.
func typeName(t contract.Type) string {
	if t == contract.Timestamptz {
		return "timestamp with time zone"
	}
	return t.String()
}
