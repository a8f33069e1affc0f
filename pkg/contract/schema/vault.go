package schema

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

// maxVaultSchema is how long the schema of a table with a vault may be: the name of the vault's
// schema has it, and Postgres takes 63 bytes.
const maxVaultSchema = 63 - len(table.VaultSchema+"_")

// setVault reads which properties are recovered, and which one is the subject.
func (c *compiler) setVault(s *Schema, leaves []leaf) {
	s.Subject = -1
	for i, l := range leaves {
		isFirst := i == 0 || leaves[i-1].at != l.at // of the columns of its property
		if l.recover && isFirst {
			c.addRecovered(s, l)
		}
		if l.subject && isFirst {
			c.setSubject(s, l, slices.IndexFunc(leaves, func(other leaf) bool { return other.at == l.at && other.canBeSubject() }))
		}
	}
	schema, name := s.Table.Vault()
	switch {
	case len(s.Table.Recover) == 0:
	case len(s.Table.Schema) > maxVaultSchema:
		c.note("/x-table", "the schema of a table with x-recover has at most %d characters: use a shorter one", maxVaultSchema)
	case schema == table.VaultSchema && slices.Contains(table.OfVault, name):
		c.note("/x-table", "the vault has a table %s of another kind: a table with x-recover needs another name, or another schema", name)
	}
}

func (c *compiler) addRecovered(s *Schema, l leaf) {
	path := l.column.Path
	if slices.Contains(s.Table.Recover, path) {
		l.note(c, "x-recover", "another property that is recovered has the path %s too: recover one of them", path)
	}
	if l.column.Mask == mask.None && l.property.Shape == nil {
		l.note(c, "x-recover", "the table has the value as it was sent: mask it by x-mask, or remove x-recover")
	}
	name, _ := jsontext.AppendQuote(nil, path) // a name out of a valid document
	s.Table.Recover, s.Recover = append(s.Table.Recover, path), append(s.Recover, string(name)+":")
	l.property.Recover = len(s.Recover)
}

// setSubject notes the subject, which is in the column of an index; -1 if no column can hold it.
func (c *compiler) setSubject(s *Schema, l leaf, column int) {
	switch {
	case s.Table.Subject != "":
		l.note(c, "x-subject", "%s is the subject already: an event is about one person", s.Table.Columns[s.Subject].Path)
	case l.property.Kind != String && l.property.Kind != Integer || l.columnType != "" || l.format == "date" || l.format == "date-time":
		l.note(c, "x-subject", "a subject is a string or an integer that names a person, without x-type and without the format of a time: use another property")
	case column < 0 || column >= len(s.Table.Columns):
		l.note(c, "x-subject", "a subject is a required property that is never null and has no mask but token: change that, or use another property")
	default:
		s.Subject, s.Table.Subject = column, s.Table.Columns[column].Name
	}
}

// canBeSubject reports whether a column tells persons apart, in every row.
func (l *leaf) canBeSubject() bool {
	return l.column.Required && (l.column.Mask == mask.None || l.column.Mask == mask.Token)
}
