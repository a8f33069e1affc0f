package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
)

// reconcile makes, takes over or alters the table so that it fits its contract, and registers the
// contract. It refuses what would lose values.
func reconcile(ctx context.Context, tx pgx.Tx, table contract.Table, report *Report) error {
	known, err := findRegistration(ctx, tx, table)
	if err != nil {
		return err
	}
	found, err := findRelation(ctx, tx, table)
	if err != nil {
		return err
	}
	switch {
	case found == nil:
		report.Created = append(report.Created, dotted(table))
		if _, err := tx.Exec(ctx, DDL(table)); err != nil {
			return err
		}
		return register(ctx, tx, table, "day")
	case known == nil:
		if found.Kind != "r" {
			return fmt.Errorf("%w: it is not a plain table: rename it", ErrTakeOver)
		}
		return takeOver(ctx, tx, table, report)
	default:
		return alter(ctx, tx, table, known, found, report)
	}
}

// alter adds the columns that are new in the contract. It refuses any other difference.
func alter(ctx context.Context, tx pgx.Tx, table contract.Table, known *registration, found *relation, report *Report) error {
	added, err := compare(table, known, found)
	if err != nil {
		return err
	}
	for _, c := range added {
		if _, err := tx.Exec(ctx, "alter table "+qualified(table)+" add column "+columnDefinition(c)); err != nil {
			return err
		}
		report.AddedColumns = append(report.AddedColumns, dotted(table)+"."+c.Name)
	}
	if len(added) == 0 && slices.Equal(known.Columns, describeColumns(table)) {
		return nil
	}
	// A column may come from another property now, and the comments name that property.
	if _, err := tx.Exec(ctx, comments(table)); err != nil {
		return err
	}
	return register(ctx, tx, table, known.Width)
}

// compare returns the columns to add, or ErrDiffers with every difference other than a new optional
// column. Columns that a database administrator added by hand are no difference, if rows can still
// be written.
func compare(table contract.Table, known *registration, found *relation) ([]contract.Column, error) {
	var differences []error
	differ := func(format string, args ...any) { differences = append(differences, fmt.Errorf(format, args...)) }
	for _, d := range compareShape(table, known, found) {
		differ("%s", d)
	}
	var added []contract.Column
	wanted := append(table.Columns[:len(table.Columns):len(table.Columns)], reserved...)
	for _, c := range wanted {
		registered, isRegistered := known.column(c.Name)
		actual, exists := found.column(c.Name)
		switch {
		case !exists && !isRegistered && !c.Required:
			added = append(added, c)
		case !exists && !isRegistered:
			differ("column %s is new and required, but the rows that are there have no value for it: make it optional in the contract", c.Name)
		case !exists:
			differ("column %s is in the contract but was dropped from the table: run alter table %s add column %s", c.Name, qualified(table), columnDefinition(c))
		case actual.Type != typeName(c.Type):
			differ("column %s is %s in the table and %s in the contract: keep the type, or use another x-column for the new one", c.Name, actual.Type, typeName(c.Type))
		case registered.Mask != "" && registered.Mask != c.Mask.String(): // the reserved columns have no mask
			differ("column %s holds values masked by %s and the contract says %s: keep the mask, or use another x-column, so that no column holds both", c.Name, registered.Mask, c.Mask)
		case c.Required && !actual.NotNull && !registered.Required:
			differ("column %s may be null in the table but is required in the contract: keep it optional, or fill it and run alter table %s alter column %s set not null", c.Name, qualified(table), quote(c.Name))
		case !c.Required && actual.NotNull:
			differ("column %s is not null in the table but optional in the contract: keep it required, or run alter table %s alter column %s drop not null", c.Name, qualified(table), quote(c.Name))
		}
	}
	for _, actual := range found.Columns {
		if slices.ContainsFunc(wanted, func(c contract.Column) bool { return c.Name == actual.Name }) {
			continue
		}
		if _, ours := known.column(actual.Name); ours {
			differ("column %s is in the table but no longer in the contract: put it back, or run alter table %s drop column %s", actual.Name, qualified(table), quote(actual.Name))
		} else if actual.NotNull && !actual.Filled {
			differ("column %s was added by hand as not null without a default, so no row can be written: give it a default", actual.Name)
		}
	}
	if len(differences) > 0 {
		return nil, fmt.Errorf("%w:\n%w", ErrDiffers, errors.Join(differences...))
	}
	return added, nil
}

// compareShape compares the mode, the key and the kind of table.
func compareShape(table contract.Table, known *registration, found *relation) (differences []string) {
	if known.Mode != table.Mode.String() {
		return []string{fmt.Sprintf("the table was made for mode %s and the contract says %s: keep the mode, or use another x-table", known.Mode, table.Mode)}
	}
	if !slices.Equal(known.Key, table.Key) {
		return []string{fmt.Sprintf("the table is keyed by (%s) and the contract says (%s): keep the key, or use another x-table",
			strings.Join(known.Key, ", "), strings.Join(table.Key, ", "))}
	}
	if kind := map[contract.Mode]string{contract.Insert: "p", contract.Upsert: "r"}[table.Mode]; found.Kind != kind {
		differences = append(differences, "the table was replaced by another kind of relation: rename that one")
	}
	if !slices.Equal(found.Key, keyColumns(table)) {
		differences = append(differences, fmt.Sprintf("the table's primary key is (%s) and must be (%s): restore it",
			strings.Join(found.Key, ", "), strings.Join(keyColumns(table), ", ")))
	}
	return differences
}
