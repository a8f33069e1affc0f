package contract

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sqs2pg/pkg/mask"
)

// Limits, of Postgres but for the nesting.
const (
	maxColumns = 1500 // of the 1,600 that Postgres allows
	maxNesting = 64
	maxKey     = 600 // characters; an index entry of Postgres has at most 2,704 bytes
)

// reserved are the columns that every table has besides the contract's, and those
// that Postgres adds to every table.
var reserved = []string{
	"create_date", "sent_at", "event_id",
	"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid",
}

// column makes the column of a property that has one. always is set if every
// valid message has the property.
func (p *compiler) column(q *property, n node, name string, always bool) error {
	if err := p.checkColumnName(n, name); err != nil {
		return err
	}
	if err := q.setMask(n); err != nil {
		return err
	}
	if n.subject {
		if p.subject != "" {
			return n.errorf("x-subject", "%s has it already: one property identifies the person", p.subject)
		}
		p.subject = q.path
	}
	if err := p.setChecks(q, n); err != nil {
		return err
	}
	p.noteBeyond(n.Schema, false)
	p.c.columns = append(p.c.columns, q)
	p.c.table.Columns = append(p.c.table.Columns, Column{
		Name: name, Type: q.columnOf, Mask: q.mask, Path: q.path, Recover: n.recover, Subject: n.subject,
		Required: always && q.nullRule != "" && q.mask != mask.Drop,
	})
	return nil
}

// Names that Postgres takes without quotes. A table's is short enough for its
// partitions to be named after it.
var (
	columnName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
	tableName  = regexp.MustCompile(`^(?:([a-z_][a-z0-9_]{0,62})\.)?([a-z_][a-z0-9_]{0,49})$`)
)

// setTable reads x-table.
func (p *compiler) setTable(name string) error {
	if name == "" {
		return errors.New(`/x-table: it is missing: name the table, "x-table": "orders"`)
	}
	parts := tableName.FindStringSubmatch(name)
	if parts == nil {
		return fmt.Errorf("/x-table: %q is no name for a table: use at most 50 lower-case letters, digits and _, after a schema and a dot if it has one", name)
	}
	if schema := parts[1]; schema == "sqs2pg" || schema == "information_schema" || strings.HasPrefix(schema, "pg_") {
		return fmt.Errorf("/x-table: the schema %s is not for tables of events: use another", schema)
	}
	p.c.table.Schema, p.c.table.Name = cmp.Or(parts[1], "public"), parts[2]
	return nil
}

func (p *compiler) checkColumnName(n node, name string) error {
	if !columnName.MatchString(name) {
		return n.errorf("x-column", "%q is no name for a column: give it one of at most 63 lower-case letters, digits and _ by x-column", name)
	}
	if slices.Contains(reserved, name) {
		return n.errorf("x-column", "every table has a column %s already: give this one another name by x-column", name)
	}
	for _, other := range p.c.table.Columns {
		if other.Name == name {
			return n.errorf("x-column", "the column %s is already filled by %s: give one of them another name by x-column", name, other.Path)
		}
	}
	if len(p.c.columns) == maxColumns {
		return n.errorf("x-column", "a table has at most %d columns: leave out the rest, or keep an object without properties as jsonb", maxColumns)
	}
	return nil
}

func (q *property) setMask(n node) error {
	if n.annotations.mask != "" {
		if q.kind != kindString {
			return n.errorf("x-mask", "only a string can be masked: make it a string, or do not declare it, then it is not stored")
		}
		q.mask, _ = mask.ParseKind(n.annotations.mask) // the meta-schema has checked it
	}
	ip := n.format == "ip" || n.format == "ipv4" || n.format == "ipv6"
	token := q.mask == mask.Token
	switch {
	case q.mask == mask.Network && !ip:
		return n.errorf("x-mask", `ip-network needs an address: add "format": "ip"`)
	case n.recover && !token:
		return n.errorf("x-recover", `it needs "x-mask": "token"`)
	case n.domain != "" && !token:
		return n.errorf("x-domain", `it needs "x-mask": "token"`)
	case ip && (token || q.mask == mask.Network):
		q.canonical = canonicalIP
	case n.format == "uuid" && token:
		q.canonical = strings.ToLower
	}
	q.domain = cmp.Or(n.domain, n.name)
	return nil
}

// write reads x-write.
func (p *compiler) write(a annotations) error {
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
		if err := p.checkKeyColumn(name, &characters); err != nil {
			return fmt.Errorf("/x-write/key/%d: %w", i, err)
		}
	}
	p.c.table.Mode, p.c.table.Key = Upsert, a.key
	return nil
}

// checkKeyColumn refuses a column that cannot be in a key, and counts the
// characters that the columns of the key can have.
func (p *compiler) checkKeyColumn(name string, characters *int) error {
	n := slices.IndexFunc(p.c.table.Columns, func(c Column) bool { return c.Name == name })
	if n < 0 {
		var columns []string
		for _, column := range p.c.table.Columns {
			columns = append(columns, column.Name)
		}
		return fmt.Errorf("there is no column %q%s", name, suggest(name, columns))
	}
	column, text := p.c.table.Columns[n], p.c.columns[n].text
	switch {
	case !column.Required:
		return fmt.Errorf("the column %s can be null: a key's properties are required, not nullable and not dropped", name)
	case column.Type == JSONB:
		return fmt.Errorf("the column %s is jsonb: a key has simple columns", name)
	case column.Type != Text || column.Mask != mask.None:
		return nil
	case text.max < 0 || text.max > maxKey-*characters:
		return fmt.Errorf("a key's text has at most %d characters in all, as an index takes no more: give %s a smaller maxLength", maxKey, column.Path)
	}
	*characters += text.max
	return nil
}
