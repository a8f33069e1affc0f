package schema

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/mask"
)

// Limits that follow from those of Postgres.
const (
	maxColumns = 1500 // of the 1,600 columns that Postgres allows
	maxKey     = 600  // characters; an index entry of Postgres has at most 2,704 bytes
)

// Names that Postgres takes without quotes. A table's name is short enough for its partitions to be
// named after it.
var (
	columnName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
	tableName  = regexp.MustCompile(`^(?:([a-z_][a-z0-9_]{0,62})\.)?([a-z_][a-z0-9_]{0,49})$`)
)

// readTableName reads x-table.
func readTableName(name string) (Table, error) {
	if name == "" {
		return Table{}, errors.New(`/x-table: it is missing: name the table, "x-table": "orders"`)
	}
	parts := tableName.FindStringSubmatch(name)
	if parts == nil {
		return Table{}, fmt.Errorf("/x-table: %q is not a valid table name: use at most 50 lower-case letters, digits and _, after a schema and a dot if it has one", name)
	}
	if schema := parts[1]; schema == "sqs2pg" || schema == "information_schema" || strings.HasPrefix(schema, "pg_") {
		return Table{}, fmt.Errorf("/x-table: the schema %s is not for tables of events: use another", schema)
	}
	return Table{Schema: cmp.Or(parts[1], "public"), Name: parts[2]}, nil
}

// addColumns gives the table its columns.
func (s *Schema) addColumns(leaves []leaf) error {
	subject := ""
	for _, l := range leaves {
		for _, other := range s.Table.Columns {
			if other.Name == l.column.Name {
				return l.errorf("x-column", "the column %s is already filled by %s: give one of them another name by x-column", other.Name, other.Path)
			}
		}
		if len(s.Columns) == maxColumns {
			return l.errorf("x-column", "a table has at most %d columns: leave out the rest, or keep an object without properties as jsonb", maxColumns)
		}
		if l.column.Subject && subject != "" {
			return l.errorf("x-subject", "%s has it already: one property identifies the person", subject)
		}
		if l.column.Subject {
			subject = l.column.Path
		}
		l.property.Column = len(s.Columns)
		s.Table.Columns, s.Columns = append(s.Table.Columns, l.column), append(s.Columns, l.property)
	}
	return nil
}

func checkColumnName(n node, name string) error {
	if !columnName.MatchString(name) {
		return n.errorf("x-column", "%q is not a valid column name: give it one of at most 63 lower-case letters, digits and _ by x-column", name)
	}
	isReserved := func(c Column) bool { return c.Name == name }
	if slices.ContainsFunc(ReservedColumns(), isReserved) || slices.Contains(systemColumns, name) {
		return n.errorf("x-column", "every table has a column %s already: give this one another name by x-column", name)
	}
	return nil
}

// newMasking reads x-mask and x-domain.
func newMasking(n node, kind Kind) (Masking, error) {
	m := Masking{Domain: cmp.Or(n.domain, n.name)}
	if n.mask != "" {
		if kind != String {
			return m, n.errorf("x-mask", "only a string can be masked: make it a string, or do not declare it, then it is not stored")
		}
		m.Kind, _ = mask.ParseKind(n.mask) // the meta-schema has checked it
	}
	ip := n.format == "ip" || n.format == "ipv4" || n.format == "ipv6"
	token := m.Kind == mask.Token
	switch {
	case m.Kind == mask.Network && !ip:
		return m, n.errorf("x-mask", `ip-network needs an address: add "format": "ip"`)
	case n.recover && !token:
		return m, n.errorf("x-recover", `it needs "x-mask": "token"`)
	case n.domain != "" && !token:
		return m, n.errorf("x-domain", `it needs "x-mask": "token"`)
	case ip && (token || m.Kind == mask.Network):
		m.Canonical = scalar.CanonicalIP
	case n.format == "uuid" && token:
		m.Canonical = strings.ToLower
	}
	return m, nil
}

// setWrite reads x-write. properties fill the table's columns, in the same order.
func (t *Table) setWrite(a annotations, properties []*Property) error {
	switch {
	case a.mode != Upsert.String() && len(a.key) > 0:
		return errors.New("/x-write/key: a key is for upsert: remove it, or set mode to upsert")
	case a.mode != Upsert.String():
		return nil
	case len(a.key) == 0:
		return errors.New("/x-write: upsert needs the columns that identify a row: {\"mode\": \"upsert\", \"key\": [\"order_id\"]}")
	}
	characters := 0
	for i, name := range a.key {
		n, err := t.checkKeyColumn(name, properties, maxKey-characters)
		if err != nil {
			return fmt.Errorf("/x-write/key/%d: %w", i, err)
		}
		characters += n
	}
	t.Mode, t.Key = Upsert, a.key
	return nil
}

// checkKeyColumn refuses a column that cannot be in a key, or that can have more characters than
// are left. It returns how many the column can have; types of fixed size count as 0.
func (t *Table) checkKeyColumn(name string, properties []*Property, left int) (characters int, err error) {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		var columns []string
		for _, column := range t.Columns {
			columns = append(columns, column.Name)
		}
		return 0, fmt.Errorf("there is no column %q%s", name, suggest(name, columns))
	}
	column, longest := t.Columns[i], properties[i].Text.max
	switch {
	case !column.Required:
		return 0, fmt.Errorf("the column %s can be null: a key's properties are required, not nullable and not dropped", name)
	case column.Type == JSONB:
		return 0, fmt.Errorf("the column %s is jsonb: a key has simple columns", name)
	case column.Type != Text || column.Mask != mask.None:
		return 0, nil
	case longest < 0 || longest > left:
		return 0, fmt.Errorf("a key's text has at most %d characters in all, as an index takes no more: give %s a smaller maxLength", maxKey, column.Path)
	}
	return longest, nil
}
