package schema

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/registry"
)

// describeColumns is what the registry keeps of a contract's columns.
func describeColumns(table contract.Table) []registry.Column {
	list := []registry.Column{}
	for _, c := range table.Columns {
		list = append(list, registry.Column{Name: c.Name, Type: c.Type.String(), Required: c.Required, Mask: c.Mask.String()})
	}
	return list
}

// mergeColumns adds the columns that are new in the contract to those that are registered. What is
// registered stays as it is: a contract that lacks a column may be an older one, and its rows stand
// beside those of the newer one.
func mergeColumns(known []registry.Column, table contract.Table) []registry.Column {
	merged := slices.Clone(known)
	for _, c := range describeColumns(table) {
		if !slices.ContainsFunc(known, func(k registry.Column) bool { return k.Name == c.Name }) {
			merged = append(merged, c)
		}
	}
	return merged
}

// register writes what the registry knows of a table, and raises the table's epoch.
func register(ctx context.Context, tx pgx.Tx, table contract.Table, columns []registry.Column, width string) error {
	key := table.Key
	if key == nil {
		key = []string{}
	}
	_, err := tx.Exec(ctx, `
		insert into sqs2pg.tables as known (table_schema, table_name, mode, key_columns, columns, partition_width)
		values ($1, $2, $3, $4, $5, $6)
		on conflict on constraint tables_pkey do update
		set mode = excluded.mode, key_columns = excluded.key_columns, columns = excluded.columns,
		    partition_width = excluded.partition_width, epoch = known.epoch + 1, applied_at = now()`,
		table.Schema, table.Name, table.Mode.String(), key, columns, width)
	return err
}
