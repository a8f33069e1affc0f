package schema

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

// errFormat is all that the schema library is told of a value that breaks a format: its errors
// quote their cause.
var errFormat = errors.New("format")

// explain rewrites an error of the schema library for the author of a contract.
func explain(err error) mistakes {
	var invalid *jsonschema.SchemaValidationError
	var complaints *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &complaints) {
		return clearest(complaints)
	}
	return mistakes{{text: strings.ReplaceAll(err.Error(), documentURL, "")}}
}

// clearest returns one complaint of the meta-schema for each place. If a place has several, the
// complaint about the type says least. A complaint about what is inside of a place says more than
// one about the place.
func clearest(e *jsonschema.ValidationError) mistakes {
	all := complaints(nil, message.NewPrinter(language.English), e)
	slices.SortFunc(all, func(a, b complaint) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank), cmp.Compare(a.text, b.text))
	})
	var found mistakes
	for i, c := range all {
		isFirst := i == 0 || all[i-1].at != c.at
		hasInner := slices.ContainsFunc(all, func(other complaint) bool { return other.at != c.at && c.at.Contains(other.at) })
		if isFirst && !hasInner {
			found = append(found, c.mistake)
		}
	}
	return found
}

// complaint is what the meta-schema says of one value.
type complaint struct {
	mistake
	rank int // 1 for a complaint about the type
}

func complaints(all []complaint, printer *message.Printer, e *jsonschema.ValidationError) []complaint {
	if len(e.Causes) == 0 {
		c := complaint{mistake: mistake{text: e.ErrorKind.LocalizedString(printer)}}
		for _, token := range e.InstanceLocation {
			c.at = c.at.AppendToken(token)
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
