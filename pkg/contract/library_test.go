package contract_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
)

// The schema library checks the keywords that we do not check ourselves. Its complaints quote the
// message, so only the place and the keyword are passed on.
func TestKeywordsThatTheLibraryChecks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		property, more, body, field, rule string
	}{
		{`{"type": "array", "minItems": 1}`, ``, `{"p": []}`, "p", "minItems"},
		{`{"type": "array", "uniqueItems": true}`, ``, `{"p": [1, 1.0]}`, "p", "uniqueItems"},
		{`{"type": "array", "items": {"type": "string"}}`, ``, `{"p": ["a", 1]}`, "p.*", "type"},
		{`{"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string", "maxLength": 2}}}}`, ``, `{"p": [{"sku": "abc"}]}`, "p.*.sku", "maxLength"},
		{`{"type": "array", "items": {"required": ["sku"]}}`, ``, `{"p": [{"secret": 1}]}`, "p.*.sku", "required"},
		{`{"type": "array", "items": {"format": "ip"}}`, ``, `{"p": ["999.1.1.1"]}`, "p.*", "format ip"},
		{`{"type": "object", "additionalProperties": false}`, ``, `{"p": {"secret": 1}}`, "p.*", "additionalProperties"},
		{`{"type": "object", "additionalProperties": {"type": "integer"}}`, ``, `{"p": {"secret": "x"}}`, "p.*", "type"},
		{`{"type": "object", "propertyNames": {"maxLength": 3}}`, ``, `{"p": {"secret": 1}}`, "p.*", "propertyNames"},
		{`{"type": "object", "required": ["q"]}`, ``, `{"p": {}}`, "p.q", "required"},
		{`{"type": "integer", "enum": [1, 2]}`, ``, `{"p": 3}`, "p", "enum"},
		{`{"type": "boolean", "const": true}`, ``, `{"p": false}`, "p", "const"},
		{`{"type": "string", "anyOf": [{"maxLength": 1}, {"pattern": "^a"}]}`, ``, `{"p": "secret"}`, "p", "anyOf"},
		{`{"type": "string", "not": {"const": "secret"}}`, ``, `{"p": "secret"}`, "p", "not"},
		{`{"type": "string", "allOf": [{"maxLength": 1}]}`, ``, `{"p": "secret"}`, "p", "maxLength"},
		{`{"type": "string"}`, `, "additionalProperties": false`, `{"secret": 1}`, "*", "additionalProperties"},
		{`{"type": "string"}`, `, "additionalProperties": {"type": "string"}`, `{"secret": 1}`, "*", "type"},
		{`{"type": "string"}`, `, "minProperties": 1`, `{}`, "", "minProperties"},
		{`{"type": "string"}, "q": {"type": "string"}`, `, "dependentRequired": {"p": ["q"]}`, `{"p": "secret"}`, "", "dependentRequired"},
		{`{"type": "string"}, "q": {"type": "string"}`, `, "if": {"required": ["p"]}, "then": {"required": ["q"]}`, `{"p": "secret"}`, "q", "required"},
		{`{"type": "array", "items": {"$ref": "#/$defs/d"}}`, `, "$defs": {"d": {"maximum": 3}}`, `{"p": [4]}`, "p.*", "maximum"},
		{`{"type": "array", "contains": {"const": 1}}`, ``, `{"p": ["secret"]}`, "p", "contains"},
		{`{"type": "array", "prefixItems": [false]}`, ``, `{"p": ["secret"]}`, "p.*", "false"},
	} {
		c := parse(t, with(test.property, test.more))
		want := contract.Violation{Field: test.field, Rule: test.rule}
		for range 10 { // the library iterates over maps
			if diff := cmp.Diff(want, violationOf(t, c, test.body)); diff != "" {
				t.Errorf("%s%s (-want +got):\n%s", test.property, test.more, diff)
			}
		}
	}
}

func TestChecksLoginsAndOrdersWithoutTheLibrary(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"user_logins", "testdata/order_placed.json"} {
		if _, needed := load(t, name).LibraryViolations([]byte(login)); needed {
			t.Errorf("%s needs the schema library, which takes more time than all the rest", name)
		}
	}
}
