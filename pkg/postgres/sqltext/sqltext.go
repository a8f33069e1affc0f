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

// Vault is the quoted name of the table with what is sealed of a contract's rows.
func Vault(t contract.Table) string { return Name(t.Vault()) }

// What the vault holds of an event besides its key, as a batch names it: no column of a contract has
// a capital in its name.
const (
	Session = `"Session"` // that has sealed
	Sealed  = `"Sealed"`
	Subject = `"Subject"` // in upsert mode: the token of whom the event is about
)

// Batch lists what a statement is given of each event besides the columns of the contract.
func Batch(t contract.Table) []string {
	list := []string{contract.SentAt, contract.EventID}
	if t.Mode == contract.Upsert {
		list = append(list, contract.EventVersion)
	}
	return append(list, sealed(t)...)
}

// sealed lists what the vault holds of an event besides its key.
func sealed(t contract.Table) []string {
	switch {
	case !t.HasVault():
		return nil
	case t.Mode == contract.Upsert:
		return []string{Session, Sealed, Subject}
	}
	return []string{Session, Sealed}
}

// Insert is the INSERT that writes a batch. arrays are its parameters, with one array for each
// column of the contract and of Batch. The epoch of a guarded table is one more parameter.
func Insert(t contract.Table, arrays []string) string {
	if t.Mode == contract.Upsert {
		return upsert(t, arrays)
	}
	batch := fmt.Sprintf("unnest(%s) as batch (%s)%s", strings.Join(arrays, ", "), strings.Join(append(names(t), Batch(t)...), ", "), where(t, arrays))
	begin := ""
	if t.HasVault() {
		begin = fmt.Sprintf("with batch as (\n  select * from %s\n), vault as (\n%s\n)\n", batch, seal(t, "batch"))
		batch = "batch"
	}
	return fmt.Sprintf(`%sinsert into %s (%s)
select %s, (sent_at at time zone 'UTC')::date, sent_at, event_id
from %s
on conflict (sent_at, event_id) do nothing`,
		begin, Table(t), strings.Join(written(t), ", "), strings.Join(names(t), ", "), batch)
}

// where lets no row of a guarded table through unless sqs2pg.enter does. Postgres calls it once, and
// also if there are no rows.
func where(t contract.Table, arrays []string) string {
	if !t.Guarded() {
		return ""
	}
	return fmt.Sprintf(" where (select %s)", enter(t, fmt.Sprintf("$%d::bigint", len(arrays)+1)))
}

// enter calls sqs2pg.enter, which returns true, or fails if the table has another epoch.
func enter(t contract.Table, epoch string) string {
	return fmt.Sprintf("sqs2pg.enter(%s::regclass, %s)", Literal(Table(t)), epoch)
}

// seal writes what is sealed of events. Without a target, ON CONFLICT needs no right to read.
func seal(t contract.Table, from string) string {
	columns := strings.Join(append([]string{contract.SentAt, contract.EventID}, sealed(t)...), ", ")
	return fmt.Sprintf("  insert into %s (%s)\n  select %s from %s where %s is not null\n  on conflict do nothing",
		Vault(t), strings.ToLower(columns), columns, from, Sealed)
}

// upsert changes a row only if the event's version is greater: sent_at, then event_version, and
// event_id where that is null. So any order and any repetition of deliveries ends in the same row.
// Of the events that it has written it adds what is sealed. It never changes what was sealed before:
// that of older events is found by nobody, and maintenance removes it.
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
	returning, vault := "1", ""
	if t.HasVault() {
		returning = "target.sent_at, target.event_id"
		vault = fmt.Sprintf(", vault as (\n%s\n)", seal(t, "batch join written using (sent_at, event_id)"))
	}
	return fmt.Sprintf(`with batch as (
  select * from unnest(%[1]s) as b (%[2]s, %[8]s)%[9]s
), written as (
  insert into %[3]s as target (%[4]s)
  select %[2]s, (sent_at at time zone 'UTC')::date, sent_at, event_id, event_version from batch
  on conflict (%[5]s) do update set %[6]s
  where (excluded.sent_at, coalesce(excluded.event_version, excluded.event_id)) > (target.sent_at, coalesce(target.event_version, target.event_id))
  returning %[10]s
)%[11]s
select w.n, case when w.n < cardinality($1) then (
  select count(*) from batch b where (
    select t.sent_at = b.sent_at and coalesce(t.event_version, t.event_id) = coalesce(b.event_version, b.event_id)
    from %[3]s t where %[7]s)
) else 0 end
from (select count(*) as n from written) w`,
		strings.Join(arrays, ", "), strings.Join(names(t), ", "), Table(t), strings.Join(written(t), ", "),
		strings.Join(key, ", "), strings.Join(sets, ", "), strings.Join(same, " and "),
		strings.Join(Batch(t), ", "), where(t, arrays), returning, vault)
}

// Copy is the COPY of a batch, behind an INSERT of no rows that fails if the table lost its key, and
// for a guarded table if its epoch is another one. With a vault the transaction stays open for
// CopySealed.
func Copy(t contract.Table, epoch int64) string {
	begin, never := "", "false"
	if t.Guarded() {
		never = fmt.Sprintf("not (select %s)", enter(t, fmt.Sprint(epoch)))
	}
	if t.HasVault() {
		begin = "begin;\n"
	}
	return fmt.Sprintf(`%sinsert into %s (sent_at, event_id) select null, null where %s on conflict (sent_at, event_id) do nothing;
copy %[2]s (%[4]s) from stdin (format binary)`, begin, Table(t), never, strings.Join(written(t), ", "))
}

// CopySealed is the COPY of what is sealed, and the commit of both.
func CopySealed(t contract.Table) string {
	return fmt.Sprintf("copy %s (sent_at, event_id, session, sealed) from stdin (format binary);\ncommit", Vault(t))
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
