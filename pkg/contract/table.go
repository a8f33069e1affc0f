package contract

import (
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/contract/violation"
)

// What a contract says of its table. Package table documents it; these names
// spare the writer another import.
type (
	Table  = table.Table
	Column = table.Column
	Inside = table.Inside
	Mode   = table.Mode
	Type   = table.Type
)

// Violation says which rule a message breaks, and where.
type Violation = violation.Violation

// The modes of a table.
const (
	Insert = table.Insert
	Upsert = table.Upsert
)

// The types of columns.
const (
	Text        = table.Text
	BigInt      = table.BigInt
	Double      = table.Double
	Boolean     = table.Boolean
	UUID        = table.UUID
	Date        = table.Date
	Timestamptz = table.Timestamptz
	JSONB       = table.JSONB
	Numeric     = table.Numeric
)

// The columns that every table has besides those of its contract.
const (
	CreateDate = table.CreateDate
	SentAt     = table.SentAt
	EventID    = table.EventID
)

// EventVersion is a column of tables in upsert mode only.
const EventVersion = table.EventVersion
