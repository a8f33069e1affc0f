package schema

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// mistake is one mistake in a document: where it is, and what to do about it.
type mistake struct {
	at   jsontext.Pointer
	text string
}

func mistakeAt(at jsontext.Pointer, format string, args ...any) mistake {
	return mistake{at, fmt.Sprintf(format, args...)}
}

func (m mistake) Error() string {
	if m.at == "" {
		return "/: " + m.text
	}
	return string(m.at) + ": " + m.text
}

// mistakes are all that is wrong with a document, in the order in which the stages found them.
type mistakes []mistake

// Error is the text of the only mistake, or a list with one mistake a line.
func (m mistakes) Error() string {
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
func (m mistakes) Unwrap() []error {
	errs := make([]error, len(m))
	for i, one := range m {
		errs[i] = one
	}
	return errs
}

// with adds what a later stage has found. It leaves out what may follow from the mistakes that are
// known: those at the same place, and those at a value that has a known mistake inside of it.
func (m mistakes) with(found ...mistake) mistakes {
	all := slices.Clone(m)
	for _, f := range found {
		if !slices.ContainsFunc(m, func(known mistake) bool { return f.at.Contains(known.at) }) {
			all = append(all, f)
		}
	}
	return all
}

// removeFrom takes the values with mistakes out of a document that is decoded to maps and slices,
// so that the rest can be checked. It reports whether that has changed the document.
func (m mistakes) removeFrom(document any) bool {
	changed := false
	for _, one := range m {
		changed = remove(document, one.at) || changed
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
