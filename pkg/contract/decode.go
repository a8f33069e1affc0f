package contract

import (
	"sync"
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
	d := decodings.Get().(*decoding)
	defer d.release()
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
	return Record{contract: c, contents: d.contents, index: d.used - 1}, nil
}

// decoding is the state of one Decode. All of it is used again, except for the content, which goes
// to the record.
type decoding struct {
	scan.Cursor // fails if the syntax of the message has a mistake
	*content
	schema     *schema.Schema
	seen       []bool   // by the property's slot
	undeclared [][]byte // names of the undeclared members of the objects that the cursor is in
	scratch    []byte
	texts      scan.Texts
	violation  *Violation // the first one

	contents func() []content // of this record and some more
	used     int              // of them
	space    []Value          // for the values of the next records
}

var decodings = sync.Pool{New: func() any { return &decoding{contents: func() []content { return nil }} }}

const (
	maxScratch = 64 << 10
	spaceSize  = 256 // values
)

func (d *decoding) begin(c *Contract, body []byte) {
	d.Cursor, d.schema = scan.New(body), c.schema
	n := len(c.schema.Columns)
	if len(d.space) < n || d.used == len(d.contents()) {
		records := max(1, spaceSize/max(n, 1))
		contents := make([]content, records)
		d.contents, d.used, d.space = func() []content { return contents }, 0, make([]Value, records*n)
	}
	d.content = &d.contents()[d.used]
	d.used++
	d.values, d.space = d.space[:n:n], d.space[n:]
	if cap(d.seen) < c.schema.Properties {
		d.seen = make([]bool, c.schema.Properties)
	}
	d.seen = d.seen[:c.schema.Properties]
	clear(d.seen)
}

// release lets go of the message, and of scratch space that an unusually long message has grown.
func (d *decoding) release() {
	if cap(d.scratch) > maxScratch {
		d.scratch = nil
	}
	clear(d.undeclared[:cap(d.undeclared)])
	d.Cursor, d.schema, d.content, d.undeclared, d.violation = scan.Cursor{}, nil, nil, d.undeclared[:0], nil
	decodings.Put(d)
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
