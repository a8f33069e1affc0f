package contract

import "sqs2pg/pkg/privacy"

// Record is a decoded message that keeps to its contract. Its values are raw, so it has no
// accessor: all that can be done with it is [Contract.Mask]. It is immutable and safe for
// concurrent use, unless it is one of a batch, see [Rows.Decode].
type Record struct {
	privacy.Hidden
	contract *Contract
	content  func() *content // see [privacy.Hidden]
	serial   int             // that the content must have
}

// content is what a record says. That of a batch is used again for each record.
type content struct {
	serial int
	values []Value      // by the property's column
	masked []maskedText // of stored values
}
