package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// outline is what a contract's document says beyond its compiled schema: the
// order of its properties, which becomes the order of the columns.
type outline struct {
	order    map[jsontext.Pointer][]string // by the pointer of the schema that declares them
	declared map[string]bool               // every property's name, at any depth
}

// shape says where a keyword's value holds further schemas.
type shape uint8

const (
	plain  shape = iota // nowhere
	one                 // the value is a schema
	list                // the value is an array of schemas
	byName              // the value is an object of schemas
)

// keywords are those of JSON Schema 2020-12. JSON Schema ignores what it does not
// know, so that "requierd" checks nothing; here it is a mistake.
var keywords = map[string]shape{
	"$schema": plain, "$id": plain, "$anchor": plain, "$ref": plain, "$dynamicRef": plain,
	"$dynamicAnchor": plain, "$comment": plain, "$defs": byName,

	"title": plain, "description": plain, "default": plain, "examples": plain,
	"deprecated": plain, "readOnly": plain, "writeOnly": plain,

	"type": plain, "enum": plain, "const": plain, "format": plain, "pattern": plain,
	"minLength": plain, "maxLength": plain, "multipleOf": plain, "minimum": plain,
	"maximum": plain, "exclusiveMinimum": plain, "exclusiveMaximum": plain,
	"minItems": plain, "maxItems": plain, "uniqueItems": plain, "minContains": plain,
	"maxContains": plain, "minProperties": plain, "maxProperties": plain,
	"required": plain, "dependentRequired": plain,
	"contentEncoding": plain, "contentMediaType": plain, "contentSchema": one,

	"properties": byName, "patternProperties": byName, "dependentSchemas": byName,
	"additionalProperties": one, "unevaluatedProperties": one, "propertyNames": one,
	"items": one, "prefixItems": list, "contains": one, "unevaluatedItems": one,
	"allOf": list, "anyOf": list, "oneOf": list, "not": one, "if": one, "then": one, "else": one,
}

// place is where a schema stands, which decides about the keywords of our own.
type place uint8

const (
	elsewhere  place = iota // under items, anyOf and so on: it never becomes a column
	atRoot                  // the contract itself
	atProperty              // a property of the root or of a nested object
)

func readOutline(document []byte) (*outline, error) {
	o := &outline{order: map[jsontext.Pointer][]string{}, declared: map[string]bool{}}
	d := jsontext.NewDecoder(bytes.NewBuffer(document))
	if d.PeekKind() != '{' {
		return nil, errors.New("it is not a JSON object: a contract is a JSON Schema, see infra/contracts/user_logins.json")
	}
	err := o.schema(d, atRoot)
	if err == nil {
		_, err = d.ReadToken()
		if err == io.EOF {
			return o, nil
		}
		if err == nil {
			err = errors.New("something follows the JSON object: remove it")
		}
	}
	return nil, explainSyntax(err)
}

func explainSyntax(err error) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return err
	}
	return fmt.Errorf("%s: it is not valid JSON: %w", pointerText(syntax.JSONPointer), syntax.Err)
}

// schema reads one schema and refuses the keywords that have no meaning there.
func (o *outline) schema(d *jsontext.Decoder, at place) error {
	if d.PeekKind() != '{' {
		return d.SkipValue() // true, false, or what the meta-schema refuses
	}
	here := d.StackPointer()
	return members(d, func(keyword string) error {
		if err := checkKeyword(here, keyword, at); err != nil {
			return err
		}
		below := elsewhere
		if keyword == "properties" && at != elsewhere {
			below = atProperty
		}
		switch shape := keywords[keyword]; {
		case shape == one:
			return o.schema(d, elsewhere)
		case shape == list && d.PeekKind() == '[':
			return o.schemas(d)
		case shape == byName && d.PeekKind() == '{':
			return members(d, func(name string) error {
				if keyword == "properties" {
					o.order[here] = append(o.order[here], name)
					o.declared[name] = true
				}
				return o.schema(d, below)
			})
		default:
			return d.SkipValue()
		}
	})
}

func (o *outline) schemas(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := o.schema(d, elsewhere); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// members reads an object; value must read the value of the member it is given.
func members(d *jsontext.Decoder, value func(name string) error) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := value(name.String()); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func checkKeyword(here jsontext.Pointer, keyword string, at place) error {
	where := pointerText(here.AppendToken(keyword))
	if _, ok := keywords[keyword]; ok {
		return nil
	}
	allowed, ok := annotationPlaces[keyword]
	switch {
	case !ok:
		return fmt.Errorf("%s: unknown keyword %q%s", where, keyword, suggest(keyword, slices.Concat(
			slices.Collect(maps.Keys(keywords)), slices.Collect(maps.Keys(annotationPlaces)))))
	case allowed == at:
		return nil
	case allowed == atRoot:
		return fmt.Errorf("%s: %s belongs at the root of the contract: move it there", where, keyword)
	default:
		return fmt.Errorf("%s: %s belongs on a property that becomes a column: move it there", where, keyword)
	}
}

func pointerText(p jsontext.Pointer) string {
	if p == "" {
		return "/"
	}
	return string(p)
}

// suggest names the candidate that a misspelt word most likely means.
func suggest(word string, candidates []string) string {
	slices.Sort(candidates)
	best, bestDistance := "", 1+len(word)/2
	for _, candidate := range candidates {
		if n := distance(strings.ToLower(word), strings.ToLower(candidate)); n < bestDistance {
			best, bestDistance = candidate, n
		}
	}
	if best == "" {
		return ": remove it"
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// distance is the number of letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
