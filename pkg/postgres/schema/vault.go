package schema

import (
	"context"
	"fmt"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/sqltext"
	"sqs2pg/pkg/vault"
)

// vaultDDL returns the SQL that makes the table of the sealed values, "" for a contract without
// x-recover. It is partitioned as the contract's table. The writer can add rows, and nobody else can
// do anything; see sqs2pg.fetch. In upsert mode the subject stands beside the seal, because the row
// may be about another event already.
func vaultDDL(table contract.Table) string {
	if !table.HasVault() {
		return ""
	}
	schema, name := table.Vault()
	quoted, more, end := sqltext.Name(schema, name), "", ""
	if table.Mode == contract.Upsert {
		more = "  subject text,\n"
	} else {
		end = " partition by range (sent_at)"
	}
	text := fmt.Sprintf("create table %s (\n  sent_at timestamptz not null,\n  event_id uuid not null,\n  session uuid not null,\n  sealed bytea not null,\n%s  constraint %s primary key (sent_at, event_id)\n)%s;\n",
		quoted, more, sqltext.Name(name+"_pkey"), end)
	text += fmt.Sprintf("alter table %s alter column sealed set storage external;\n", quoted) // it cannot be compressed
	text += fmt.Sprintf("comment on table %s is %s;\n", quoted, sqltext.Literal("What can be recovered of the events in "+table.FullName()+", sealed."))
	text += fmt.Sprintf("grant insert on %s to %s;\n", quoted, writer)
	if schema != "sqs2pg_vault" { // a migration has made that one
		text = fmt.Sprintf("create schema if not exists %s;\ngrant usage on schema %[1]s to %s;\n", sqltext.Name(schema), writer) + text
	}
	return text
}

// guardDDL returns the SQL that makes a guarded table refuse rows of transactions that have not
// entered it, "" for other tables.
func guardDDL(table contract.Table) string {
	if !table.Guarded() {
		return ""
	}
	return fmt.Sprintf("select sqs2pg.guard(%s);\n", sqltext.Literal(sqltext.Table(table)))
}

// vaultName is the name of the vault table for people.
func vaultName(table contract.Table) string {
	schema, name := table.Vault()
	return schema + "." + name
}

// Recipient is a public key that values are sealed for.
type Recipient struct {
	ID, KEM, PublicKey string // as package vault gives them
	Locator            string // where the private key is: the ARN of a KMS key; "" for a key in a file
}

// RecipientOf is the recipient with this public key, whose private key is at the locator. The zero key
// makes the zero Recipient.
func RecipientOf(key vault.PublicKey, locator string) Recipient {
	if key.IsZero() {
		return Recipient{}
	}
	return Recipient{ID: key.ID(), KEM: key.KEM(), PublicKey: key.String(), Locator: locator}
}

// Register adds a recipient, so that writers may seal for it, and reports whether it was new. Of a
// recipient that is there only the locator is changed. Call it after Apply, with the rights of the
// database's owner. It is safe to call again and concurrently. Its error is a
// *postgres.Unavailable.
func Register(ctx context.Context, pool *postgres.Pool, r Recipient) (added bool, err error) {
	err = pool.Pgx().QueryRow(ctx, `
		insert into sqs2pg_vault.recipients as known (id, kem, public_key, locator) values ($1, $2, $3, $4)
		on conflict on constraint recipients_pkey do update set locator = excluded.locator
		returning xmax = 0`, r.ID, r.KEM, r.PublicKey, r.Locator).Scan(&added)
	if err != nil {
		return false, fmt.Errorf("the vault's public key: %w", safe(err))
	}
	return added, nil
}
