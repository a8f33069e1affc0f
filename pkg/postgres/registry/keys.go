package registry

import (
	"slices"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
)

// CompareKeys lists why tokens made by the keyring do not fit those in the database. Keys that the
// database does not know are no difference, unless it holds tokens of a key that nobody has
// confirmed. A contract without tokens and without a subject fits every keyring.
func (d *Database) CompareKeys(table contract.Table, keyring *mask.Keyring) []Difference {
	if !usesKeys(table) {
		return nil
	}
	c := comparison{database: d, table: table}
	for _, key := range keyring.Fingerprints() {
		if stored, known := d.key(key.ID); known && stored != key.Fingerprint {
			c.add("", Refused, "the masking key %s has the fingerprint %s, but the database holds tokens of a key %[1]s with the fingerprint %[3]s: "+
				"use the keyring that made them, or give the new key another id", key.ID, key.Fingerprint, stored)
		}
	}
	for _, u := range d.Unconfirmed {
		if key, ok := keyOf(keyring, u.KeyID); ok {
			c.add("", Refused, "the tokens in %s are of an earlier release, and their key is not confirmed: if the masking key %s of this keyring made them, "+
				"run sqs2pg migrate --confirm-key %[2]s=%[3]s", u.Table, key.ID, key.Fingerprint)
		} else {
			c.add("", Refused, "the tokens in %s were made by a masking key %s, which this keyring does not have: add it to the keyring", u.Table, u.KeyID)
		}
	}
	if tied := d.Table.TokenKey; keyHasToken(table) && tied != "" && tied != keyring.CurrentID() {
		c.add("", Refused, "the key of the table holds tokens of the masking key %s, and the keyring's current key is %s, which would give each row a second one: "+
			`set "current" to %[1]s for this table, or use another x-table`, tied, keyring.CurrentID())
	}
	return c.differences
}

// HoldsTokens reports whether some key is known to have made tokens here, or must have.
func (d *Database) HoldsTokens() bool { return len(d.Keys)+len(d.Unconfirmed) > 0 }

// ToConfirm returns the keys of a keyring that may have made the unconfirmed tokens.
func (d *Database) ToConfirm(keyring *mask.Keyring) []mask.Fingerprint {
	var keys []mask.Fingerprint
	for _, u := range d.Unconfirmed {
		if key, ok := keyOf(keyring, u.KeyID); ok && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func keyOf(keyring *mask.Keyring, id string) (mask.Fingerprint, bool) {
	keys := keyring.Fingerprints()
	i := slices.IndexFunc(keys, func(f mask.Fingerprint) bool { return f.ID == id })
	if i < 0 {
		return mask.Fingerprint{}, false
	}
	return keys[i], true
}

func (d *Database) key(id string) (fingerprint string, known bool) {
	i := slices.IndexFunc(d.Keys, func(k Key) bool { return k.ID == id })
	if i < 0 {
		return "", false
	}
	return d.Keys[i].Fingerprint, true
}

// usesKeys reports whether the masking keys are needed. Tokens of the subject say who was erased.
func usesKeys(table contract.Table) bool {
	return table.Subject != "" || slices.ContainsFunc(table.Columns, contract.Column.HasTokens)
}

func keyHasToken(table contract.Table) bool {
	return slices.ContainsFunc(table.Columns, func(c contract.Column) bool {
		return c.Mask == mask.Token && slices.Contains(table.Key, c.Name)
	})
}
