package contract

import (
	"fmt"

	"sqs2pg/pkg/mask"
)

const maskSHA256 = mask.SHA256

// Table describes the table that a contract's rows go to.
type Table struct {
	Schema  string   // "public" unless x-table says schema.table
	Name    string   // at most 50 bytes, so that partitions can be named after it
	Columns []Column // in the order in which the contract declares them
	Mode    Mode
	Key     []string // the columns that identify a row, for Upsert; else nil
}

// Mode says what becomes of a second event for the same key.
type Mode uint8

// The modes of x-write.
const (
	Insert Mode = iota // every event is a row of its own
	Upsert             // the newest event of a key wins
)

// String gives the name that x-write uses.
func (m Mode) String() string {
	if m == Upsert {
		return "upsert"
	}
	return "insert"
}

// Column is one column and the property that fills it. Names are lower-case
// identifiers that Postgres takes without quotes, unless they are key words.
type Column struct {
	Name     string
	Type     Type
	Required bool      // NOT NULL: the value is there in every valid message
	Mask     mask.Kind // every mask but None makes the type Text
	Recover  bool      // x-recover: the value is also sealed into the vault
	Subject  bool      // x-subject: the value identifies the person
	Path     string    // the property's path from the root, joined by dots
}

// Type is a column's type.
type Type uint8

// The types of columns. What fills them: a string, or any masked value (Text);
// integer (BigInt); number (Double); boolean; a string of format uuid, date or
// date-time; an array, or an object that declares no properties (JSONB).
const (
	Text Type = iota
	BigInt
	Double
	Boolean
	UUID
	Date
	Timestamptz
	JSONB
)

var typeNames = [...]string{
	Text: "text", BigInt: "bigint", Double: "double precision", Boolean: "boolean",
	UUID: "uuid", Date: "date", Timestamptz: "timestamptz", JSONB: "jsonb",
}

// String gives the type's name in SQL.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("Type(%d)", t)
}
