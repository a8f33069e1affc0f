package schema

import (
	"bytes"
	_ "embed"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/origin"
)

// The meta-schema of our vocabulary says which values our keywords take; package document says
// where they may stand.
//
//go:embed vocabulary.json
var vocabularyDocument []byte

const vocabularyURL = "https://json-schema.org/sqs2pg/vocab/columns"

// annotations are the values of our keywords on one schema. They are checked when a contract is
// compiled and do not decide whether a message is valid.
type annotations struct {
	table, column, columnType string
	mask, domain, normalize   string
	masks                     map[string]any // of x-mask by column, if one property fills several
	maskAt                    jsontext.Pointer
	format                    string // JSON Schema's own; the schema library forgets a name that it does not know
	mode                      string
	key                       []string
	origin                    origin.Keywords
	recover, subject          bool
}

// Validate does nothing: see annotations.
func (*annotations) Validate(*jsonschema.ValidatorContext, any) {}

// annotationsOf returns what the vocabulary compiled on a schema.
func annotationsOf(schema *jsonschema.Schema) annotations {
	for _, ext := range schema.Extensions {
		if a, ok := ext.(*annotations); ok {
			found := *a
			found.maskAt = pointerOf(schema.Location).AppendToken("x-mask")
			return found
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
	a.columnType, _ = schema["x-type"].(string)
	a.mask, _ = schema["x-mask"].(string)
	a.masks, _ = schema["x-mask"].(map[string]any)
	a.domain, _ = schema["x-domain"].(string)
	a.normalize, _ = schema["x-normalize"].(string)
	write, _ := schema["x-write"].(map[string]any)
	a.mode, _ = write["mode"].(string)
	columns, _ := write["key"].([]any)
	for _, column := range columns {
		name, _ := column.(string)
		a.key = append(a.key, name)
	}
	a.origin = origin.Read(schema)
	a.recover, _ = schema["x-recover"].(bool)
	a.subject, _ = schema["x-subject"].(bool)
	return &a, nil
}
