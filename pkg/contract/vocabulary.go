package contract

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// The vocabulary's meta-schema says what values our keywords take; annotationPlaces
// says where they stand.
//
//go:embed vocabulary.json
var vocabularyDocument []byte

const vocabularyURL = "https://json-schema.org/sqs2pg/vocab/columns"

var annotationPlaces = map[string]place{
	"x-table": atRoot, "x-write": atRoot,
	"x-column": atProperty, "x-mask": atProperty, "x-domain": atProperty,
	"x-recover": atProperty, "x-subject": atProperty,
}

// annotations are the values of our keywords on one schema. They are checked when
// a contract is loaded and have no part in whether a message is valid.
type annotations struct {
	table, column, mask, domain string
	format                      string // JSON Schema's own; the library forgets a name that it does not know
	recover, subject            bool
	mode                        string
	key                         []string
}

// Validate does nothing: see annotations.
func (*annotations) Validate(*jsonschema.ValidatorContext, any) {}

// annotationsOf finds what the vocabulary compiled on a schema.
func annotationsOf(schema *jsonschema.Schema) annotations {
	for _, ext := range schema.Extensions {
		if a, ok := ext.(*annotations); ok {
			return *a
		}
	}
	return annotations{}
}

var vocabulary = sync.OnceValue(func() *jsonschema.Vocabulary {
	c := jsonschema.NewCompiler()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(vocabularyDocument))
	if err == nil {
		err = c.AddResource(vocabularyURL, document)
	}
	if err != nil {
		panic(err)
	}
	return &jsonschema.Vocabulary{URL: vocabularyURL, Schema: c.MustCompile(vocabularyURL), Compile: compileAnnotations}
})

// compileAnnotations runs after the meta-schema has checked the types.
func compileAnnotations(_ *jsonschema.CompilerContext, schema map[string]any) (jsonschema.SchemaExt, error) {
	var a annotations
	a.format, _ = schema["format"].(string)
	a.table, _ = schema["x-table"].(string)
	a.column, _ = schema["x-column"].(string)
	a.mask, _ = schema["x-mask"].(string)
	a.domain, _ = schema["x-domain"].(string)
	a.recover, _ = schema["x-recover"].(bool)
	a.subject, _ = schema["x-subject"].(bool)
	write, _ := schema["x-write"].(map[string]any)
	a.mode, _ = write["mode"].(string)
	columns, _ := write["key"].([]any)
	for _, column := range columns {
		name, _ := column.(string)
		a.key = append(a.key, name)
	}
	return &a, nil
}

// compileSchema checks the document against the meta-schemas of the draft and of
// the vocabulary, and compiles it.
func compileSchema(document []byte) (*jsonschema.Schema, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(jsonschema.SchemeURLLoader{}) // a contract is one document: nothing is fetched
	c.AssertFormat()
	for name, valid := range formats {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: formatOf(valid)})
	}
	c.AssertVocabs()
	c.RegisterVocabulary(vocabulary())
	const url = "contract:///schema.json"
	if err := c.AddResource(url, value); err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), url, ""))
	}
	schema, err := c.Compile(url)
	var invalid *jsonschema.SchemaValidationError
	if errors.As(err, &invalid) {
		var mistakes *jsonschema.ValidationError
		if errors.As(invalid.Err, &mistakes) {
			return nil, firstMistake(mistakes)
		}
	}
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), url, ""))
	}
	return schema, nil
}

var errFormat = errors.New("format")

func formatOf(valid func(string) bool) func(any) error {
	return func(v any) error {
		if s, ok := v.(string); ok && !valid(s) {
			return errFormat
		}
		return nil
	}
}

// firstMistake picks one of the meta-schema's complaints: the deepest, and the
// first by its pointer.
func firstMistake(e *jsonschema.ValidationError) error {
	var all []string
	p := message.NewPrinter(language.English)
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			pointer := "/" + strings.Join(e.InstanceLocation, "/")
			all = append(all, fmt.Sprintf("%s: %s", pointer, e.ErrorKind.LocalizedString(p)))
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
	}
	walk(e)
	slices.Sort(all)
	return errors.New(all[0])
}
