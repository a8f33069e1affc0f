package schema

import (
	"bytes"
	"cmp"
	"errors"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/checks"
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
	for name, valid := range checks.Formats {
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
func (c *compiler) needsLibrary(object *jsonschema.Schema) bool {
	_, schema := object.AdditionalProperties.(*jsonschema.Schema)
	if schema || checks.Combines(object) || checks.LimitsMembers(object) || object.Enum != nil || object.Const != nil {
		return true
	}
	for _, property := range object.Properties {
		property = cmp.Or(c.merged[property], property)
		if isNested := len(property.Properties) > 0; isNested && c.needsLibrary(property) || !isNested && checks.NeedsLibrary(property) {
			return true
		}
	}
	return false
}
