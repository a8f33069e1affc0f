package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/plan"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/sqltext"
)

// Change is what becomes of the table of one contract when another contract takes its place.
type Change struct {
	Migration plan.Steps            // what migrate would run; nothing if it would refuse
	Refused   []registry.Difference // why migrate would refuse
	Tolerated []registry.Difference // left as they are
	Ways      []Way                 // to what is refused of columns
}

// Way are the steps by which a column can have another type or mask.
type Way struct {
	Column string
	Steps  []string // for people; SQL ends with a semicolon
}

// ChangeOf compares two contracts as migrate does, without a database: it takes for granted that
// the table is as the old contract's migration made it.
func ChangeOf(old, next contract.Table) (Change, error) {
	var change Change
	if old.FullName() != next.FullName() {
		change.Migration.Note(next.FullName() + " is another table; " + old.FullName() + " stays as it is")
		change.Migration.Add(DDL(next))
		return change, nil
	}
	database := registry.MigratedBy(old)
	for _, d := range database.Compare(next) {
		switch d.Effect {
		case registry.Refused:
			change.Refused = append(change.Refused, d)
		case registry.Tolerated:
			change.Tolerated = append(change.Tolerated, d)
		}
	}
	if len(change.Refused) > 0 {
		change.Ways = ways(old, next, change.Refused)
		return change, nil
	}
	var recorder plan.Recorder
	err := alter(context.Background(), &recorder, next, &database, new(Report))
	change.Migration = recorder.Steps
	return change, err
}

// ways are for the columns that hold something else by the next contract.
func ways(old, next contract.Table, refused []registry.Difference) (all []Way) {
	for _, d := range refused {
		name, _, _ := strings.Cut(d.Column, ".") // also of a value inside of a column
		had, has := columnOf(old, name), columnOf(next, name)
		isKnown := slices.ContainsFunc(all, func(w Way) bool { return w.Column == name })
		if had != nil && has != nil && !isKnown && !holdTheSame(*had, *has) {
			all = append(all, Way{name, way(old, *had, *has)})
		}
	}
	return all
}

func columnOf(table contract.Table, name string) *contract.Column {
	i := slices.IndexFunc(table.Columns, func(c contract.Column) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &table.Columns[i]
}

// holdTheSame reports whether a value is stored alike by both columns.
func holdTheSame(a, b contract.Column) bool {
	return a.Type == b.Type && a.Mask == b.Mask && a.Domain == b.Domain && a.Form == b.Form && slices.Equal(a.Inside, b.Inside)
}

// way is a new column, and the end of the old one.
func way(table contract.Table, had, has contract.Column) (steps []string) {
	other := freeName(table, had.Name)
	first := fmt.Sprintf(`give %s another column in the new contract: "x-column": %q`, has.Path, other)
	if has.Required {
		first += `; leave it out of "required", since the rows that are there have no value for it`
	}
	steps = append(steps, first)
	if had.Required {
		steps = append(steps, fmt.Sprintf("alter table %s alter column %s drop not null;", sqltext.Table(table), sqltext.Name(had.Name)))
	}
	steps = append(steps, "run sqs2pg migrate with the new contract, then deploy it")
	if onlyTypeDiffers := had.Mask == has.Mask && had.Type != has.Type; onlyTypeDiffers {
		steps = append(steps, entering(table, fmt.Sprintf("update %s set %s = %s::%s where %[2]s is null;", sqltext.Table(table), sqltext.Name(other), sqltext.Name(had.Name), has.Type)))
	} else {
		steps = append(steps, fmt.Sprintf("the old rows have no %s: a mask cannot be undone or made anew from another", other))
	}
	return append(steps, fmt.Sprintf("once no function runs the old contract: alter table %s drop column %s;", sqltext.Table(table), sqltext.Name(had.Name)))
}

// entering puts a statement by hand into a transaction that a guarded table takes.
func entering(table contract.Table, sql string) string {
	if !table.Guarded() {
		return sql
	}
	return fmt.Sprintf("begin; select sqs2pg.enter(%s, (select epoch from sqs2pg.tables where table_schema = %s and table_name = %s)); %s commit;",
		sqltext.Literal(sqltext.Table(table)), sqltext.Literal(table.Schema), sqltext.Literal(table.Name), sql)
}

// freeName is the name with a number that no column has.
func freeName(table contract.Table, name string) string {
	for n := 2; ; n++ {
		if free := fmt.Sprintf("%s_%d", name, n); columnOf(table, free) == nil {
			return free
		}
	}
}
