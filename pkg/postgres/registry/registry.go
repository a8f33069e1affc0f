// Package registry is what a database knows of the tables and masking keys that it was loaded with:
// for each table the columns with their types and masks as they were last migrated, and for each
// key id a fingerprint of the key.
//
// People make mistakes: a contract loses a mask, a keyring is copied wrongly, a column was never
// migrated. The function, the local invoker and the doctor compare their contract and keyring with
// the registry before the first row is written, and refuse by the same code (see [Compare] and
// [Gate]). Package schema writes the registry when it migrates. This package is apart from it
// because a function must not carry the migration library.
package registry

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/message"
)

// Database is what one database knows of one table. Its zero value is a database that was never
// migrated.
type Database struct {
	Migrated bool          // by this release: the registry and the functions are there
	Table    *Registration // nil: the table was never migrated
	Found    *Relation     // nil: there is no relation of that name
	Vault    *Relation     // the table of sealed values; nil: there is none
	Keys     []Key         // by which tokens in the database were made, sorted by id

	Recipients []Recipient // that values may be sealed for, sorted by id
	Erasures   []Erasure   // of whom nothing older is written

	// Unconfirmed are tables with tokens of a release that kept no fingerprints. While there are
	// any, no key can be registered.
	Unconfirmed []Unconfirmed

	User  string   // who asks
	Lacks []string // the rights that writing to the table needs and User does not have
}

// Unconfirmed is a table whose tokens were made by a key that nobody has confirmed.
type Unconfirmed struct {
	Table string // schema.table
	KeyID string // of one token
}

// Registration is a table's row in sqs2pg.tables: its contract as it was last migrated.
type Registration struct {
	Mode     string
	Key      []string
	Columns  []Column
	Width    string // of new partitions: day or month
	Window   Window
	Epoch    int64  // raised by every change
	TokenKey string // the key id that an upsert table keyed by a token is tied to; "" for none

	Recovered []string // the paths of the properties that are sealed; nil for none
	Subject   string   // the column that says whom an event is about; "" for none
	VaultDays int      // how many days old an event may be to be sealed: at most Window.Days
}

// Window is which events a table takes by their time.
type Window struct {
	Days    int // how many days old an event may be: the retention, or five years if everything is kept
	Minutes int // how many minutes ahead its time may be
}

// At is the window at a moment.
func (w Window) At(now time.Time) message.Window {
	return message.Window{Oldest: now.AddDate(0, 0, -w.Days), Newest: now.Add(time.Duration(w.Minutes) * time.Minute)}
}

// Recipient is a public key that values may be sealed for.
type Recipient struct {
	ID    string // of the public key, as in package vault
	State string // active, or revoked: then nothing more is sealed for it
}

// Erasure says that what was sent about a person before a moment is erased.
type Erasure struct {
	KeyID   string // of the masking key that made Subject
	Subject string // token of the person
	Before  time.Time
}

// Column is a contract's column as it was last migrated.
type Column struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Mask     string `json:"mask"`
	// Token is the domain and the canonical form of a column's tokens: equal values have equal
	// tokens only while both stay. It is "" without a token, and in a table that was last migrated by
	// a release that did not keep it.
	Token string `json:"token,omitempty"`
}

// Key is a masking key by which tokens in the database were made.
type Key struct{ ID, Fingerprint string }

// Relation is what has the table's name in the catalog.
type Relation struct {
	OID     uint32
	Kind    string // pg_class.relkind: r is a plain table, p a partitioned one
	Key     []string
	Guarded bool // refuses rows of transactions that have not entered it
	Columns []ActualColumn
}

// ActualColumn is a column as the catalog has it.
type ActualColumn struct {
	Name    string
	Type    string // as format_type prints it
	NotNull bool
	Filled  bool // has a default, is an identity, or is generated
}

// Column finds a registered column by name.
func (r *Registration) Column(name string) (Column, bool) {
	i := slices.IndexFunc(r.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return r.Columns[i], true
}

// Column finds an actual column by name.
func (r *Relation) Column(name string) (ActualColumn, bool) {
	i := slices.IndexFunc(r.Columns, func(c ActualColumn) bool { return c.Name == name })
	if i < 0 {
		return ActualColumn{}, false
	}
	return r.Columns[i], true
}

// Querier is a connection or a transaction.
type Querier interface {
	SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
}

// Read asks the catalog and then the registry, in a round trip each, and changes nothing. The
// writer's rights suffice. The error is Postgres's own.
func Read(ctx context.Context, q Querier, table contract.Table) (Database, error) {
	var d Database
	var catalog pgx.Batch
	var keepsKeys bool
	catalog.Queue(migratedSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&d.Migrated, &keepsKeys) })
	queueRelation(&catalog, table.Schema, table.Name, &d.Found)
	vaultSchema, vaultName := table.Vault()
	queueRelation(&catalog, vaultSchema, vaultName, &d.Vault)
	catalog.Queue(rightsSQL, table.Schema, table.Name, table.Mode == contract.Upsert, calls(table), vaultSchema, vaultName, table.HasVault()).
		QueryRow(func(row pgx.Row) error { return row.Scan(&d.User, &d.Lacks) })
	if err := q.SendBatch(ctx, &catalog).Close(); err != nil || !keepsKeys {
		return d, err
	}
	var registry pgx.Batch
	if d.Migrated {
		registry.Queue(registrationSQL, table.Schema, table.Name).Query(d.readRegistration)
		if table.HasVault() && len(d.Lacks) == 0 {
			registry.Queue("select id, state from sqs2pg_vault.recipients order by id").Query(collect(&d.Recipients, pgx.RowToStructByPos[Recipient]))
		}
		if table.Subject != "" && len(d.Lacks) == 0 {
			registry.Queue("select key_id, subject, before from sqs2pg.list_erasures()").Query(collect(&d.Erasures, pgx.RowToStructByPos[Erasure]))
		}
	}
	registry.Queue("select key_id, fingerprint from sqs2pg.keys order by key_id").Query(collect(&d.Keys, pgx.RowToStructByPos[Key]))
	registry.Queue("select table_schema || '.' || table_name, unconfirmed_key from sqs2pg.tables where unconfirmed_key is not null order by 1").
		Query(collect(&d.Unconfirmed, pgx.RowToStructByPos[Unconfirmed]))
	return d, q.SendBatch(ctx, &registry).Close()
}

// collect reads all rows of a query into list.
func collect[T any](list *[]T, row pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*list, err = pgx.CollectRows(rows, row)
		return err
	}
}

// Everybody may read the catalog. A role without rights can therefore see whether the database was
// migrated by this release, and whether it keeps masking keys, as it does since the release before.
const migratedSQL = `
	select exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
	  where n.nspname = 'sqs2pg' and p.proname = 'enter'),
	exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
	  where n.nspname = 'sqs2pg' and c.relname = 'keys')`

// What the writer's statements need: see the grants that a migration makes. The list is empty if
// the table does not exist.
const rightsSQL = `
	select current_user::text, coalesce((
	  select array_remove(array[
	    case when not has_schema_privilege(n.oid, 'usage') then 'usage on its schema' end,
	    case when not has_any_column_privilege(c.oid, 'insert') then 'insert' end,
	    case when not has_any_column_privilege(c.oid, 'select') then 'select' end,
	    case when $3 and not has_any_column_privilege(c.oid, 'update') then 'update' end], null)
	  from pg_class c join pg_namespace n on n.oid = c.relnamespace
	  where n.nspname = $1 and c.relname = $2), '{}')
	|| array(
	  select 'execute on sqs2pg.' || p.proname
	  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
	  where n.nspname = 'sqs2pg' and p.proname = any ($4::text[]) and to_regclass(format('%I.%I', $1, $2)) is not null
	    and not (has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')) order by 1)
	|| array(
	  select right_name || ' on ' || n.nspname || '.' || c.relname
	  from (values ($5, $6, 'insert'), ('sqs2pg_vault', 'sessions', 'insert'), ('sqs2pg_vault', 'recipients', 'select')) as needed (schema_name, table_name, right_name)
	  join pg_namespace n on n.nspname = schema_name join pg_class c on c.relname = table_name and c.relnamespace = n.oid
	  where $7 and not (has_schema_privilege(n.oid, 'usage') and has_any_column_privilege(c.oid, right_name)) order by 1)`

// calls are the functions that the writer calls for a table.
func calls(table contract.Table) (names []string) {
	if table.Mode == contract.Insert {
		names = append(names, "ensure_partitions")
	}
	if table.Guarded() {
		names = append(names, "enter")
	}
	if table.Subject != "" {
		names = append(names, "list_erasures")
	}
	return names
}

const registrationSQL = `
	select mode, key_columns, columns, partition_width, window_days, ahead_minutes, epoch, coalesce(token_key, ''),
	  recovered, coalesce(subject, ''), vault_days
	from sqs2pg.tables where table_schema = $1 and table_name = $2`

func (d *Database) readRegistration(rows pgx.Rows) error {
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Registration, error) {
		var r Registration
		return &r, row.Scan(&r.Mode, &r.Key, &r.Columns, &r.Width, &r.Window.Days, &r.Window.Minutes, &r.Epoch, &r.TokenKey,
			&r.Recovered, &r.Subject, &r.VaultDays)
	})
	if err == nil && len(found) > 0 {
		d.Table = found[0]
	}
	return err
}

// queueRelation leaves found as it is if the name is free.
func queueRelation(b *pgx.Batch, schema, name string, found **Relation) {
	b.Queue(relationSQL, schema, name).Query(func(rows pgx.Rows) error {
		relations, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Relation, error) {
			var r Relation
			return &r, row.Scan(&r.OID, &r.Kind, &r.Key, &r.Guarded)
		})
		if err == nil && len(relations) > 0 {
			*found = relations[0]
		}
		return err
	})
	b.Queue(columnsSQL, schema, name).Query(func(rows pgx.Rows) error {
		columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ActualColumn])
		if err == nil && *found != nil {
			(*found).Columns = columns
		}
		return err
	})
}

const relationSQL = `
	select c.oid, c.relkind::text, array(
	  select a.attname::text from pg_index i, unnest(i.indkey) with ordinality as k (attnum, place), pg_attribute a
	  where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.attnum order by k.place),
	  exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'sqs2pg_guard' and t.tgenabled in ('O', 'A'))
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where n.nspname = $1 and c.relname = $2`

const columnsSQL = `
	select a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
	  a.atthasdef or a.attidentity <> '' or a.attgenerated <> ''
	from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
	where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped order by a.attnum`
