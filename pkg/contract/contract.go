// Package contract runs contracts: it decodes the body of a message to a [Record] and masks the
// Record to a [Row].
//
// A contract is one JSON Schema document with a few keywords of our own. It is the only copy of its
// columns: the table, the decoding, the checks and the masking all follow from it, so that a new
// event needs a new file and no Go. Package schema compiles the document; see there for what it
// may say.
//
// Each stage has its own type, so that the compiler keeps the policy. A Record holds raw values and
// has no accessor. Only this package makes a Row, from a Record, and a writer takes nothing but
// rows.
package contract

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sqs2pg/pkg/contract/origin"
	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/mask"
)

// Errors of loading. Errors of decoding are of type [*Violation].
var (
	ErrNotFound = errors.New("no such contract")
	ErrContract = errors.New("contract")
)

// Contract is a loaded contract. It is immutable and safe for concurrent use.
type Contract struct {
	name     string
	path     string // of its file, if Load was given one
	document []byte
	schema   *schema.Schema
	table    string // its full name
}

// IsPath reports whether Load takes nameOrPath for the path of a file.
func IsPath(nameOrPath string) bool {
	return strings.ContainsRune(nameOrPath, filepath.Separator) || strings.HasSuffix(nameOrPath, ".json")
}

// Load reads a contract: by its name, NAME.json in folder, or by the path of a file, which contains
// a slash or ends in .json. It returns ErrNotFound if there is no such name or file, and
// ErrContract if the contract has a mistake.
func Load(folder fs.FS, nameOrPath string) (*Contract, error) {
	if IsPath(nameOrPath) {
		document, err := os.ReadFile(nameOrPath)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: there is no file %s", ErrNotFound, nameOrPath)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrContract, err)
		}
		c, err := Parse(strings.TrimSuffix(filepath.Base(nameOrPath), ".json"), document)
		if err == nil {
			c.path = nameOrPath
		}
		return c, err
	}
	document, err := fs.ReadFile(folder, nameOrPath+".json")
	if err != nil {
		return nil, fmt.Errorf("%w: %q; there are %s, or give the path of a file, such as ./orders.json",
			ErrNotFound, nameOrPath, strings.Join(Names(folder), ", "))
	}
	return Parse(nameOrPath, document)
}

// Names lists the contracts in folder, sorted.
func Names(folder fs.FS) []string {
	files, _ := fs.Glob(folder, "*.json")
	for i, file := range files {
		files[i] = strings.TrimSuffix(file, ".json")
	}
	slices.Sort(files)
	return files
}

// Parse reads a contract from its document. Its error wraps ErrContract and has all mistakes of the
// document, one a line, each with line, column, JSON pointer and what to do about it.
func Parse(name string, document []byte) (*Contract, error) {
	document = bytes.TrimPrefix(document, []byte("\ufeff")) // the byte order mark of some editors
	s, err := schema.Compile(document)
	if err != nil {
		return nil, fmt.Errorf("%w %s.json: %w", ErrContract, name, err)
	}
	return &Contract{name: name, document: slices.Clone(document), schema: s, table: s.Table.FullName()}, nil
}

// Name is the contract's name: the name of its file without .json.
func (c *Contract) Name() string { return c.name }

// Source is what a person knows the contract by: the path of its file, or its name without one.
func (c *Contract) Source() string { return cmp.Or(c.path, c.name) }

// Origin says where the contract's events come from. It must not be changed.
func (c *Contract) Origin() *origin.Origin { return c.schema.Origin }

// Document is the text of the contract. The caller must not change it.
func (c *Contract) Document() []byte { return c.document }

// Table is the table that the contract's rows go to. Its columns are those of the contract; see
// [Table.Reserved] for those that every table has besides.
func (c *Contract) Table() Table {
	t := c.schema.Table
	t.Columns, t.Key, t.Recover = slices.Clone(t.Columns), slices.Clone(t.Key), slices.Clone(t.Recover)
	return t
}

// Warnings lists what is allowed in the contract but unwise, one sentence each.
func (c *Contract) Warnings() []string {
	var warnings []string
	for _, column := range c.schema.Table.Columns {
		isSHA256 := func(i Inside) bool { return strings.Contains(i.Mask, mask.SHA256.String()) }
		if column.Mask == mask.SHA256 || slices.ContainsFunc(column.Inside, isSHA256) {
			warnings = append(warnings, fmt.Sprintf("column %s is masked by sha256-8: 32 bits collide from tens of thousands of values on, "+
				"and without a key short values such as addresses are found by trying; use x-mask token unless you must match an existing column", column.Name))
		}
	}
	if i := c.schema.Origin.EventID; i >= 0 && c.schema.Columns[i].Type != UUID {
		warnings = append(warnings, fmt.Sprintf("x-event-id is on %s, which is not a UUID: two events with one id and one time would be one row, "+
			"so the producer must not use an id again; \"format\": \"uuid\" makes sure", c.schema.Columns[i].Path))
	}
	if t := c.schema.Table; t.HasVault() && t.Subject == "" {
		warnings = append(warnings, "values are recovered, and no property names the person: mark it by x-subject, so that the rows of a person can be found and erased")
	}
	return warnings
}

// Personal lists the properties, at any depth, whose name or format looks like that of a personal
// value and that are stored as they are: one sentence each, with line, column and JSON pointer. It
// is a guess, so it is for the author of the contract.
func (c *Contract) Personal() (sentences []string) {
	for _, found := range c.schema.Personal {
		sentences = append(sentences, found.Error())
	}
	return sentences
}
