package schema

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/schema/document"
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

// Limits that follow from those of Postgres.
const (
	maxColumns = 1500 // of the 1,600 columns that Postgres allows
	maxKey     = 600  // characters; an index entry of Postgres has at most 2,704 bytes
)

// Names that Postgres takes without quotes, and x-type. A table's name is short enough for its
// partitions to be named after it.
var (
	columnPattern = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
	typePattern   = regexp.MustCompile(`^numeric(?:\(([0-9]{1,4})(?:, ?([0-9]{1,4}))?\))?$`)
	tablePattern  = regexp.MustCompile(`^(?:([a-z_][a-z0-9_]{0,62})\.)?([a-z_][a-z0-9_]{0,49})$`)
)

// tableName reads x-table.
func (c *compiler) tableName(name string) table.Table {
	parts := tablePattern.FindStringSubmatch(name)
	switch {
	case name == "":
		c.note("/x-table", `it is missing: name the table, "x-table": "orders"`)
	case parts == nil:
		c.note("/x-table", "%q is not a valid table name: use at most 50 lower-case letters, digits and _, after a schema and a dot if it has one", name)
	case parts[1] == "sqs2pg" || strings.HasPrefix(parts[1], table.VaultSchema) || parts[1] == "information_schema" || strings.HasPrefix(parts[1], "pg_"):
		c.note("/x-table", "the schema %s is not for tables of events: use another", parts[1])
	default:
		return table.Table{Schema: cmp.Or(parts[1], "public"), Name: parts[2]}
	}
	return table.Table{}
}

// addColumns gives the table its columns.
func (c *compiler) addColumns(s *Schema, leaves []leaf) {
	for i, l := range leaves {
		if i == maxColumns {
			l.note(c, "x-column", "a table has at most %d columns: leave out the rest, or keep an object without properties as jsonb", maxColumns)
			return
		}
		for _, other := range s.Table.Columns {
			if other.Name == l.column.Name {
				l.note(c, "x-column", "the column %s is already filled by %s: give one of them another name by x-column", other.Name, other.Path)
			}
		}
		l.property.Column = len(s.Columns)
		s.Table.Columns, s.Columns = append(s.Table.Columns, l.column), append(s.Columns, l.property)
	}
}

func (c *compiler) checkColumnName(n node, name string) {
	isReserved := func(column table.Column) bool { return column.Name == name }
	switch {
	case !columnPattern.MatchString(name):
		n.note(c, "x-column", "%q is not a valid column name: give it one of at most 63 lower-case letters, digits and _ by x-column", name)
	case slices.ContainsFunc(table.ReservedColumns(), isReserved) || slices.Contains(table.SystemColumns, name):
		n.note(c, "x-column", "every table has a column %s already: give this one another name by x-column", name)
	}
}

// setType reads x-type.
func (c *compiler) setType(p *Property, n node) {
	if n.columnType == "" {
		return
	}
	parts := typePattern.FindStringSubmatch(n.columnType)
	precision, scale := 0, 0
	if parts != nil && parts[1] != "" {
		precision, _ = strconv.Atoi(parts[1])
		scale, _ = strconv.Atoi(cmp.Or(parts[2], "0"))
	}
	switch {
	case parts == nil:
		n.note(c, "x-type", "%q is not a type that x-type can give: use numeric, or numeric(12,2) with precision and scale", n.columnType)
	case precision > 1000 || scale > precision || parts[1] == "0":
		n.note(c, "x-type", "Postgres has no %s: use a precision of at most 1000 and a scale of at most the precision", n.columnType)
	case p.Kind != String && p.Kind != Integer && p.Kind != Number:
		n.note(c, "x-type", "numeric needs a number, an integer, or a string that holds a number: change type, or remove x-type")
	case p.Kind == String && n.format != "":
		n.note(c, "x-type", "a string with a format does not hold a number: remove format or x-type")
	case precision > 0:
		p.Type = table.NumericOf(precision, scale)
	default:
		p.Type = table.Numeric
	}
}

// setWrite reads x-write.
func (c *compiler) setWrite(s *Schema, a annotations) {
	switch {
	case a.mode != table.Upsert.String() && len(a.key) > 0:
		c.note("/x-write/key", "a key is for upsert: remove it, or set mode to upsert")
	case a.mode != table.Upsert.String():
	case len(a.key) == 0:
		c.note("/x-write", `upsert needs the columns that identify a row: {"mode": "upsert", "key": ["order_id"]}`)
	default:
		left := maxKey
		for i, name := range a.key {
			at := jsontext.Pointer("/x-write/key").AppendToken(strconv.Itoa(i))
			left -= c.checkKeyColumn(s, at, name, left)
		}
		s.Table.Mode, s.Table.Key = table.Upsert, a.key
		if slices.ContainsFunc(s.Table.Columns, func(column table.Column) bool { return column.Name == table.EventVersion }) {
			c.note("/x-write", "a table in upsert mode has a column %s already: give that property another name by x-column", table.EventVersion)
		}
	}
}

// checkKeyColumn refuses a column that cannot be in a key, or that can have more characters than
// are left. It returns how many the column can have; types of fixed size count as 0.
func (c *compiler) checkKeyColumn(s *Schema, at jsontext.Pointer, name string, left int) (characters int) {
	i := slices.IndexFunc(s.Table.Columns, func(column table.Column) bool { return column.Name == name })
	if i < 0 {
		var columns []string
		for _, column := range s.Table.Columns {
			columns = append(columns, column.Name)
		}
		c.note(at, "there is no column %q%s", name, document.Suggest(name, columns))
		return 0
	}
	column, longest := s.Table.Columns[i], s.Columns[i].Text.Max()
	switch {
	case !column.Required:
		c.note(at, "the column %s can be null: a key's properties are required, not nullable and not dropped", name)
	case column.Type == table.JSONB:
		c.note(at, "the column %s is jsonb: a key has simple columns", name)
	case column.Mask != mask.None && column.Mask != mask.Token:
		c.note(at, "the column %s is masked by %s, which makes different values equal, so that one row would replace the other: mask it by token, or use another column",
			name, column.Mask)
	case column.Type != table.Text || column.Mask == mask.Token:
	case longest < 0 || longest > left:
		c.note(at, "a key's text has at most %d characters in all, because an index entry holds no more: give %s a smaller maxLength", maxKey, column.Path)
	default:
		return longest
	}
	return 0
}
