package schema

import (
	"bytes"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/schema/document"
)

// errFormat is all that the schema library is told of a value that breaks a format: its errors
// quote their cause.
var errFormat = errors.New("format")

// compileLibrary checks source, a document, against the meta-schemas of the draft and of our
// vocabulary, and compiles it by the schema library. It takes values with mistakes out of the
// document, so that the rest can be compiled and checked too; the compiled schema is nil if that is
// not possible. The mistakes are those of text and its own.
func compileLibrary(source []byte, text *document.Text) (*jsonschema.Schema, document.Mistakes) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	if err != nil {
		return nil, text.Mistakes.With(document.Mistake{Text: err.Error()}) // never: it has been read before
	}
	known := text.Mistakes.With(text.CheckReferences(value)...)
	known.RemoveFrom(value)
	for {
		schema, err := compileValue(value)
		if err == nil {
			return schema, known
		}
		found := document.Explain(err)
		known = known.With(found...)
		if !found.RemoveFrom(value) {
			return nil, known
		}
	}
}

func compileValue(value any) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(jsonschema.SchemeURLLoader{}) // a contract is one document: nothing is fetched
	c.AssertFormat()
	for name, valid := range formats {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: formatOf(valid)})
	}
	c.AssertVocabs()
	c.RegisterVocabulary(vocabulary())
	if err := c.AddResource(document.URL, value); err != nil {
		return nil, err
	}
	return c.Compile(document.URL)
}

// pointerOf returns where in the document the library has found a schema.
func pointerOf(location string) jsontext.Pointer {
	_, fragment, _ := strings.Cut(location, "#")
	pointer, err := url.PathUnescape(fragment)
	if err != nil {
		return jsontext.Pointer(fragment)
	}
	return jsontext.Pointer(pointer)
}

// formatOf adapts a format to the schema library, which leaves values that are not strings to it.
func formatOf(valid func(string) bool) func(any) error {
	return func(v any) error {
		if s, ok := v.(string); ok && !valid(s) {
			return errFormat
		}
		return nil
	}
}

// needsLibrary reports whether an object with properties, or a schema below it, has keywords that
// the properties do not check.
func needsLibrary(object *jsonschema.Schema) bool {
	_, schema := object.AdditionalProperties.(*jsonschema.Schema)
	if schema || combines(object) || limitsMembers(object) || object.Enum != nil || object.Const != nil {
		return true
	}
	for _, property := range object.Properties {
		if isNested := len(property.Properties) > 0; isNested && needsLibrary(property) || !isNested && columnNeedsLibrary(property) {
			return true
		}
	}
	return false
}

// columnNeedsLibrary is needsLibrary for a property that has a column.
func columnNeedsLibrary(s *jsonschema.Schema) bool {
	types, _, _ := typesOf(s)
	isString := slices.Contains(types, "string")
	allowed := !isString && (s.Enum != nil || s.Const != nil) || s.Enum != nil && s.Const != nil
	array := s.Items2020 != nil || len(s.PrefixItems) > 0 || s.Contains != nil || s.UnevaluatedItems != nil ||
		s.MinItems != nil || s.MaxItems != nil || s.UniqueItems
	return allowed || array || combines(s) || limitsMembers(s) || s.AdditionalProperties != nil || len(s.Required) > 0
}

// combines reports whether a schema refers to other schemas for the same value.
func combines(s *jsonschema.Schema) bool {
	return s.Ref != nil || s.DynamicRef != nil || s.Not != nil || s.If != nil ||
		len(s.AllOf)+len(s.AnyOf)+len(s.OneOf)+len(s.DependentSchemas) > 0
}

// limitsMembers reports whether a schema has keywords for the members of an object besides
// properties, required and additionalProperties.
func limitsMembers(s *jsonschema.Schema) bool {
	return s.MinProperties != nil || s.MaxProperties != nil || s.PropertyNames != nil ||
		len(s.PatternProperties)+len(s.DependentRequired) > 0 || s.UnevaluatedProperties != nil
}
