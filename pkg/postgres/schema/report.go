package schema

import (
	"fmt"
	"strings"

	"sqs2pg/pkg/contract"
)

// Report says what Apply did. It is zero if nothing was to do. Tables and partitions are named
// schema.name, columns schema.table.column.
type Report struct {
	Migrations   []string   `json:"migrations,omitempty"`    // SQL files that were run
	Created      []string   `json:"created,omitempty"`       // tables
	AddedColumns []string   `json:"added_columns,omitempty"` // of contracts that have grown
	Guarded      []string   `json:"guarded,omitempty"`       // tables that refuse rows of transactions that have not entered them, from now on
	TakenOver    []TakeOver `json:"taken_over,omitempty"`
	Partitions   []string   `json:"partitions,omitempty"` // made ahead
	Tolerated    []string   `json:"tolerated,omitempty"`  // differences that were left, because rows can be written: "schema.table: column ..."
}

// Add adds what was done for another table.
func (r *Report) Add(other Report) {
	r.Migrations = append(r.Migrations, other.Migrations...)
	r.Created = append(r.Created, other.Created...)
	r.AddedColumns = append(r.AddedColumns, other.AddedColumns...)
	r.Guarded = append(r.Guarded, other.Guarded...)
	r.TakenOver = append(r.TakenOver, other.TakenOver...)
	r.Partitions = append(r.Partitions, other.Partitions...)
	r.Tolerated = append(r.Tolerated, other.Tolerated...)
}

// TakeOver is a table that existed before its contract and was taken over.
type TakeOver struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"` // all rows of the old table
	// Nullable are columns that the contract requires, but that got no NOT NULL because old rows
	// have no value for them.
	Nullable []string `json:"nullable,omitempty"`
	// Unmasked are masked columns that hold old values, as they were. This release has not masked
	// them, so somebody must see that none is personal.
	Unmasked []string `json:"unmasked,omitempty"`
	// Dropped are the definitions of the old table's indexes and constraints, which were not
	// carried over. Make those again that are needed.
	Dropped []string `json:"dropped,omitempty"`
}

// created adds a table that was made, and its vault table.
func (r *Report) created(table contract.Table) {
	r.Created = append(r.Created, table.FullName())
	if table.HasVault() {
		r.Created = append(r.Created, vaultName(table))
	}
}

// String returns one line for each thing done, for people; "nothing to do" if the report is zero.
func (r Report) String() string {
	var lines []string
	add := func(verb string, names []string) {
		for _, name := range names {
			lines = append(lines, verb+" "+name)
		}
	}
	add("migrated", r.Migrations)
	add("created table", r.Created)
	for _, t := range r.TakenOver {
		lines = append(lines, fmt.Sprintf("took over table %s with its %d rows", t.Table, t.Rows))
		add("  left nullable, because old rows have no value:", t.Nullable)
		add("  old values kept as they were, see that none is personal:", t.Unmasked)
		add("  not carried over:", t.Dropped)
	}
	add("added column", r.AddedColumns)
	add("guarded table", r.Guarded)
	add("left as it is:", r.Tolerated)
	if n := len(r.Partitions); n > 0 {
		lines = append(lines, fmt.Sprintf("created %d partitions, the first is %s", n, r.Partitions[0]))
	}
	if len(lines) == 0 {
		return "nothing to do"
	}
	return strings.Join(lines, "\n")
}
