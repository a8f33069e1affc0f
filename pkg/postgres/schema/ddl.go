package schema

import (
	"fmt"
	"slices"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/sqltext"
)

const (
	writer  = "sqs2pg_writer"
	readers = "sqs2pg_reader, sqs2pg_revealer" // analysts, and who looks for rows to reveal
)

// DDL returns the SQL that makes the table of a contract and its vault table, with comments and the
// privileges of our roles. Apply runs it if the table does not exist. Each statement ends with a
// semicolon and a newline.
func DDL(table contract.Table) string {
	return createTable(table, nil, primaryKey(table)) + comments(table) + grants(table) + vaultDDL(table) + guardDDL(table)
}

// createTable returns the CREATE TABLE. The columns in nullable get no NOT NULL. key is the line of
// the primary key, or "" for none.
func createTable(table contract.Table, nullable []string, key string) string {
	var lines []string
	for _, column := range table.Columns {
		column.Required = column.Required && !slices.Contains(nullable, column.Name)
		lines = append(lines, columnDefinition(sqltext.Name(column.Name), column))
	}
	for _, column := range table.Reserved() {
		lines = append(lines, columnDefinition(column.Name, column))
	}
	if key != "" {
		lines = append(lines, key)
	}
	end := ""
	if table.Mode == contract.Insert {
		end = " partition by range (sent_at)"
	}
	return fmt.Sprintf("create table %s (\n  %s\n)%s;\n", sqltext.Table(table), strings.Join(lines, ",\n  "), end)
}

func columnDefinition(name string, c contract.Column) string {
	definition := name + " " + c.Type.String()
	if c.Required {
		definition += " not null"
	}
	return definition
}

// primaryKey returns the constraint, which is (sent_at, event_id) in insert mode. The key must
// contain the partition column. The time comes first, so the index grows at its end.
func primaryKey(table contract.Table) string {
	return fmt.Sprintf("constraint %s primary key (%s)", sqltext.Name(table.Name+"_pkey"), strings.Join(quoteAll(registry.KeyColumns(table)), ", "))
}

func comments(table contract.Table) string {
	kept := "one row per event"
	if table.Mode == contract.Upsert {
		kept = "the newest event per key"
	}
	text := fmt.Sprintf("comment on table %s is %s;\n", sqltext.Table(table), sqltext.Literal("Loaded by sqs2pg: "+kept+"."))
	for _, c := range table.Columns {
		text += columnComment(table, c)
	}
	for _, reserved := range table.Reserved() {
		text += comment(table, reserved.Name, reservedComments[reserved.Name])
	}
	return text
}

var reservedComments = map[string]string{
	contract.CreateDate:   "UTC date of sent_at.",
	contract.SentAt:       "When the event was sent to the queue.",
	contract.EventID:      "Identifies the event over every redelivery.",
	contract.EventVersion: "Of two events of the same sent_at the greater is newer: the sequence number of a FIFO queue; null means event_id.",
}

func columnComment(table contract.Table, c contract.Column) string {
	text := stored(c)
	switch recovered := slices.Contains(table.Recover, c.Path); {
	case recovered && c.Mask == mask.Drop:
		text = "sealed as it was sent, and not stored here"
	case recovered:
		text += ", and sealed as it was sent"
	}
	if c.Name == table.Subject {
		text += "; the subject"
	}
	return comment(table, c.Name, c.Path+" of the event, "+text+".")
}

func stored(c contract.Column) string {
	masked := func(i contract.Inside) bool { return i.Mask != mask.None.String() }
	switch {
	case c.Mask == mask.None && slices.ContainsFunc(c.Inside, masked):
		return "with masks inside"
	case c.Mask == mask.None:
		return "as it was sent"
	case c.Mask == mask.Drop:
		return "never stored"
	default:
		return "masked: " + c.Mask.String()
	}
}

func comment(table contract.Table, column, text string) string {
	return fmt.Sprintf("comment on column %s.%s is %s;\n", sqltext.Table(table), sqltext.Name(column), sqltext.Literal(text))
}

// grants returns the privileges that the writer's statement needs, and no others, and those of the
// readers. ON CONFLICT reads the columns of its key. DO UPDATE needs SELECT on every column that it
// takes from excluded, so the writer of an upsert table can read that table.
// See https://www.postgresql.org/docs/current/sql-insert.html, "Description".
func grants(table contract.Table) string {
	privileges := "insert, select (sent_at, event_id)"
	if table.Mode == contract.Upsert {
		privileges = "insert, select, update"
	}
	return fmt.Sprintf("grant usage on schema %s to %s, %s;\n", sqltext.Name(table.Schema), writer, readers) +
		fmt.Sprintf("grant %s on %s to %s;\n", privileges, sqltext.Table(table), writer) +
		fmt.Sprintf("grant select on %s to %s;\n", sqltext.Table(table), readers)
}

func quoteAll(names []string) []string {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, sqltext.Name(name))
	}
	return quoted
}
