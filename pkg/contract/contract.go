// Package contract says what a message must be and where its values go.
//
// A contract is one JSON Schema document (draft 2020-12) with a few keywords of
// our own: x-table and x-write at its root, x-column, x-mask, x-recover,
// x-subject and x-domain on the properties that become columns. It is the only
// copy of its columns: the table, the decoding, the checks and the masking all
// follow from it, so that a new event needs a new file and no Go.
//
// Each stage has a type of its own, and so the compiler keeps the policy: bytes
// are decoded to a [Record], which holds raw values and shows them to nobody; a
// Record is masked to a [Row]; nothing else makes a Row, and a writer takes rows
// only.
//
// The checks of a contract are compiled to a plan that runs while a message is
// decoded, because a general validator costs more than all the rest. Keywords
// beyond the plan (anyOf, if, items and so on) are left to
// github.com/santhosh-tekuri/jsonschema, and a property test holds both to the
// same answers.
package contract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/infra/contracts"
)

// Errors of loading. Those of decoding are of type [*Violation].
var (
	ErrNotFound = errors.New("no such contract")
	ErrContract = errors.New("contract")
)

// Contract is a loaded contract. It is immutable and safe for concurrent use.
type Contract struct {
	name     string
	table    Table
	root     object
	columns  []*property // in the order of table.Columns
	slots    int         // how many properties there are, at any depth
	declared map[string]bool
	schema   *jsonschema.Schema // nil if the plan checks everything
}

// Load reads a contract: an embedded one by its name, or a file by its path,
// which contains a slash or ends in .json. It returns ErrNotFound for a name or
// path that is not there, and ErrContract for a contract with a mistake.
func Load(nameOrPath string) (*Contract, error) {
	if strings.ContainsRune(nameOrPath, filepath.Separator) || strings.HasSuffix(nameOrPath, ".json") {
		document, err := os.ReadFile(nameOrPath)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: there is no file %s", ErrNotFound, nameOrPath)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrContract, err)
		}
		return Parse(strings.TrimSuffix(filepath.Base(nameOrPath), ".json"), document)
	}
	document, err := contracts.Files.ReadFile(nameOrPath + ".json")
	if err != nil {
		return nil, fmt.Errorf("%w: %q; there are %s, or give the path of a file, such as ./orders.json",
			ErrNotFound, nameOrPath, strings.Join(Names(), ", "))
	}
	return Parse(nameOrPath, document)
}

// Names lists the embedded contracts, sorted.
func Names() []string {
	files, _ := fs.Glob(contracts.Files, "*.json")
	for i, file := range files {
		files[i] = strings.TrimSuffix(file, ".json")
	}
	slices.Sort(files)
	return files
}

// Parse reads a contract from its document. Its errors wrap ErrContract and give
// the contract's name, the JSON pointer of the mistake and what to do about it.
func Parse(name string, document []byte) (*Contract, error) {
	c, err := parse(name, document)
	if err != nil {
		return nil, fmt.Errorf("%w %s.json: %w", ErrContract, name, err)
	}
	return c, nil
}

func parse(name string, document []byte) (*Contract, error) {
	outline, err := readOutline(document)
	if err != nil {
		return nil, err
	}
	if err := checkNumbers(document); err != nil {
		return nil, err
	}
	schema, err := compileSchema(document)
	if err != nil {
		return nil, err
	}
	return newPlan(name, outline, schema)
}

// Name is the contract's name: its file's name without .json.
func (c *Contract) Name() string { return c.name }

// Table is the table that the contract's rows go to. The columns that every table
// has besides (create_date, sent_at, event_id) are not among its columns.
func (c *Contract) Table() Table {
	t := c.table
	t.Columns, t.Key = slices.Clone(t.Columns), slices.Clone(t.Key)
	return t
}

// Warnings says what is allowed in the contract and yet unwise, one sentence each.
func (c *Contract) Warnings() []string {
	var warnings []string
	for _, column := range c.table.Columns {
		if column.Mask == maskSHA256 {
			warnings = append(warnings, fmt.Sprintf("column %s is masked by sha256-8: 32 bits collide from tens of thousands of values on, "+
				"and without a key short values such as addresses are found by trying; use x-mask token unless you must match an existing column", column.Name))
		}
	}
	return warnings
}
