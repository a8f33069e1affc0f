package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract/checks"
	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/contract/schema/document"
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

var update = flag.Bool("update", false, "write infra/contract.schema.json anew")

const editorFile = "../../../infra/contract.schema.json"

type object = map[string]any

func ref(definition string) object { return object{"$ref": "#/definitions/" + definition} }

func enum[T any](values []T) object { return object{"enum": values} }

// editorSchema is the JSON Schema of a contract's document, for editors. It is made of the
// compiler's own lists of keywords, masks, formats and patterns. Editors know draft 7 best, in
// which nothing may stand beside $ref.
func editorSchema() object {
	standard, root, property, inside := document.Keywords()
	common := object{}
	for keyword, holds := range standard {
		common[keyword] = standardValue(keyword, holds)
	}
	with := func(ours []string, inner string, more object) object {
		all := maps.Clone(common)
		values := ourValues()
		for _, keyword := range ours {
			all[keyword] = values[keyword]
		}
		all["properties"] = object{"type": "object", "additionalProperties": ref(inner)}
		all["$defs"] = object{"type": "object", "additionalProperties": ref("property")}
		maps.Copy(all, more)
		return all
	}
	columns := object{"type": "object", "minProperties": 1, "additionalProperties": object{"allOf": []any{ref("property"), oneType()}}}
	insideValues := with(inside, "inside", nil)
	insideValues["x-mask"] = maskName()
	return object{
		"$schema": "http://json-schema.org/draft-07/schema#", "title": "A contract of sqs2pg",
		"description": "Which messages are valid, and where each value is stored. See infra/CONTRACTS.md.",
		"type":        "object", "required": []string{"x-table", "type", "properties"}, "additionalProperties": false,
		"properties": with(root, "property", object{"$schema": enum([]string{"https://json-schema.org/draft/2020-12/schema"}), "type": object{"enum": []any{"object", []string{"object"}}}, "properties": columns}),
		"definitions": object{
			"property": object{"type": "object", "additionalProperties": false, "properties": with(property, "property", nil), "allOf": maskRules()},
			"inside":   object{"type": []string{"object", "boolean"}, "additionalProperties": false, "properties": insideValues, "allOf": maskRules()},
			"type":     enum([]string{"array", "boolean", "integer", "null", "number", "object", "string"}),
		},
	}
}

// oneType asks for the one type, besides null, that a column needs. A property of an object may be
// that of a definition for arrays, so it is asked of the root's properties only.
func oneType() object {
	names := []string{"array", "boolean", "integer", "number", "object", "string"}
	var types []any
	for _, name := range names {
		types = append(types, name, []string{name}, []string{name, "null"}, []string{"null", name})
	}
	return object{"anyOf": []any{
		object{"required": []string{"type"}, "properties": object{"type": enum(types)}},
		object{"required": []string{"enum"}, "not": object{"required": []string{"type"}}}, object{"required": []string{"const"}, "not": object{"required": []string{"type"}}},
		object{"required": []string{"$ref"}},
	}}
}

func standardValue(keyword, holds string) object {
	switch holds {
	case "schema":
		return ref("inside")
	case "list":
		return object{"type": "array", "minItems": 1, "items": ref("inside")}
	case "map":
		return object{"type": "object", "additionalProperties": ref("inside")}
	}
	names := object{"type": "array", "items": object{"type": "string"}, "uniqueItems": true}
	switch keyword {
	case "type":
		return object{"anyOf": []any{ref("type"), object{"type": "array", "items": ref("type"), "minItems": 1, "uniqueItems": true}}}
	case "format":
		return enum(slices.Sorted(maps.Keys(allFormats())))
	case "required":
		return names
	case "dependentRequired":
		return object{"type": "object", "additionalProperties": names}
	case "enum", "examples":
		return object{"type": "array"}
	case "const", "default":
		return object{}
	case "deprecated", "readOnly", "writeOnly", "uniqueItems":
		return object{"type": "boolean"}
	case "multipleOf":
		return object{"type": "number", "exclusiveMinimum": 0}
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		return object{"type": "number"}
	}
	if strings.HasPrefix(keyword, "min") || strings.HasPrefix(keyword, "max") {
		return object{"type": "integer", "minimum": 0}
	}
	return object{"type": "string"} // $ref, title, pattern and so on
}

func allFormats() map[string]bool {
	all := map[string]bool{}
	for _, format := range checks.LibraryFormats {
		all[format] = true
	}
	for format := range checks.Formats {
		all[format] = true
	}
	return all
}

// ourValues are what the meta-schema of our vocabulary says, and what the compiler says beyond it.
func ourValues() object {
	var vocabulary struct{ Properties map[string]object }
	if err := json.Unmarshal(schema.VocabularyDocument, &vocabulary); err != nil {
		panic(err)
	}
	values := object{}
	for keyword, value := range vocabulary.Properties {
		if pattern := schema.Patterns[keyword]; pattern != "" {
			value["pattern"] = pattern
		}
		values[keyword] = value
	}
	values["x-table"].(object)["not"] = object{"pattern": `^(sqs2pg|sqs2pg_vault[^.]*|information_schema|pg_[^.]*)\.`}
	values["x-domain"].(object)["not"] = object{"const": table.SubjectDomain}
	isUpsert := object{"properties": object{"mode": object{"const": "upsert"}}}
	values["x-write"].(object)["if"] = isUpsert
	values["x-write"].(object)["then"] = object{"required": []string{"key"}}
	values["x-write"].(object)["else"] = object{"not": object{"required": []string{"key"}}}
	taken := slices.Clone(table.SystemColumns)
	for _, column := range table.ReservedColumns() {
		taken = append(taken, column.Name)
	}
	values["x-column"].(object)["not"] = enum(taken)
	byColumn := object{"type": "object", "minProperties": 1, "propertyNames": object{"pattern": schema.Patterns["x-column"]}, "additionalProperties": object{"allOf": []any{maskName(), object{"not": object{"const": "drop"}}}}}
	values["x-mask"] = object{"description": vocabulary.Properties["x-mask"]["description"], "anyOf": []any{maskName(), byColumn}}
	return values
}

func maskName() object {
	kinds := slices.DeleteFunc(mask.Kinds(), func(kind string) bool { return strings.Contains(kind, "N") })
	return object{"type": "string", "anyOf": []any{enum(kinds), object{"pattern": "^bucket:([1-9][0-9]{0,14}|1000000000000000)$"}}}
}

// maskRules say what a mask needs beside it, unless $ref brings it.
func maskRules() (rules []object) {
	unlessRef := func(keyword string, value object, then object) {
		rules = append(rules, object{
			"if":   object{"type": "object", "properties": object{keyword: value}, "required": []string{keyword}, "not": object{"required": []string{"$ref"}}},
			"then": then,
		})
	}
	for _, needs := range []struct {
		mask    string
		formats []string
	}{
		{"ip-network", []string{"ip", "ipv4", "ipv6"}}, {"email-domain", []string{"email"}}, {"date-year", []string{"date", "date-time"}}, {"date-month", []string{"date", "date-time"}},
	} {
		unlessRef("x-mask", object{"const": needs.mask}, object{"properties": object{"format": enum(needs.formats)}, "required": []string{"format"}})
	}
	unlessRef("x-mask", object{"const": "last-4"}, object{"not": object{"required": []string{"format"}}})
	for _, mask := range []string{"sha256-8", "last-4"} {
		unlessRef("x-mask", object{"const": mask}, object{"properties": object{"type": object{"not": object{"enum": []string{"integer", "number", "boolean", "array", "object"}}}}})
	}
	unlessRef("x-mask", object{"const": "token"}, object{"properties": object{"type": object{"not": object{"enum": []string{"boolean", "array", "object"}}}}})
	unlessRef("x-mask", object{"type": "string", "pattern": "^bucket:"}, object{"anyOf": []any{
		object{"properties": object{"type": object{"not": object{"enum": []string{"string", "boolean", "array", "object"}}}}}, object{"required": []string{"x-type"}}}})
	notOf := func(keyword string, values ...string) object {
		return object{"properties": object{keyword: object{"not": enum(values)}}}
	}
	without := func(keyword string) object { return object{"not": object{"required": []string{keyword}}} }
	unlessRef("x-mask", object{"not": object{"const": "drop"}}, object{"anyOf": []any{object{"required": []string{"type"}}, object{"required": []string{"enum"}}, object{"required": []string{"const"}}}})
	unlessRef("x-mask", object{"type": "object"}, without("x-column"))
	unlessRef("x-type", object{}, object{"allOf": []any{
		notOf("type", "boolean", "array", "object"), object{"properties": object{"x-mask": object{"anyOf": []any{object{"type": "object"}, object{"pattern": "^(bucket:|drop$)"}}}}},
		object{"if": object{"properties": object{"type": object{"const": "string"}}, "required": []string{"type"}}, "then": without("format")},
	}})
	unlessRef("x-normalize", object{}, object{"allOf": []any{notOf("type", "integer", "number", "boolean", "array", "object"), notOf("format", "ip", "ipv4", "ipv6", "uuid")}})
	unlessRef("x-normalize", object{"const": "digits"}, without("format"))
	unlessRef("x-normalize", object{"const": "email"}, object{"properties": object{"format": object{"const": "email"}}})
	for _, keyword := range []string{"x-domain", "x-normalize"} {
		unlessRef(keyword, object{}, object{"properties": object{"x-mask": object{"anyOf": []any{object{"const": "token"}, object{"type": "object"}}}}, "required": []string{"x-mask"}})
	}
	unlessRef("x-recover", object{"const": true}, object{"anyOf": []any{object{"required": []string{"x-mask"}}, notOf("type", "string", "integer", "number", "boolean")}})
	unlessRef("x-subject", object{"const": true}, object{"allOf": []any{notOf("type", "number", "boolean", "array", "object"), notOf("format", "date", "date-time"), without("x-type")}})
	return rules
}

func TestSchemaOfTheDocumentIsMadeOfTheCompilersLists(t *testing.T) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(editorSchema()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(editorFile, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(editorFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text.String(), string(got)); diff != "" {
		t.Errorf("infra/contract.schema.json is not what the compiler says: run go test ./pkg/contract/schema -run Document -update (-want +got):\n%s", diff)
	}
}

// editor compiles infra/contract.schema.json.
func editor(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(editorFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, document []byte) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

func TestEveryContractIsValidByTheSchemaOfTheDocument(t *testing.T) {
	t.Parallel()
	s := editor(t)
	documents := map[string][]byte{}
	files, err := contracts.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		documents[file.Name()], _ = contracts.Files.ReadFile(file.Name())
	}
	for _, path := range []string{"../testdata/order_placed.json"} {
		if documents[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range documents {
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A schema cannot compare two places of a document, follow a reference, or compile a pattern.
var beyondSchemas = []string{
	"x-mask below anyOf of a column", "x-mask below contains", "x-mask on a member that may be a number", "two masks for an element", "x-mask on an object with properties",
	"two names of one column", "an enum of two types", "an enum of null", "a key masked by sha256-8", "a key masked by ip-network", "a key masked by last-4", "a key masked by date-year", "a column that upsert needs", "a key that is dropped",
	"a scale above the precision", "a precision of 0", "a precision above 1000", "properties of a string",
	"a reference to itself", "a reference to the contract", "a tree", "references in a circle", "a keyword beside a reference that has it too", "properties beside a reference",
	"a column in a definition for arrays", "a reference to a file", "a reference to nothing", "a pattern that does not compile",
	"required names what is not there", "a column twice", "a nested column that meets another", "a name that needs quotes",
	"an unknown envelope", "a pattern on the event alone", "an attribute of EventBridge", "an attribute that is an array", "an attribute that the library would check",
	"an attribute inside of an object", "an id without a time", "an id that may be missing", "a time that is masked", "a time that is a date", "a second time",
	"recovery of an array that is stored whole", "recovery of nested properties", "recovery of one path twice", "recovery into a schema with a long name", "recovery into a table of the vault itself",
	"a subject that may be absent", "a subject that may be null", "a subject that cannot be told from others", "a subject in an object that may be absent", "two subjects",
	"a key that is no column", "a key that can be missing", "a key that is an array", "a key that is long",
}

func TestSchemaOfTheDocumentRefusesMistakes(t *testing.T) {
	t.Parallel()
	s := editor(t)
	for _, test := range mistakes {
		_, err := jsonschema.UnmarshalJSON(strings.NewReader(test.document))
		if err != nil || strings.HasPrefix(test.mistake, "a member twice") || strings.HasPrefix(test.mistake, "a number out of proportion") {
			continue // not for a validator
		}
		if refused, beyond := validate(t, s, []byte(test.document)) != nil, slices.Contains(beyondSchemas, test.mistake); refused == beyond {
			t.Errorf("%s: refused is %v", test.mistake, refused)
		}
	}
}
