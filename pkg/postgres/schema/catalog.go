package schema

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/registry"
)

// mergeColumns adds the columns, and values inside of jsonb columns, that are new in the contract to
// those that are registered. What is registered stays as it is: a contract that lacks a column may
// be an older one, and its rows stand beside those of the newer one. So a column that was stored
// whole stays registered as whole.
func mergeColumns(known []registry.Column, table contract.Table) []registry.Column {
	merged := slices.Clone(known)
	for _, c := range registry.Describe(table) {
		if i := slices.IndexFunc(merged, func(k registry.Column) bool { return k.Name == c.Name && k.Mask == c.Mask && k.Token == "" }); i >= 0 {
			merged[i].Token = c.Token // of a release that did not keep it
		}
		_, isStored := registry.MaskAt(known, c.Name)
		if !isStored && !slices.ContainsFunc(known, func(k registry.Column) bool { return k.Name == c.Name }) {
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
	recovered := append([]string{}, table.Recover...)
	_, err := tx.Exec(ctx, `
		insert into sqs2pg.tables as known (table_schema, table_name, mode, key_columns, columns, partition_width, recovered, subject)
		values ($1, $2, $3, $4, $5, $6, nullif($7::text[], '{}'), nullif($8, ''))
		on conflict on constraint tables_pkey do update
		set mode = excluded.mode, key_columns = excluded.key_columns, columns = excluded.columns,
		    partition_width = excluded.partition_width, recovered = excluded.recovered, subject = excluded.subject, epoch = known.epoch + 1, applied_at = now()`,
		table.Schema, table.Name, table.Mode.String(), key, columns, width, recovered, table.Subject)
	return err
}
