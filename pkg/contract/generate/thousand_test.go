package generate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/checks"
	"sqs2pg/pkg/contract/generate"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/contract/schema/document"
	"sqs2pg/pkg/mask"
)

const (
	randomContracts = 1000
	wantedOfEach    = 20
)

// Random contracts, in which every keyword, mask and type occurs. Each is read by the compiler and
// valid by the schema for editors. Valid messages are accepted by the contract and by the schema
// library; each rule refuses some message.
func TestAThousandRandomContracts(t *testing.T) {
	t.Parallel()
	editor, err := jsonschema.NewCompiler().Compile("../../../infra/contract.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	seen, rules, judged := map[string]int{}, map[string]int{}, 0
	for seed := range uint64(randomContracts) {
		d := drawer{r: rand.New(rand.NewPCG(seed, 1))}
		drawn := d.contract()
		count(seen, drawn)
		text, _ := json.Marshal(drawn)
		c, err := contract.Parse("drawn", text)
		if err != nil {
			t.Fatalf("seed %d: %v in %s", seed, err, text)
		}
		if err := validate(t, editor, text); err != nil {
			t.Fatalf("seed %d: infra/contract.schema.json refuses %s: %v", seed, text, err)
		}
		for _, column := range c.Table().Columns {
			seen["column "+column.Type.Base().String()]++
		}
		checkMessages(t, c, seed, text, rules)
		if libraryJudges(text) {
			judged++
		}
	}
	if judged < randomContracts/2 {
		t.Errorf("the library judges messages of %d contracts only", judged)
	}
	expectAll(t, seen)
	expectRules(t, rules)
}

func checkMessages(t *testing.T, c *contract.Contract, seed uint64, text []byte, rules map[string]int) {
	t.Helper()
	g, library, again := generate.New(c, seed), compile(t, text), parse(t, text)
	route, err := routes.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		m, err := g.Valid()
		if err != nil {
			t.Fatalf("seed %d: %v: %s", seed, err, text)
		}
		if route.Choose(contract.Message{Body: m.Body, Attributes: m.Attributes}, new(routes.Scratch)) != 0 {
			t.Fatalf("seed %d: x-match does not match %s: %s", seed, m.Body, text)
		}
		if event := eventOf(t, c, m); libraryJudges(text) {
			if err := validate(t, library, event); err != nil {
				t.Fatalf("seed %d: the library refuses %s by %s: %v", seed, event, text, err)
			}
		}
		if one, two := row(t, c, m), row(t, again, m); !slices.Equal(one, two) {
			t.Fatalf("seed %d: %s becomes %v and %v", seed, m.Body, one, two)
		}
	}
	for range 8 {
		_, violation, err := g.Invalid()
		if err != nil {
			t.Fatalf("seed %d: %v: %s", seed, err, text)
		}
		rules[violation.Rule]++
	}
	if !libraryJudges(text) {
		return
	}
	g.Edges = true
	for range 12 {
		expectAgreement(t, c, library, g.Unchecked())
	}
}

// expectAgreement asks the contract and the library about a message that neither has seen.
func expectAgreement(t *testing.T, c *contract.Contract, library *jsonschema.Schema, m generate.Message) {
	t.Helper()
	event := eventOf(t, c, m)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(event))
	if err != nil {
		return
	}
	_, err = c.DecodeMessage(contract.Message{Body: m.Body, Attributes: m.Attributes})
	violation, isRefused := errors.AsType[*contract.Violation](err)
	byLibrary := library.Validate(value)
	switch {
	case isRefused && isOfLibrary(violation) && byLibrary == nil:
		t.Fatalf("the library accepts %s, the contract says %v: %s", event, violation, c.Document())
	case !isRefused && byLibrary != nil:
		t.Fatalf("the contract accepts %s, the library says %v: %s", event, byLibrary, c.Document())
	}
}

// libraryJudges reports whether the library checks all that the contract checks, and no more: it
// does not see attributes, and it checks the content of dropped values.
func libraryJudges(text []byte) bool {
	return !bytes.Contains(text, []byte(`"x-attribute"`)) && !bytes.Contains(text, []byte(`"drop"`))
}

// eventOf takes the event out of its wrappers.
func eventOf(t *testing.T, c *contract.Contract, m generate.Message) []byte {
	t.Helper()
	var root struct {
		Envelope any `json:"x-envelope"`
	}
	if err := json.Unmarshal(c.Document(), &root); err != nil {
		t.Fatal(err)
	}
	event := m.Body
	for kind := range strings.FieldsSeq(strings.Trim(fmt.Sprint(root.Envelope), "[]")) {
		var wrapper struct {
			Message string          `json:"Message"`
			Detail  json.RawMessage `json:"detail"`
		}
		if kind == "<nil>" || json.Unmarshal(event, &wrapper) != nil {
			continue
		}
		if event = wrapper.Detail; kind == "sns" {
			event = []byte(wrapper.Message)
		}
	}
	return event
}

// isOfLibrary reports whether the schema library has the rule too. Numbers out of proportion and
// empty strings are ours.
func isOfLibrary(v *contract.Violation) bool {
	standard, _, _, _ := document.Keywords()
	_, known := standard[strings.Fields(v.Rule)[0]]
	return known && !v.Malformed && v.Rule != "minLength"
}

func parse(t *testing.T, text []byte) *contract.Contract {
	t.Helper()
	c, err := contract.Parse("drawn", text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// compile compiles a document by the schema library alone, which ignores our keywords.
func compile(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for name, valid := range checks.Formats {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error {
			if s, ok := v.(string); ok && !valid(s) {
				return errors.New(name)
			}
			return nil
		}})
	}
	if err := c.AddResource("contract:///c.json", value); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("contract:///c.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

// row returns the masked values of a message as text. Each call has a keyring of its own, as
// another process has.
func row(t *testing.T, c *contract.Contract, m generate.Message) []string {
	t.Helper()
	record, err := c.DecodeMessage(contract.Message{Body: m.Body, Attributes: m.Attributes})
	if err != nil {
		t.Fatal(err)
	}
	k, err := mask.ParseKeyring([]byte(`{"current": "k1", "k1": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}`))
	if err != nil {
		t.Fatal(err)
	}
	return c.Texts(c.Mask(k, record))
}

// count counts keywords, masks, formats, forms and types in a schema and those inside of it.
func count(seen map[string]int, schema object) {
	standard, _, _, _ := document.Keywords()
	for keyword, value := range schema {
		seen[keyword]++
		switch v := reflect.ValueOf(value); {
		case keyword == "x-mask":
			for _, kind := range values(value) {
				seen["mask "+strings.Split(kind, ":")[0]]++
			}
		case keyword == "type" || keyword == "x-normalize" || keyword == "format":
			for _, one := range values(value) {
				seen[keyword+" "+one]++
			}
		case standard[keyword] == "schema" && v.Kind() == reflect.Map:
			count(seen, value.(object))
		case standard[keyword] == "list":
			for _, inner := range value.([]any) {
				count(seen, inner.(object))
			}
		case standard[keyword] == "map":
			for _, inner := range value.(object) {
				count(seen, inner.(object))
			}
		}
	}
}

// values are the strings in a keyword's value.
func values(value any) (texts []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	case object:
		for _, one := range v {
			texts = append(texts, one.(string))
		}
	}
	return texts
}

func expectAll(t *testing.T, seen map[string]int) {
	t.Helper()
	standard, root, property, inside := document.Keywords()
	wanted := slices.Concat(root, property, inside)
	for keyword := range standard {
		wanted = append(wanted, keyword)
	}
	for _, kind := range mask.Kinds() {
		wanted = append(wanted, "mask "+strings.Split(kind, ":")[0])
	}
	for _, format := range checks.LibraryFormats {
		wanted = append(wanted, "format "+format)
	}
	for format := range checks.Formats {
		wanted = append(wanted, "format "+format)
	}
	for _, form := range []string{"lower", "email", "digits"} {
		wanted = append(wanted, "x-normalize "+form)
	}
	for _, kind := range []string{"string", "integer", "number", "boolean", "array", "object", "null"} {
		wanted = append(wanted, "type "+kind)
	}
	for kind := contract.Text; kind <= contract.Numeric; kind++ {
		wanted = append(wanted, "column "+kind.String())
	}
	for _, one := range wanted {
		if seen[one] < wantedOfEach {
			t.Errorf("%s occurs %d times, want %d", one, seen[one], wantedOfEach)
		}
	}
}

func expectRules(t *testing.T, rules map[string]int) {
	t.Helper()
	t.Logf("refused: %v", rules)
	var missing []string
	for _, rule := range []string{"json", "surrogate", "duplicate member", "trailing bytes", "nesting", "nul", "range", "x-type", "envelope",
		"type", "required", "enum", "const", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
		"additionalProperties", "propertyNames", "minProperties", "maxProperties", "dependentRequired", "minItems", "maxItems", "uniqueItems", "contains", "anyOf", "oneOf", "not", "false",
		"format ip", "format ipv4", "format ipv6", "format uuid", "format date", "format date-time", "format email"} {
		if rules[rule] == 0 {
			missing = append(missing, rule)
		}
	}
	if diff := cmp.Diff([]string(nil), missing); diff != "" {
		t.Errorf("no message was refused by these rules:\n%s", diff)
	}
}
