package schema

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/sqltext"
)

// reconcile makes, takes over or alters the table so that it fits its contract, and writes the
// registry. It refuses a change that it cannot make.
func reconcile(ctx context.Context, tx pgx.Tx, table contract.Table, report *Report) error {
	if _, err := tx.Exec(ctx, "select from sqs2pg.tables where table_schema = $1 and table_name = $2 for update", table.Schema, table.Name); err != nil {
		return err
	}
	database, err := registry.Read(ctx, tx, table)
	if err != nil {
		return err
	}
	switch {
	case database.Found == nil:
		report.created(table)
		if _, err := tx.Exec(ctx, DDL(table)); err != nil {
			return err
		}
		return register(ctx, tx, table, registry.Describe(table), "day")
	case database.Table == nil:
		if database.Found.Kind != "r" {
			return fmt.Errorf("%w: it is not a plain table: rename it", ErrTakeOver)
		}
		return takeOver(ctx, tx, table, report)
	default:
		return alter(ctx, tx, table, &database, report)
	}
}

// alter adds the columns that are new in the contract. It refuses any other difference because of
// which rows could not be written. An older contract changes nothing.
func alter(ctx context.Context, tx pgx.Tx, table contract.Table, database *registry.Database, report *Report) error {
	differences := database.Compare(table)
	if err := refusal(differences); err != nil {
		return err
	}
	for _, d := range differences {
		if d.Effect == registry.Tolerated {
			report.Tolerated = append(report.Tolerated, table.FullName()+": "+d.String())
		}
	}
	columns, known := mergeColumns(database.Table.Columns, table), database.Table
	makesVault := table.HasVault() && database.Vault == nil
	makesGuard := table.Guarded() && !database.Found.Guarded
	if slices.Equal(columns, known.Columns) && slices.Equal(table.Recover, known.Recovered) && table.Subject == known.Subject && !makesVault && !makesGuard {
		return nil
	}
	for _, c := range table.Columns {
		if _, exists := database.Found.Column(c.Name); exists {
			continue
		}
		if _, err := tx.Exec(ctx, "alter table "+sqltext.Table(table)+" add column "+columnDefinition(sqltext.Name(c.Name), c)); err != nil {
			return err
		}
		report.AddedColumns = append(report.AddedColumns, table.FullName()+"."+c.Name)
	}
	// A column may come from another property now, and the comments name that property.
	if _, err := tx.Exec(ctx, comments(table)); err != nil {
		return err
	}
	if makesVault {
		if _, err := tx.Exec(ctx, vaultDDL(table)); err != nil {
			return err
		}
		report.Created = append(report.Created, vaultName(table))
	}
	if makesGuard {
		if _, err := tx.Exec(ctx, guardDDL(table)); err != nil {
			return err
		}
		report.Guarded = append(report.Guarded, table.FullName())
	}
	return register(ctx, tx, table, columns, known.Width)
}

// refusal returns an error if there are differences that a migration cannot remove.
func refusal(differences []registry.Difference) error {
	decided := slices.DeleteFunc(slices.Clone(differences), func(d registry.Difference) bool { return d.Effect == registry.Migrates })
	if err := registry.Refusal(decided); err != nil {
		return fmt.Errorf("%w:\n%w", ErrDiffers, err)
	}
	return nil
}
