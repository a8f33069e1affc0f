package document

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Mistake is one mistake in a document.
type Mistake struct {
	At   jsontext.Pointer // where it is
	Text string           // what is wrong, and what to do about it

	Line, Column int // from 1, in characters; 0 if the place has not been looked up
}

// MistakeAt returns a mistake with a text that is formatted as by [fmt.Sprintf].
func MistakeAt(at jsontext.Pointer, format string, args ...any) Mistake {
	return Mistake{At: at, Text: fmt.Sprintf(format, args...)}
}

// Error returns the place of the mistake in the text, its JSON pointer, and what is wrong. The root
// of the document is "/".
func (m Mistake) Error() string {
	text := cmp.Or(string(m.At), "/") + ": " + m.Text
	if m.Line > 0 {
		text = fmt.Sprintf("line %d, column %d: %s", m.Line, m.Column, text)
	}
	return text
}

// Mistakes are all mistakes of a document, in the order in which they were found.
type Mistakes []Mistake

// Error returns the text of the only mistake, or a list with one mistake a line.
func (m Mistakes) Error() string {
	if len(m) == 1 {
		return m[0].Error()
	}
	text := strconv.Itoa(len(m)) + " mistakes:"
	for _, one := range m {
		text += "\n  " + one.Error()
	}
	return text
}

// Unwrap returns the mistakes one by one.
func (m Mistakes) Unwrap() []error {
	errs := make([]error, len(m))
	for i, one := range m {
		errs[i] = one
	}
	return errs
}

// With returns the known mistakes and those that a later stage has found. It leaves out each found
// mistake that may follow from a known one: at the same place, or at a value that has a known
// mistake inside of it. It does not change m.
func (m Mistakes) With(found ...Mistake) Mistakes {
	all := slices.Clone(m)
	for _, f := range found {
		if !slices.ContainsFunc(m, func(known Mistake) bool { return f.At.Contains(known.At) }) {
			all = append(all, f)
		}
	}
	return all
}

// RemoveFrom takes the values with mistakes out of a document that is decoded to maps and slices,
// so that the rest can be checked. It reports whether that has changed the document.
func (m Mistakes) RemoveFrom(document any) bool {
	changed := false
	for _, one := range m {
		changed = remove(document, one.At) || changed
	}
	return changed
}

// remove removes the member at a pointer. For a pointer into an array, it removes the member that
// holds the array.
func remove(document any, at jsontext.Pointer) bool {
	var holder map[string]any
	var name string
	for token := range at.Tokens() {
		switch value := document.(type) {
		case map[string]any:
			holder, name, document = value, token, value[token]
		case []any:
			if i, err := strconv.Atoi(token); err == nil && i < len(value) {
				document = value[i]
			}
		}
	}
	_, found := holder[name]
	delete(holder, name)
	return found
}
