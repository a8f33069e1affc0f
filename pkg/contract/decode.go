package contract

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Decode reads one message and checks it against the contract. Every error is a
// [*Violation]. What is wrong with the text as a whole (no JSON, duplicate
// members, trailing bytes) goes before what is wrong with a value; of several
// values the first in the message is named, and a missing property where its
// object ends, in the contract's order. Decode neither keeps nor changes body
// and is safe for concurrent use.
func (c *Contract) Decode(body []byte) (Record, error) {
	d := decodings.Get().(*decoding)
	defer d.release()
	d.begin(c, body)
	if err := d.message(); err != nil {
		return Record{}, d.syntaxViolation(body, err)
	}
	if d.violation == nil && c.schema != nil {
		d.violation = c.validate(body)
	}
	if d.violation != nil {
		return Record{}, d.violation
	}
	return Record{contract: c, values: newValues(d.values)}, nil
}

// decoding is the state of one Decode. All of it but the values, which become
// the record's, is used again.
type decoding struct {
	contract  *Contract
	body      bytes.Buffer // jsontext reads a bytes.Buffer in place and leaves it unchanged
	json      *jsontext.Decoder
	values    []Value
	seen      []bool // by property.slot
	scratch   []byte
	violation *Violation // the first one
}

var decodings = sync.Pool{New: func() any {
	d := new(decoding)
	d.json = jsontext.NewDecoder(&d.body)
	return d
}}

const maxScratch = 64 << 10

func (d *decoding) begin(c *Contract, body []byte) {
	d.contract = c
	d.body = *bytes.NewBuffer(body)
	d.values = make([]Value, len(c.columns))
	if cap(d.seen) < c.slots {
		d.seen = make([]bool, c.slots)
	}
	d.seen = d.seen[:c.slots]
	clear(d.seen)
}

// release lets go of the message, and of the space that an uncommonly long one took.
func (d *decoding) release() {
	if cap(d.scratch) > maxScratch {
		d.scratch = nil
	}
	d.contract, d.values, d.violation = nil, nil, nil
	d.body = bytes.Buffer{}
	d.json.Reset(&d.body)
	decodings.Put(d)
}

var (
	errNotObject = errors.New("not an object")
	errTrailing  = errors.New("trailing bytes")
)

// message reads the whole body. Its error is one of the text's syntax; what is
// wrong with values it notes in d.violation.
func (d *decoding) message() error {
	if kind := d.json.PeekKind(); kind != '{' {
		if err := d.json.SkipValue(); err != nil {
			return err
		}
		return errNotObject
	}
	if err := d.object(&d.contract.root); err != nil {
		return err
	}
	if _, err := d.json.ReadToken(); err != io.EOF {
		return errTrailing
	}
	return nil
}
