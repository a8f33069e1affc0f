package schema

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	errorkind "github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// errFormat is all that the schema library is told of a value that breaks a format: its errors
// quote their cause.
var errFormat = errors.New("format")

// explain rewrites an error of the schema library for the author of a contract.
func explain(err error) error {
	var invalid *jsonschema.SchemaValidationError
	var mistakes *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &mistakes) {
		return firstMistake(mistakes)
	}
	var remote *jsonschema.LoadURLError
	if errors.As(err, &remote) {
		return fmt.Errorf("$ref to %s: a contract is one document: put the schema under $defs", strings.TrimPrefix(remote.URL, "contract://"))
	}
	var missing *jsonschema.JSONPointerNotFoundError
	if errors.As(err, &missing) {
		return fmt.Errorf("$ref to %s: there is no such schema", strings.TrimPrefix(missing.URL, documentURL))
	}
	return errors.New(strings.ReplaceAll(err.Error(), documentURL, ""))
}

// firstMistake picks one complaint of the meta-schema: the first by its pointer. If a place has
// several, the complaint about the type says least and comes last.
func firstMistake(e *jsonschema.ValidationError) error {
	type mistake struct {
		pointer string
		rank    int
		text    string
	}
	var all []mistake
	printer := message.NewPrinter(language.English)
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			m := mistake{pointer: "/" + strings.Join(e.InstanceLocation, "/"), text: e.ErrorKind.LocalizedString(printer)}
			if _, ok := e.ErrorKind.(*errorkind.Type); ok {
				m.rank = 1
			}
			all = append(all, m)
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
	}
	walk(e)
	first := slices.MinFunc(all, func(a, b mistake) int {
		return cmp.Or(cmp.Compare(a.pointer, b.pointer), cmp.Compare(a.rank, b.rank), cmp.Compare(a.text, b.text))
	})
	return fmt.Errorf("%s: %s", first.pointer, first.text)
}
