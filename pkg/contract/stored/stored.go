// Package stored makes the text of jsonb columns: it copies a valid JSON value without white space
// and without what the contract does not store, and notes what is to be masked.
package stored

import (
	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/masking"
	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/contract/schema/shape"
	"sqs2pg/pkg/contract/violation"
	"sqs2pg/pkg/mask"
)

// Masked is a string or a number inside of a stored value that is to be masked: where it stands in
// the text of its column, a string with its quotes.
type Masked struct {
	Column     int
	start, end int
	masking    masking.Masking
}

// Append copies the value raw, which has this shape and stands at a depth of nesting, to out, which
// is empty. It leaves out white space, members that are not declared, and dropped members; dropped
// elements become null. It appends what is to be masked to masked, and returns the rule that the
// value breaks, if any.
func Append(out, raw []byte, of shape.Shape, depth, column int, masked []Masked) ([]byte, []Masked, string) {
	w := storing{raw: raw, out: out, column: column, depth: depth, masked: masked}
	w.value(of)
	return w.out, w.masked, w.rule
}

// storing copies one valid value.
type storing struct {
	raw    []byte
	i      int // of the next byte of raw
	out    []byte
	column int
	depth  int
	masked []Masked
	rule   string // the first rule that the value breaks
}

func (w *storing) violate(rule string) {
	if w.rule == "" {
		w.rule = rule
	}
}

// next returns the first byte of the next token.
func (w *storing) next() byte {
	for {
		switch c := w.raw[w.i]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
			w.i++
		default:
			return c
		}
	}
}

func (w *storing) value(of shape.Shape) {
	switch c := w.next(); {
	case (c == '{' || c == '[') && w.depth == violation.MaxNesting:
		w.violate(violation.Nesting)
		w.skip()
	case c == '{':
		w.object(of)
	case c == '[':
		w.array(of)
	case c == '"':
		w.text(of)
	case c == '-' || c >= '0' && c <= '9':
		w.number(of)
	default: // true, false or null
		start := w.i
		w.i = scalarEnd(w.raw, w.i)
		w.out = append(w.out, w.raw[start:w.i]...)
	}
}

func (w *storing) number(of shape.Shape) {
	start := w.i
	w.i = scalarEnd(w.raw, w.i)
	if !scalar.InProportion(w.raw[start:w.i]) {
		w.violate(violation.Range)
	}
	w.copy(of, w.raw[start:w.i])
}

func (w *storing) object(of shape.Shape) {
	w.open()
	for w.next() != '}' {
		start := w.i
		w.i = stringEnd(w.raw, w.i)
		quoted := w.raw[start:w.i]
		name, _ := jsontext.AppendUnquote(nil, quoted)
		member, keep := of.Member(string(name))
		if !keep || member.Masking().Kind == mask.Drop {
			w.skip()
			continue
		}
		if holdsNUL(quoted) {
			w.violate(violation.NUL)
		}
		w.separate('{')
		w.out = append(append(w.out, quoted...), ':')
		w.value(member)
	}
	w.close()
}

func (w *storing) array(of shape.Shape) {
	w.open()
	for i := 0; w.next() != ']'; i++ {
		w.separate('[')
		element := of.Element(i)
		if element.Masking().Kind == mask.Drop {
			w.skip()
			w.out = append(w.out, "null"...)
			continue
		}
		w.value(element)
	}
	w.close()
}

// open copies the bracket at which an object or an array begins.
func (w *storing) open() {
	w.depth++
	w.out = append(w.out, w.raw[w.i])
	w.i++
}

// close copies the bracket at which it ends.
func (w *storing) close() {
	w.depth--
	w.out = append(w.out, w.raw[w.i])
	w.i++
}

// separate writes a comma, unless the value is the first after the opening bracket.
func (w *storing) separate(bracket byte) {
	if w.out[len(w.out)-1] != bracket {
		w.out = append(w.out, ',')
	}
}

func (w *storing) text(of shape.Shape) {
	start := w.i
	w.i = stringEnd(w.raw, start)
	quoted := w.raw[start:w.i]
	if holdsNUL(quoted) {
		w.violate(violation.NUL)
	}
	w.copy(of, quoted)
}

// copy copies a string or a number, and notes how it is masked. Of two types that a contract
// allows, one may be masked.
func (w *storing) copy(of shape.Shape, text []byte) {
	w.out = append(w.out, text...)
	if m := of.Masking(); m.Kind != mask.None && m.MasksNumbers() == (text[0] != '"') {
		w.masked = append(w.masked, Masked{w.column, len(w.out) - len(text), len(w.out), m})
	}
}

// skip passes over a value that is not stored.
func (w *storing) skip() {
	w.next()
	start := w.i
	w.i = valueEnd(w.raw, w.i)
	if IsTooDeep(w.raw[start:w.i], w.depth) {
		w.violate(violation.Nesting)
	}
}

// Mask replaces strings and numbers in the text of a column. masked is in the order of their
// places.
func Mask(k *mask.Keyring, text string, masked []Masked) string {
	var out []byte
	end := 0
	for _, m := range masked {
		out = appendMasked(append(out, text[end:m.start]...), k, &m.masking, text[m.start:m.end])
		end = m.end
	}
	return string(append(out, text[end:]...))
}

// appendMasked appends what a mask makes of a string or a number in JSON.
func appendMasked(out []byte, k *mask.Keyring, m *masking.Masking, value string) []byte {
	var text string
	if value[0] == '"' {
		unquoted, _ := jsontext.AppendUnquote(nil, value)
		text = m.Text(string(unquoted))
	} else {
		text = m.Number([]byte(value))
		if m.Kind != mask.Token {
			return append(out, text...)
		}
	}
	if m.Kind == mask.Token {
		text = k.Token(m.Domain, text)
	}
	out, _ = jsontext.AppendQuote(out, text)
	return out
}
