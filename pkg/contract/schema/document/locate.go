package document

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Locate adds line and column to mistakes and sorts by them. The place is that of the member or
// element where the mistake is, or of the innermost one around it that exists.
func (t *Text) Locate(mistakes Mistakes) {
	for i, m := range mistakes {
		mistakes[i].Line, mistakes[i].Column = lineAndColumn(t.source, t.offset(m.At))
	}
	slices.SortStableFunc(mistakes, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// offset is where the value at a pointer begins in the document; for a member, where its name does.
func (t *Text) offset(at jsontext.Pointer) (offset int) {
	d := jsontext.NewDecoder(bytes.NewReader(t.source))
	var found jsontext.Pointer
	for {
		start := int(d.InputOffset())
		if _, err := d.ReadToken(); err != nil {
			return offset
		}
		if here := d.StackPointer(); len(here) > len(found) && here.Contains(at) {
			found, offset = here, start+gap(t.source[start:])
		}
	}
}

// gap is the number of bytes before the next token.
func gap(text []byte) int {
	return len(text) - len(bytes.TrimLeft(text, " \t\r\n,:"))
}

// lineAndColumn counts from 1, columns in characters.
func lineAndColumn(text []byte, offset int) (line, column int) {
	before := text[:min(max(offset, 0), len(text))]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[lineStart:])
}
