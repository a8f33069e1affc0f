package document

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	errorkind "github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// URL stands for the document in the schema library, which names schemas by URL.
const URL = "contract:///contract.json"

// Explain rewrites an error of the schema library for the author of a contract.
func Explain(err error) Mistakes {
	var invalid *jsonschema.SchemaValidationError
	var complaints *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &complaints) {
		return clearest(complaints)
	}
	return Mistakes{{Text: strings.ReplaceAll(err.Error(), URL, "")}}
}

// clearest returns one complaint of the meta-schema for each place. If a place has several, the
// complaint about the type says least. A complaint about what is inside of a place says more than
// one about the place.
func clearest(e *jsonschema.ValidationError) Mistakes {
	all := complaints(nil, message.NewPrinter(language.English), e)
	slices.SortFunc(all, func(a, b complaint) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.rank, b.rank), cmp.Compare(a.Text, b.Text))
	})
	var found Mistakes
	for i, c := range all {
		isFirst := i == 0 || all[i-1].At != c.At
		hasInner := slices.ContainsFunc(all, func(other complaint) bool { return other.At != c.At && c.At.Contains(other.At) })
		if isFirst && !hasInner {
			found = append(found, c.Mistake)
		}
	}
	return found
}

// complaint is what the meta-schema says of one value.
type complaint struct {
	Mistake
	rank int // 1 for a complaint about the type
}

func complaints(all []complaint, printer *message.Printer, e *jsonschema.ValidationError) []complaint {
	if len(e.Causes) == 0 {
		c := complaint{Mistake: Mistake{Text: e.ErrorKind.LocalizedString(printer)}}
		for _, token := range e.InstanceLocation {
			c.At = c.At.AppendToken(token)
		}
		if _, ok := e.ErrorKind.(*errorkind.Type); ok {
			c.rank = 1
		}
		all = append(all, c)
	}
	for _, cause := range e.Causes {
		all = complaints(all, printer, cause)
	}
	return all
}
