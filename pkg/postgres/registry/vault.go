package registry

import (
	"slices"
	"strings"

	"sqs2pg/pkg/contract"
)

// vault compares what can be recovered, and whom an event is about. To seal less than before is
// refused: the rows of one table would differ in what can be recovered and erased, and nobody would
// notice before it is needed.
func (c *comparison) vault() {
	known, table := c.database.Table, c.table
	for _, path := range known.Recovered {
		if !slices.Contains(table.Recover, path) {
			c.add("", Refused, "%s can be recovered from the table, but has no x-recover in the contract: put it back, or use another x-table", path)
		}
	}
	for _, path := range table.Recover {
		if !slices.Contains(known.Recovered, path) {
			c.add("", Migrates, "%s has x-recover in the contract, but had none when the table was migrated: run sqs2pg migrate; older rows stay without a sealed value", path)
		}
	}
	switch {
	case known.Subject == table.Subject:
	case known.Subject == "":
		c.add("", Migrates, "%s has x-subject in the contract, but had none when the table was migrated: run sqs2pg migrate", table.Subject)
	default:
		c.add("", Refused, "the column %s says whom an event is about, but is not what x-subject marks in the contract: put x-subject back, or use another x-table", known.Subject)
	}
	if guarded := known.Recovered != nil || known.Subject != ""; guarded && !c.database.Found.Guarded {
		c.add("", Migrates, "its trigger sqs2pg_guard is missing or disabled, so nothing refuses rows that are neither sealed nor checked for erased people: run sqs2pg migrate")
	}
	switch schema, name := table.Vault(); {
	case !table.HasVault():
	case len(known.Recovered) > 0:
		c.vaultTable()
	case c.database.Vault != nil: // whoever made it owns it
		c.add("", Refused, "a table %s.%s is there that no migration has made: rename it", schema, name)
	}
}

// vaultTable compares the table of the sealed values.
func (c *comparison) vaultTable() {
	schema, name := c.table.Vault()
	found := c.database.Vault
	switch want := vaultRelation(c.table); {
	case found == nil:
		c.add("", Migrates, "its vault table %s.%s is missing: run sqs2pg migrate, which makes an empty one", schema, name)
	case found.Kind != want.Kind || !slices.Equal(found.Key, want.Key):
		c.add("", Refused, "its vault table %s.%s is another kind of relation or has the primary key (%s): restore (%s)",
			schema, name, strings.Join(found.Key, ", "), strings.Join(want.Key, ", "))
	}
}

// vaultRelation is the table of sealed values as a migration makes it, without its columns.
func vaultRelation(table contract.Table) *Relation {
	return &Relation{Kind: kindOf(table.Mode), Key: []string{contract.SentAt, contract.EventID}}
}

// CompareRecipient lists why nothing may be sealed for the public key with this ID. A table without
// x-recover seals nothing.
func (d *Database) CompareRecipient(table contract.Table, id string) []Difference {
	if !table.HasVault() {
		return nil
	}
	c := comparison{database: d, table: table}
	i := slices.IndexFunc(d.Recipients, func(r Recipient) bool { return r.ID == id })
	active := slices.IndexFunc(d.Recipients, func(r Recipient) bool { return r.State == "active" })
	switch {
	case i < 0 && active >= 0:
		c.add("", Refused, "the database does not know the vault's public key %s, but %s: use that key, or run sqs2pg migrate with the new VAULT_PUBLIC_KEY", id, d.Recipients[active].ID)
	case i < 0:
		c.add("", Refused, "the database does not know the vault's public key %s: run sqs2pg migrate with VAULT_PUBLIC_KEY", id)
	case d.Recipients[i].State != "active":
		c.add("", Refused, "the vault's public key %s is revoked: set VAULT_PUBLIC_KEY to a new one, and run sqs2pg migrate with it", id)
	}
	return c.differences
}
