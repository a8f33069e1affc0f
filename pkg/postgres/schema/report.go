package schema

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Report says what Apply did; it is zero if everything was there. Tables and partitions are named schema.name, columns
// schema.table.column.
type Report struct {
	Migrations   []string // SQL files that were run
	Created      []string // tables
	AddedColumns []string // of contracts that have grown
	TakenOver    []TakeOver
	Partitions   []string // made ahead
	Tolerated    []string // differences that were left, because rows can be written: "schema.table: column ..."
}

// TakeOver is a table that was there before its contract.
type TakeOver struct {
	Table    string
	Rows     int64    // all that there were
	Nullable []string // columns that the contract requires, but that stay without NOT NULL because old rows lack them
	Dropped  []string // definitions of indexes and constraints that went with the old table; make them again if they are needed
}

// String is a line for each thing done, for people; "nothing to do" if there was none.
func (r Report) String() string {
	var lines []string
	add := func(verb string, names []string) {
		for _, name := range names {
			lines = append(lines, verb+" "+name)
		}
	}
	add("migrated", r.Migrations)
	add("created table", r.Created)
	for _, t := range r.TakenOver {
		lines = append(lines, fmt.Sprintf("took over table %s with its %d rows", t.Table, t.Rows))
		add("  left nullable, because old rows have none:", t.Nullable)
		add("  not carried over:", t.Dropped)
	}
	add("added column", r.AddedColumns)
	add("left as it is:", r.Tolerated)
	if n := len(r.Partitions); n > 0 {
		lines = append(lines, fmt.Sprintf("created %d partitions, %s to %s", n, r.Partitions[0], r.Partitions[n-1]))
	}
	if len(lines) == 0 {
		return "nothing to do"
	}
	return strings.Join(lines, "\n")
}

// databaseError is an error of Postgres without what may hold a row: its DETAIL, and the message where the fault is in a
// value (classes 22 and 23).
type databaseError struct {
	cause *pgconn.PgError
}

func (e *databaseError) Error() string {
	text := e.cause.Message
	switch {
	case strings.HasPrefix(e.cause.Code, "22"), strings.HasPrefix(e.cause.Code, "23"):
		text = "a row was refused"
	case e.cause.Code == "55P03":
		text = "a lock on the table was not free in 10 s: end the long transactions on it, then run it again"
	case e.cause.Code == "42501" && e.cause.Hint == "":
		text += ": run it as the owner of the database and the table"
	case e.cause.Hint != "":
		text += ": " + e.cause.Hint
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", text, e.cause.Code)
}

// describe makes an error of Postgres fit to be shown. What was wrapped around it is kept only if it comes from outside.
func describe(err error) error {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	return &databaseError{cause: pgErr}
}
