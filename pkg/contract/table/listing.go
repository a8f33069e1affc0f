package table

import "strings"

// Listing returns the columns as a table with a header. What is declared inside of a JSONB column
// has rows of its own, with the path and the kind of the mask only.
func (t Table) Listing() (header []string, rows [][]string) {
	for _, c := range t.Columns {
		null := "yes"
		if c.Required {
			null = "no"
		}
		rows = append(rows, []string{c.Name, c.Type.String(), null, c.Path, c.Mask.String()})
		for _, inside := range c.Inside {
			kind, _, _ := strings.Cut(inside.Mask, " ")
			rows = append(rows, []string{"", "", "", c.Path + "." + inside.Path, kind})
		}
	}
	return []string{"column", "type", "null", "from", "mask"}, rows
}
