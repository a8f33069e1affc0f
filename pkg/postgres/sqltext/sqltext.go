// Package sqltext is the text of the writer's statements, and how names and strings are written in
// SQL.
package sqltext

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
)

// Name quotes an identifier, or several that are joined by dots.
func Name(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// Table is the quoted name of a contract's table, with its schema.
func Table(t contract.Table) string { return Name(t.Schema, t.Name) }

// Literal is a string constant. A backslash needs no escape, because standard_conforming_strings is
// on since Postgres 9.1.
func Literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// Insert is the INSERT that writes a batch. arrays are its parameters, with one array for each
// column of the contract, for sent_at and event_id, and in upsert mode for event_version.
func Insert(t contract.Table, arrays []string) string {
	if t.Mode == contract.Upsert {
		return upsert(t, arrays)
	}
	return fmt.Sprintf(`insert into %s (%s)
select %s, (sent_at at time zone 'UTC')::date, sent_at, event_id
from unnest(%s) as batch (%[3]s, sent_at, event_id)
on conflict (sent_at, event_id) do nothing`,
		Table(t), strings.Join(written(t), ", "), strings.Join(names(t), ", "), strings.Join(arrays, ", "))
}

// upsert changes a row only if the event's version is greater: sent_at, then event_version, and
// event_id where that is null. So any order and any repetition of deliveries ends in the same row.
//
// It returns how many rows it has written, and how many of the others were in the table already. It
// only looks for these if some were not written.
func upsert(t contract.Table, arrays []string) string {
	var key, same, sets []string
	for _, column := range t.Key {
		key = append(key, Name(column))
		same = append(same, "t."+Name(column)+" = b."+Name(column))
	}
	for _, name := range written(t) {
		sets = append(sets, name+" = excluded."+name)
	}
	return fmt.Sprintf(`with batch as (
  select * from unnest(%[1]s) as b (%[2]s, sent_at, event_id, event_version)
), written as (
  insert into %[3]s as target (%[4]s)
  select %[2]s, (sent_at at time zone 'UTC')::date, sent_at, event_id, event_version from batch
  on conflict (%[5]s) do update set %[6]s
  where (excluded.sent_at, coalesce(excluded.event_version, excluded.event_id)) > (target.sent_at, coalesce(target.event_version, target.event_id))
  returning 1
)
select w.n, case when w.n < cardinality($1) then (
  select count(*) from batch b where (
    select t.sent_at = b.sent_at and coalesce(t.event_version, t.event_id) = coalesce(b.event_version, b.event_id)
    from %[3]s t where %[7]s)
) else 0 end
from (select count(*) as n from written) w`,
		strings.Join(arrays, ", "), strings.Join(names(t), ", "), Table(t), strings.Join(written(t), ", "),
		strings.Join(key, ", "), strings.Join(sets, ", "), strings.Join(same, " and "))
}

// Copy is the COPY of a batch, behind an INSERT of no rows that fails if the table lost its key.
func Copy(t contract.Table) string {
	return fmt.Sprintf(`insert into %s (sent_at, event_id) select null, null where false on conflict (sent_at, event_id) do nothing;
copy %[1]s (%s) from stdin (format binary)`, Table(t), strings.Join(written(t), ", "))
}

// names are the contract's columns.
func names(t contract.Table) (list []string) {
	for _, c := range t.Columns {
		list = append(list, Name(c.Name))
	}
	return list
}

// written are all columns that a statement writes.
func written(t contract.Table) []string {
	list := names(t)
	for _, c := range t.Reserved() {
		list = append(list, c.Name)
	}
	return list
}
