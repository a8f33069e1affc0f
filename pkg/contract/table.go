package contract

import "sqs2pg/pkg/contract/schema"

// What a contract says of its table. Package schema compiles it and documents it; these names spare
// the writer an import of the compiler.
type (
	Table  = schema.Table
	Column = schema.Column
	Inside = schema.Inside
	Mode   = schema.Mode
	Type   = schema.Type
)

// The modes of a table.
const (
	Insert = schema.Insert
	Upsert = schema.Upsert
)

// The types of columns.
const (
	Text        = schema.Text
	BigInt      = schema.BigInt
	Double      = schema.Double
	Boolean     = schema.Boolean
	UUID        = schema.UUID
	Date        = schema.Date
	Timestamptz = schema.Timestamptz
	JSONB       = schema.JSONB
	Numeric     = schema.Numeric
)

// The columns that every table has besides those of its contract.
const (
	CreateDate = schema.CreateDate
	SentAt     = schema.SentAt
	EventID    = schema.EventID
)

// ReservedColumns describes CreateDate, SentAt and EventID, in this order.
func ReservedColumns() []Column { return schema.ReservedColumns() }
