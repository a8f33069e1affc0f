package registry

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/sqltext"
)

// Effect is what a difference means for rows that are to be written.
type Effect uint8

// The effects of a difference.
const (
	Refused   Effect = iota // no row may be written, and a person must decide
	Migrates                // no row may be written yet, and a migration makes it fit
	Tolerated               // rows can be written, so that old and new code may run side by side
)

// Difference says in what a contract and the database disagree about a table.
type Difference struct {
	Column string // "" for the table itself
	Effect Effect
	Text   string // both sides and what to do; it holds names and types, never a value
}

func (d Difference) String() string {
	if d.Column == "" {
		return d.Text
	}
	return "column " + d.Column + " " + d.Text
}

// Compare lists the differences, first those of the table, then by column in the contract's order.
// Columns that the contract lacks are tolerated if rows can be written without them: an older
// contract then runs beside a newer one, and a deployment can be rolled back.
func (d *Database) Compare(table contract.Table) []Difference {
	c := comparison{database: d, table: table}
	switch {
	case !d.Migrated || d.Table == nil && d.Found == nil:
		c.add("", Migrates, "it is not migrated: run sqs2pg migrate")
	case d.Table == nil:
		c.add("", Migrates, "it was not made by sqs2pg: run sqs2pg migrate, which takes it over")
	case d.Found == nil:
		c.add("", Migrates, "it is registered but missing: run sqs2pg migrate")
	default:
		c.shape()
		c.vault()
		c.wantedColumns()
		c.otherColumns()
	}
	return c.differences
}

// Rights lists the rights that the user lacks. Without them no row can be written.
func (d *Database) Rights(table contract.Table) []Difference {
	c := comparison{database: d, table: table}
	if len(d.Lacks) > 0 {
		c.add("", Refused, "the role %s lacks %s: run sqs2pg migrate, and make the role a member of sqs2pg_writer", d.User, strings.Join(d.Lacks, ", "))
	}
	return c.differences
}

// Refusal is the error of differences that do not let a row be written, nil if there are none.
func Refusal(differences []Difference) error {
	var refused []error
	for _, d := range differences {
		if d.Effect != Tolerated {
			refused = append(refused, errors.New(d.String()))
		}
	}
	return errors.Join(refused...)
}

type comparison struct {
	database    *Database
	table       contract.Table
	differences []Difference
}

func (c *comparison) add(column string, effect Effect, format string, args ...any) {
	c.differences = append(c.differences, Difference{column, effect, fmt.Sprintf(format, args...)})
}

// shape compares what is not a column: mode, key and kind of relation.
func (c *comparison) shape() {
	known, found, table := c.database.Table, c.database.Found, c.table
	if known.Mode != table.Mode.String() {
		c.add("", Refused, "the table was made for mode %s and the contract says %s: keep the mode, or use another x-table", known.Mode, table.Mode)
		return
	}
	if !slices.Equal(known.Key, table.Key) {
		c.add("", Refused, "the table is keyed by (%s) and the contract says (%s): keep the key, or use another x-table",
			strings.Join(known.Key, ", "), strings.Join(table.Key, ", "))
		return
	}
	if found.Kind != kindOf(table.Mode) {
		c.add("", Refused, "the table was replaced by another kind of relation: rename that one")
	}
	if want := KeyColumns(table); !slices.Equal(found.Key, want) {
		c.add("", Refused, "the table's primary key is (%s) and must be (%s): restore it", strings.Join(found.Key, ", "), strings.Join(want, ", "))
	}
}

// kindOf is the pg_class.relkind of a table that a migration makes.
func kindOf(mode contract.Mode) string {
	if mode == contract.Upsert {
		return "r"
	}
	return "p"
}

// wantedColumns compares the columns that a row has.
func (c *comparison) wantedColumns() {
	for _, want := range c.table.Columns {
		registered, isRegistered := c.database.Table.Column(want.Name)
		actual, exists := c.database.Found.Column(want.Name)
		switch {
		case !exists && isRegistered:
			c.add(want.Name, Refused, "is in the contract but was dropped from the table: run alter table %s add column %s",
				sqltext.Table(c.table), definition(want))
		case !exists && want.Required:
			c.add(want.Name, Refused, "is new and required, but the rows that are there have no value for it: make it optional in the contract")
		case !exists:
			c.add(want.Name, Migrates, "is in the contract but not in the table: run sqs2pg migrate")
		default:
			c.column(want, actual, registered.Required)
			if !isRegistered {
				c.add(want.Name, Migrates, "was added to the table by hand: run sqs2pg migrate, so that its mask is known")
			} else {
				c.masks(want)
				c.token(want, registered)
			}
		}
	}
	for _, want := range c.table.Reserved() {
		if actual, exists := c.database.Found.Column(want.Name); exists {
			c.column(want, actual, true)
		} else {
			c.add(want.Name, Refused, "was dropped from the table: run alter table %s add column %s", sqltext.Table(c.table), definition(want))
		}
	}
}

// token compares what makes equal values equal.
func (c *comparison) token(want contract.Column, registered Column) {
	if token := tokenOf(want); token != "" && registered.Token != "" && token != registered.Token {
		c.add(want.Name, Refused, "holds tokens of %s and the contract makes tokens of %s, so equal values would differ: "+
			"keep the domain (x-domain, or the property's name) and the format, or use another x-column", registered.Token, token)
	}
}

// tokenOf describes the tokens of a column: "domain ip, form ip".
func tokenOf(c contract.Column) string {
	if c.Mask != mask.Token {
		return ""
	}
	if c.Form == "" {
		return "domain " + c.Domain
	}
	return "domain " + c.Domain + ", form " + c.Form
}

func holds(registeredMask string) string {
	if registeredMask == mask.None.String() {
		return "holds values as they were sent"
	}
	return "holds values masked by " + registeredMask
}

// column compares a column that is there by type and nullability. A column that was required when
// it was migrated may be null for the sake of older rows, which is not worth a word.
func (c *comparison) column(want contract.Column, actual ActualColumn, wasRequired bool) {
	switch {
	case actual.Type != typeName(want.Type):
		c.add(want.Name, Refused, "is %s in the table and %s in the contract: keep the type, or use another x-column for the new one",
			actual.Type, typeName(want.Type))
	case !want.Required && actual.NotNull:
		c.add(want.Name, Refused, "is not null in the table but optional in the contract: keep it required, or run alter table %s alter column %s drop not null",
			sqltext.Table(c.table), sqltext.Name(want.Name))
	case want.Required && !actual.NotNull && !wasRequired:
		c.add(want.Name, Tolerated, "is required in the contract but may be null in the table: to change that, fill it and run alter table %s alter column %s set not null",
			sqltext.Table(c.table), sqltext.Name(want.Name))
	}
}

// otherColumns are in the table but not in the contract: a newer contract's, or an administrator's.
func (c *comparison) otherColumns() {
	for _, actual := range c.database.Found.Columns {
		if isNamed(actual.Name, c.table.Columns) || isNamed(actual.Name, c.table.Reserved()) {
			continue
		}
		_, registered := c.database.Table.Column(actual.Name)
		switch {
		case actual.NotNull && !actual.Filled && registered:
			c.add(actual.Name, Refused, "is not null in the table but no longer in the contract: put it back, or run alter table %s alter column %s drop not null",
				sqltext.Table(c.table), sqltext.Name(actual.Name))
		case actual.NotNull && !actual.Filled:
			c.add(actual.Name, Refused, "was added by hand as not null without a default, so no row can be written: give it a default")
		case registered:
			c.add(actual.Name, Tolerated, "is in the table but not in this contract: rows of this contract leave it empty")
		}
	}
}

func isNamed(name string, columns []contract.Column) bool {
	return slices.ContainsFunc(columns, func(c contract.Column) bool { return c.Name == name })
}

// KeyColumns are those of the table's primary key.
func KeyColumns(table contract.Table) []string {
	if table.Mode == contract.Upsert {
		return table.Key
	}
	return []string{contract.SentAt, contract.EventID}
}

// typeName is the type as format_type prints it.
func typeName(t contract.Type) string {
	if t == contract.Timestamptz {
		return "timestamp with time zone"
	}
	return t.String()
}

func definition(c contract.Column) string { return sqltext.Name(c.Name) + " " + c.Type.String() }
