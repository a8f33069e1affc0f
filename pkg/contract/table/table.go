// Package table describes the table that a contract's rows go to: its columns, their types and
// masks, and the key. Whoever makes, compares or writes the table needs this and nothing else of a
// contract.
package table

import (
	"fmt"
	"slices"
	"strings"

	"sqs2pg/pkg/mask"
)

// Table describes the table that a contract's rows go to.
type Table struct {
	Schema  string   // "public" unless x-table says schema.table
	Name    string   // at most 50 bytes, so that partitions can be named after it
	Columns []Column // in the order in which the contract declares them
	Mode    Mode
	Key     []string // the columns that identify a row, for Upsert; else nil

	// Recover lists the paths of the properties whose values are sealed as they were sent, in the
	// contract's order. With any, the table has a vault table.
	Recover []string

	// Subject is the column that says which person an event is about; "" without one.
	Subject string
}

// FullName is the schema and the name, joined by a dot, for people.
func (t Table) FullName() string { return t.Schema + "." + t.Name }

// VaultSchema is the schema of the vault; see [Table.Vault].
const VaultSchema = "sqs2pg_vault"

// OfVault are the tables in VaultSchema that belong to no contract.
var OfVault = []string{"recipients", "sessions"}

// Vault returns the schema and the name of the table's vault table: its own name in sqs2pg_vault, or
// in sqs2pg_vault_SCHEMA for a table that is not in public.
func (t Table) Vault() (schema, name string) {
	if t.Schema == "public" {
		return VaultSchema, t.Name
	}
	return VaultSchema + "_" + t.Schema, t.Name
}

// Guarded reports whether each transaction that writes to the table has to enter, so that no row of
// an erased person is written again.
func (t Table) Guarded() bool { return t.HasVault() || t.Subject != "" }

// HasVault reports whether the originals of a property are sealed.
func (t Table) HasVault() bool { return len(t.Recover) > 0 }

// SubjectDomain is the domain of the tokens that stand for a person in the vault and in erasures;
// see [mask.Keyring.TokenBy].
const SubjectDomain = "sqs2pg/subject/v1"

// Mode says what happens to a second event for the same key.
type Mode uint8

// The modes of x-write.
const (
	Insert Mode = iota // each event is a row
	Upsert             // the newest event of a key wins
)

// String returns the name that x-write uses.
func (m Mode) String() string {
	if m == Upsert {
		return "upsert"
	}
	return "insert"
}

// Column is one column and the property that fills it. Names are lower-case identifiers that
// Postgres takes without quotes, unless they are key words.
type Column struct {
	Name     string
	Type     Type
	Required bool      // NOT NULL: every valid message has the value
	Mask     mask.Kind // every mask but None makes the type Text
	Path     string    // the property's path from the root, joined by dots

	// Domain and Form are part of what makes the tokens of equal values equal: the domain of
	// [mask.Keyring.Token], and the form in which a value is masked: FormIP, FormUUID, or "" for as
	// it is written. Both are empty for other masks.
	Domain, Form string

	// Inside lists what the contract declares inside of a JSONB column, sorted by path; nil if the
	// whole value is stored as it comes.
	Inside []Inside
}

// Inside is a value inside of a JSONB column that is stored, and is masked or has no declared
// values inside of itself.
type Inside struct {
	// Path has the names of members from the column, joined by dots. It has [0] for an element of
	// prefixItems, * for other elements, {PATTERN} for members that patternProperties declares, and
	// {*} for other members. In names and patterns ~0 stands for ~ and ~1 for a dot, and a name
	// that is empty or begins with *, [ or { has a ~ in front. So no two places share a path.
	Path string
	Mask string // none, or as [masking.Masking.String] prints it: token "email"
}

// HasTokens reports whether a value of the column, or one inside of it, is masked by token.
func (c Column) HasTokens() bool {
	return c.Mask == mask.Token || slices.ContainsFunc(c.Inside, func(i Inside) bool { return strings.HasPrefix(i.Mask, mask.Token.String()) })
}

// The columns that every table has besides those of its contract. No contract may use these names.
const (
	CreateDate = "create_date" // the UTC date of sent_at
	SentAt     = "sent_at"     // when the event was sent to the queue
	EventID    = "event_id"    // identifies the event over every redelivery
)

// EventVersion is a column of tables in upsert mode only: of two events of the same time, the one
// with the greater version is newer. It is null where that is the event id.
const EventVersion = "event_version"

// Reserved describes the columns that the table has besides those of its contract.
func (t Table) Reserved() []Column {
	if t.Mode == Upsert {
		return append(ReservedColumns(), Column{Name: EventVersion, Type: UUID})
	}
	return ReservedColumns()
}

// ReservedColumns describes CreateDate, SentAt and EventID, in this order.
func ReservedColumns() []Column {
	return []Column{
		{Name: CreateDate, Type: Date},
		{Name: SentAt, Type: Timestamptz, Required: true},
		{Name: EventID, Type: UUID, Required: true},
	}
}

// SystemColumns are the columns that Postgres itself adds to every table. See "System Columns",
// https://www.postgresql.org/docs/current/ddl-system-columns.html.
var SystemColumns = []string{"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}

// Type is the type of a column. A Numeric with a precision and a scale, made by [NumericOf],
// differs from Numeric and from all others.
type Type uint32

// The types of columns, and what fills them: a string, or any masked value (Text); an integer
// (BigInt); a number (Double); a boolean; a string of format uuid, date or date-time; an array, or
// an object that declares no properties (JSONB); a string, an integer or a number with x-type
// (Numeric). A Numeric is exact, with at most 309 digits before the point and 1,000 after it.
const (
	Text Type = iota
	BigInt
	Double
	Boolean
	UUID
	Date
	Timestamptz
	JSONB
	Numeric
)

// Where precision and scale are in a Type, each of ten bits.
const (
	precisionShift = 8
	scaleShift     = 18
	limitMask      = 1<<10 - 1
)

// NumericOf is numeric(precision, scale): at most precision digits, of which scale are after the
// point; 0 <= scale <= precision and 1 <= precision <= 1000, as in Postgres.
func NumericOf(precision, scale int) Type {
	return Numeric | Type(precision)<<precisionShift | Type(scale)<<scaleShift
}

// Base is the type without precision and scale.
func (t Type) Base() Type { return t & (1<<precisionShift - 1) }

// Limits returns precision and scale of a type made by NumericOf, and false for any other.
func (t Type) Limits() (precision, scale int, ok bool) {
	precision, scale = int(t>>precisionShift&limitMask), int(t>>scaleShift&limitMask)
	return precision, scale, precision > 0
}

var typeNames = [...]string{
	Text: "text", BigInt: "bigint", Double: "double precision", Boolean: "boolean",
	UUID: "uuid", Date: "date", Timestamptz: "timestamptz", JSONB: "jsonb", Numeric: "numeric",
}

// String returns the type's name in SQL.
func (t Type) String() string {
	if precision, scale, ok := t.Limits(); ok {
		return fmt.Sprintf("%s(%d,%d)", typeNames[t.Base()], precision, scale)
	}
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("Type(%d)", t)
}
