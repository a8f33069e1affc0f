package contract

import "sqs2pg/pkg/privacy"

// Record is a decoded message that keeps to its contract. Its values are raw, so it has no
// accessor: all that can be done with it is [Contract.Mask]. It is immutable and safe for
// concurrent use.
type Record struct {
	privacy.Hidden
	contract *Contract
	contents func() []content // of several records, see [privacy.Hidden]
	index    int              // of this record's
}

type content struct {
	values []Value      // by the property's column
	masked []maskedText // of stored values
}
