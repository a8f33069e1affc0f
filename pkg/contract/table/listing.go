package table

import (
	"slices"
	"strings"
)

// Listing returns the columns as a table with a header. What is declared inside of a JSONB column
// has rows of its own, with the path and the kind of the mask only. A table with a vault or a subject
// has one more column, which says what can be recovered and who the subject is.
func (t Table) Listing() (header []string, rows [][]string) {
	header = []string{"column", "type", "null", "from", "mask"}
	if t.Guarded() {
		header = append(header, "vault")
	}
	for _, c := range t.Columns {
		null := "yes"
		if c.Required {
			null = "no"
		}
		rows = append(rows, []string{c.Name, c.Type.String(), null, c.Path, c.Mask.String(), t.inVault(c)}[:len(header)])
		for _, inside := range c.Inside {
			kind, _, _ := strings.Cut(inside.Mask, " ")
			rows = append(rows, []string{"", "", "", c.Path + "." + inside.Path, kind, ""}[:len(header)])
		}
	}
	return header, rows
}

// inVault says what the vault has to do with a column.
func (t Table) inVault(c Column) string {
	var words []string
	if slices.Contains(t.Recover, c.Path) {
		words = append(words, "recovered")
	}
	if c.Name == t.Subject {
		words = append(words, "subject")
	}
	return strings.Join(words, ", ")
}
