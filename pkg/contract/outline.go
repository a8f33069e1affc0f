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
	if err := o.schema(d, atRoot); err != nil {
		return nil, explainSyntax(document, err)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errors.New("something follows the JSON object: remove it")
	}
	return o, nil
}

// explainSyntax gives the line of a mistake in the JSON itself.
func explainSyntax(document []byte, err error) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return err
	}
	before := document[:min(int(syntax.ByteOffset), len(document))]
	return fmt.Errorf("%s: line %d is not valid JSON: %w", pointerText(syntax.JSONPointer), 1+bytes.Count(before, []byte("\n")), syntax.Err)
}

// schema reads one schema and refuses the keywords that have no meaning there.
func (o *outline) schema(d *jsontext.Decoder, at place) error {
	if d.PeekKind() != '{' {
		return d.SkipValue() // true, false, or what the meta-schema refuses
	}
	return members(d, func(here jsontext.Pointer, keyword string) error {
		if err := checkKeyword(here, keyword, at); err != nil {
			return err
		}
		switch shape := keywords[keyword]; {
		case keyword == "$schema":
			return checkDraft(d, here)
		case shape == one:
			return o.schema(d, elsewhere)
		case shape == list && d.PeekKind() == '[':
			return o.schemas(d)
		case keyword == "properties" && d.PeekKind() == '{':
			return o.properties(d, here, at)
		case shape == byName && d.PeekKind() == '{':
			return members(d, func(jsontext.Pointer, string) error { return o.schema(d, elsewhere) })
		default:
			return d.SkipValue()
		}
	})
}

// properties reads the properties of the schema at here.
func (o *outline) properties(d *jsontext.Decoder, here jsontext.Pointer, at place) error {
	if at != elsewhere {
		at = atProperty
	}
	return members(d, func(_ jsontext.Pointer, name string) error {
		o.order[here] = append(o.order[here], name)
		o.declared[name] = true
		return o.schema(d, at)
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

// members reads an object. For each member it calls value, which must read the
// member's value and is given the object's pointer and the member's name.
func members(d *jsontext.Decoder, value func(here jsontext.Pointer, name string) error) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	here := d.StackPointer()
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := value(here, name.String()); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

const draft = "https://json-schema.org/draft/2020-12/schema"

func checkDraft(d *jsontext.Decoder, here jsontext.Pointer) error {
	value, err := d.ReadToken()
	if err == nil && (value.Kind() != '"' || strings.TrimSuffix(value.String(), "#") != draft) {
		err = fmt.Errorf("%s: contracts are of another draft: set it to %q", here.AppendToken("$schema"), draft)
	}
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
