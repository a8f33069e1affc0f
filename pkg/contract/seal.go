package contract

import (
	"slices"
	"time"

	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/vault"
)

// Seal seals the values of a record that the contract recovers, as they were sent, for the row with
// this id and time. It leaves out what is null or absent, and seals nothing if that is all. Seal
// panics as Mask does, and without a session if there is something to seal.
func (r *Rows) Seal(s *vault.Session, record Record, id [16]byte, sentAt time.Time) vault.Sealed {
	plain := append(r.plain[:0], '{')
	for i, value := range r.contentOf(record).recovered {
		if value == nil {
			continue
		}
		if len(plain) > 1 {
			plain = append(plain, ',')
		}
		plain = append(append(plain, r.contract.schema.Recover[i]...), value...)
	}
	if len(plain) == 1 {
		return vault.Sealed{}
	}
	r.plain = slices.Grow(append(plain, '}'), vault.Spare)
	defer clear(r.plain)
	return s.Seal(vault.Row{Table: r.contract.table, SentAt: sentAt, EventID: id}, r.plain)
}

// Recovered lists the paths of the properties that a record has and Seal would seal. It is for
// messages that a person has given to be tried.
func (c *Contract) Recovered(record Record) (paths []string) {
	for i, value := range record.content().recovered {
		if value != nil {
			paths = append(paths, c.schema.Table.Recover[i])
		}
	}
	return paths
}

// Subject returns the token of the person that a record is about, by the key of an id. That token
// stands for the person in the vault and in erasures, whatever the mask of the column. It is "" if
// the contract has no subject. Subject panics as Mask does, and if the keyring lacks the key.
func (r *Rows) Subject(record Record, keyID string) string {
	column := r.contract.schema.Subject
	if column < 0 {
		return ""
	}
	value := r.contentOf(record).values[column]
	canonical := value.text // also of a token: its mask comes later
	if p := r.contract.schema.Columns[column]; p.Type != Text {
		canonical = text(p.Type, value)
	}
	token, ok := r.keyring.TokenBy(keyID, table.SubjectDomain, canonical)
	if !ok {
		panic("contract: Subject by a key that the keyring lacks")
	}
	return token
}
