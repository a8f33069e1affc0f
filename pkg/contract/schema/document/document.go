// Package document reads the text of a contract's document: its keywords and where they stand, the
// order of its properties, its references, and all mistakes at once. The schema library forgets the
// order, and stops at the first of many mistakes; so the text is read before the library gets it.
package document

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/scalar"
)

// Text is what the schema library forgets of a document: the order of its properties, which is the
// order of the columns.
type Text struct {
	Order    map[jsontext.Pointer][]string // names of properties by the pointer of their schema, and of columns by that of x-mask
	Declared map[string]bool               // the name of every property, at any depth
	Loose    []jsontext.Pointer            // keywords of ours that have an effect only if something refers to their schema
	Mistakes Mistakes                      // without those of CheckReferences

	source []byte
	refs   references
}

// MaskKeywords may also stand inside of a value that is stored as jsonb.
var MaskKeywords = []string{"x-mask", "x-normalize", "x-domain"}

// shape says which schemas the value of a keyword holds.
type shape uint8

const (
	noSchema   shape = iota
	oneSchema        // the value is a schema
	schemaList       // the value is an array of schemas
	schemaMap        // the value is an object of schemas
)

// keywords are those of JSON Schema 2020-12. JSON Schema ignores keywords that it does not know, so
// that "requierd" checks nothing; here an unknown keyword is a mistake.
var keywords = map[string]shape{
	"$schema": noSchema, "$id": noSchema, "$anchor": noSchema, "$ref": noSchema, "$dynamicRef": noSchema,
	"$dynamicAnchor": noSchema, "$comment": noSchema, "$defs": schemaMap,

	"title": noSchema, "description": noSchema, "default": noSchema, "examples": noSchema,
	"deprecated": noSchema, "readOnly": noSchema, "writeOnly": noSchema,

	"type": noSchema, "enum": noSchema, "const": noSchema, "format": noSchema, "pattern": noSchema,
	"minLength": noSchema, "maxLength": noSchema, "multipleOf": noSchema, "minimum": noSchema,
	"maximum": noSchema, "exclusiveMinimum": noSchema, "exclusiveMaximum": noSchema,
	"minItems": noSchema, "maxItems": noSchema, "uniqueItems": noSchema, "minContains": noSchema,
	"maxContains": noSchema, "minProperties": noSchema, "maxProperties": noSchema,
	"required": noSchema, "dependentRequired": noSchema,
	"contentEncoding": noSchema, "contentMediaType": noSchema, "contentSchema": oneSchema,

	"properties": schemaMap, "patternProperties": schemaMap, "dependentSchemas": schemaMap,
	"additionalProperties": oneSchema, "unevaluatedProperties": oneSchema, "propertyNames": oneSchema,
	"items": oneSchema, "prefixItems": schemaList, "contains": oneSchema, "unevaluatedItems": oneSchema,
	"allOf": schemaList, "anyOf": schemaList, "oneOf": schemaList, "not": oneSchema, "if": oneSchema, "then": oneSchema, "else": oneSchema,
}

// place is where a schema stands. It decides which of our own keywords the schema may have.
type place uint8

const (
	elsewhere    place = iota // under items, anyOf and so on: its values have no column
	atRoot                    // the contract itself
	atProperty                // a property of the root or of a nested object
	atDefinition              // under $defs: what a $ref makes of it
)

// annotationPlaces says where our own keywords may stand. The meta-schema of our vocabulary says
// which values they take.
var annotationPlaces = map[string]place{
	"x-table": atRoot, "x-write": atRoot, "x-envelope": atRoot, "x-match": atRoot,
	"x-attribute": atProperty, "x-event-id": atProperty, "x-event-time": atProperty,
	"x-column": atProperty, "x-type": atProperty, "x-mask": atProperty, "x-normalize": atProperty, "x-domain": atProperty,
	"x-recover": atProperty, "x-subject": atProperty,
}

// Keywords lists the keywords that a schema may have, with those of JSON Schema as the document
// reads them: "" for a value without schemas in it, and "schema", "list" and "map" for one schema,
// an array and an object of schemas. Of ours there are those of the root, those of a property with
// a column or of a definition, and those of a value inside of another.
func Keywords() (standard map[string]string, root, property, inside []string) {
	standard = map[string]string{}
	for keyword, shape := range keywords {
		standard[keyword] = [...]string{noSchema: "", oneSchema: "schema", schemaList: "list", schemaMap: "map"}[shape]
	}
	for keyword, at := range annotationPlaces {
		switch {
		case at == atRoot:
			root = append(root, keyword)
		default:
			property = append(property, keyword)
		}
	}
	return standard, root, property, MaskKeywords
}

// Read reads a document. It returns an error if the document is not a JSON object; other mistakes
// are in the Text.
func Read(document []byte) (*Text, error) {
	t := &Text{
		Order: map[jsontext.Pointer][]string{}, Declared: map[string]bool{}, source: document,
		refs: references{targets: map[jsontext.Pointer]string{}, anchors: map[string]bool{}},
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(document))
	if d.PeekKind() != '{' {
		return nil, errors.New("it is not a JSON object: a contract is a JSON Schema, see infra/contracts/user_logins.json")
	}
	if err := t.schema(d, atRoot); err != nil {
		return nil, explainSyntax(document, err)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errors.New("something follows the JSON object: remove it")
	}
	return t, nil
}

// explainSyntax adds the place of a mistake in the JSON itself.
func explainSyntax(document []byte, err error) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return err
	}
	m := MistakeAt(syntax.JSONPointer, "it is not valid JSON: %v", syntax.Err)
	m.Line, m.Column = lineAndColumn(document, int(syntax.ByteOffset))
	return m
}

// schema reads one schema and notes the keywords that have no meaning there.
func (t *Text) schema(d *jsontext.Decoder, at place) error {
	if d.PeekKind() != '{' {
		return d.SkipValue() // true, false, or what the meta-schema refuses
	}
	return members(d, func(here jsontext.Pointer, keyword string) error {
		t.checkKeyword(here.AppendToken(keyword), keyword, at)
		switch shape := keywords[keyword]; {
		case shape == oneSchema:
			return t.schema(d, elsewhere)
		case shape == schemaList && d.PeekKind() == '[':
			return t.schemas(d)
		case keyword == "properties" && d.PeekKind() == '{':
			return t.properties(d, here, at)
		case keyword == "x-mask" && d.PeekKind() == '{':
			return members(d, func(columns jsontext.Pointer, column string) error {
				t.Order[columns] = append(t.Order[columns], column)
				return d.SkipValue()
			})
		case shape == schemaMap && d.PeekKind() == '{':
			inner := elsewhere
			if keyword == "$defs" {
				inner = atDefinition
			}
			return members(d, func(jsontext.Pointer, string) error { return t.schema(d, inner) })
		}
		value, err := d.ReadValue()
		if err == nil {
			t.checkValue(here, keyword, value)
		}
		return err
	})
}

// properties reads the properties of the schema at here.
func (t *Text) properties(d *jsontext.Decoder, here jsontext.Pointer, at place) error {
	if at == atRoot {
		at = atProperty
	}
	return members(d, func(_ jsontext.Pointer, name string) error {
		t.Order[here] = append(t.Order[here], name)
		t.Declared[name] = true
		return t.schema(d, at)
	})
}

func (t *Text) schemas(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := t.schema(d, elsewhere); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// members reads an object. For each member it calls value with the object's pointer and the
// member's name; value must read the member's value.
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

// checkKeyword notes a keyword that is unknown, or misplaced.
func (t *Text) checkKeyword(pointer jsontext.Pointer, keyword string, at place) {
	allowed, ours := annotationPlaces[keyword]
	_, known := keywords[keyword]
	switch {
	case known:
	case !ours:
		t.note(pointer, "unknown keyword %q%s", keyword, Suggest(keyword, slices.Concat(
			slices.Collect(maps.Keys(keywords)), slices.Collect(maps.Keys(annotationPlaces)))))
	case allowed == atRoot && at != atRoot:
		t.note(pointer, "%s belongs at the root of the contract: move it there", keyword)
	case at == elsewhere && keyword == "x-recover":
		t.note(pointer, "a value inside of an array or an object is not recovered by itself: move x-recover to the property around it, which is recovered whole")
	case at == atRoot && allowed != at, at == elsewhere && !slices.Contains(MaskKeywords, keyword):
		t.note(pointer, "%s belongs on a property that becomes a column: move it there", keyword)
	case at == elsewhere || at == atDefinition:
		t.Loose = append(t.Loose, pointer)
	}
}

// checkValue notes the mistakes that the schema library would not find, or not survive, in the
// value of a keyword of the schema at here.
func (t *Text) checkValue(here jsontext.Pointer, keyword string, value jsontext.Value) {
	if value.Kind() == '"' {
		text, _ := jsontext.AppendUnquote(nil, value)
		t.refs.add(here, keyword, string(text))
		if keyword == "$schema" && strings.TrimSuffix(string(text), "#") != draft {
			t.note(here.AppendToken(keyword), "contracts use another draft: set it to %q", draft)
		}
	}
	d := jsontext.NewDecoder(bytes.NewReader(value))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return // the end: the value has been read before
		}
		if token.Kind() == '0' && !scalar.InProportion([]byte(token.String())) {
			t.note(here.AppendToken(keyword)+d.StackPointer(), "a number has more than %d digits before the point or %d after it: write one that a message can have",
				scalar.MaxWhole, scalar.MaxFraction)
		}
	}
}

func (t *Text) note(at jsontext.Pointer, format string, args ...any) {
	t.Mistakes = append(t.Mistakes, MistakeAt(at, format, args...))
}
