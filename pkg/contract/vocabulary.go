package contract

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	errorkind "github.com/santhosh-tekuri/jsonschema/v6/kind"
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
	if err := c.AddResource(documentURL, value); err != nil {
		return nil, explain(err)
	}
	schema, err := c.Compile(documentURL)
	if err != nil {
		return nil, explain(err)
	}
	return schema, nil
}

const documentURL = "contract:///contract.json"

// explain puts the schema library's error as a person needs it.
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

var errFormat = errors.New("format")

func formatOf(valid func(string) bool) func(any) error {
	return func(v any) error {
		if s, ok := v.(string); ok && !valid(s) {
			return errFormat
		}
		return nil
	}
}

// firstMistake picks one of the meta-schema's complaints: the first by its
// pointer. Of several at one place, that it is of another type says least.
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
