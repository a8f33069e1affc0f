package contract

import (
	"unicode/utf8"

	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/scan"
)

// Decode reads one message and checks it against the contract. Every error is a [*Violation], and
// names one mistake. A mistake of the text as a whole (not JSON, duplicate members, trailing bytes)
// goes before mistakes of values. Of these, the first in the message is named; a missing property
// counts where its object ends, and of several the first in the contract's order is named. Decode
// neither keeps nor changes body and is safe for concurrent use.
func (c *Contract) Decode(body []byte) (Record, error) {
	return new(decoding).decode(c, body)
}

// Decode is [Contract.Decode] for a batch. It is cheaper, because the record is valid only until
// the next one is decoded.
func (r *Rows) Decode(body []byte) (Record, error) { return r.decoding.decode(r.contract, body) }

// decoding is the state of one Decode. All of it is used again for the next one.
type decoding struct {
	scan.Cursor // fails if the syntax of the message has a mistake
	*content
	kept       func() *content
	schema     *schema.Schema
	seen       []bool   // by the property's slot
	undeclared [][]byte // names of the undeclared members of the objects that the cursor is in
	scratch    []byte
	texts      scan.Texts
	violation  *Violation // the first one
}

func (d *decoding) decode(c *Contract, body []byte) (Record, error) {
	d.begin(c, body)
	if !d.message(body) {
		return Record{}, syntaxViolation(c.schema, body)
	}
	if d.violation == nil && c.schema.Library != nil {
		d.violation = c.validate(body)
	}
	if d.violation != nil {
		return Record{}, d.violation
	}
	return Record{contract: c, content: d.kept, serial: d.serial}, nil
}

func (d *decoding) begin(c *Contract, body []byte) {
	d.Cursor, d.schema, d.violation = scan.New(body), c.schema, nil
	if d.content == nil {
		kept := &content{values: make([]Value, len(c.schema.Columns))}
		d.content, d.kept = kept, func() *content { return kept }
		d.seen = make([]bool, c.schema.Properties)
	}
	clear(d.values)
	clear(d.seen)
	d.masked = d.masked[:0]
	d.serial++
}

// message reads the whole body. It returns false if the syntax has a mistake; a value that breaks a
// rule is noted in d.violation.
func (d *decoding) message(body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	d.object(d.schema.Root)
	return d.Peek() == 0 && d.At() == len(body) && !d.Failed()
}
