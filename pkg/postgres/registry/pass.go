package registry

import (
	"slices"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
)

// Pass is what the database said when it let rows through.
type Pass struct {
	Window    Window
	VaultDays int    // how many days old an event may be to be sealed
	Epoch     int64  // of the table: the writer gives it back with the rows
	Erased    Erased // of whom nothing older is written; the keyring has the key of each
}

// Erased has when a person was erased, by key id and token of the person.
type Erased map[string]map[string]time.Time

// NewErased makes a list fit to look people up.
func NewErased(erasures []Erasure) Erased {
	all := Erased{}
	for _, e := range erasures {
		if all[e.KeyID] == nil {
			all[e.KeyID] = map[string]time.Time{}
		}
		all[e.KeyID][e.Subject] = e.Before
	}
	return all
}

// CompareErasures lists the masking keys that the keyring lacks to tell whether a message is of an
// erased person. A table without a subject needs none.
func (d *Database) CompareErasures(table contract.Table, keyring *mask.Keyring) []Difference {
	c := comparison{database: d, table: table}
	var lacking []string
	for _, e := range d.Erasures {
		if _, ok := keyOf(keyring, e.KeyID); !ok && table.Subject != "" && !slices.Contains(lacking, e.KeyID) {
			lacking = append(lacking, e.KeyID)
			c.add("", Refused, "people were erased by tokens of a masking key %s, which this keyring does not have: "+
				"add it to the keyring, or their messages would be written again", e.KeyID)
		}
	}
	return c.differences
}
