package contract

import "sqs2pg/pkg/privacy"

// Record is a decoded message that keeps to its contract. Its values are raw, so it has no
// accessor: all that can be done with it is [Contract.Mask]. It is immutable and safe for
// concurrent use.
type Record struct {
	privacy.Hidden
	contract *Contract
	values   values
	masked   []maskedText // of stored values
}

// values are behind a function because printing by reflection cannot look into a function.
// privacy.Hidden is not enough where a Record or a Row is an unexported field of another struct:
// fmt calls no method there and prints the fields that it finds.
type values func() []Value

func newValues(v []Value) values { return func() []Value { return v } }
