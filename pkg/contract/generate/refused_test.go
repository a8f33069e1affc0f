package generate_test

import (
	"testing"

	"sqs2pg/pkg/contract/generate"
)

// contractOf returns a contract of one property.
func contractOf(property, more string) []byte {
	return []byte(`{"x-table": "t", "type": "object", "properties": {"p": ` + property + `}` + more + `}`)
}

func TestFindsMessagesThatAnotherContractRefuses(t *testing.T) {
	t.Parallel()
	const required = `, "required": ["p"]`
	for _, test := range []struct{ from, fromMore, by, byMore, field, rule string }{
		{`{"type": "string"}`, "", `{"type": "string"}`, "", "", ""},
		{`{"type": "string"}`, "", `{"type": "string"}`, required, "p", "required"},
		{`{"type": "string"}`, required, `{"type": "integer"}`, required, "p", "type"},
		{`{"type": ["string", "null"]}`, "", `{"type": "string"}`, "", "p", "type"},
		{`{"type": "string", "maxLength": 64}`, "", `{"type": "string", "maxLength": 63}`, "", "p", "maxLength"},
		{`{"type": "integer", "maximum": 1000}`, "", `{"type": "integer", "exclusiveMaximum": 1000}`, "", "p", "exclusiveMaximum"},
		{`{"type": "string", "enum": ["a", "b", "c"]}`, "", `{"type": "string", "enum": ["a", "b"]}`, "", "p", "enum"},
		{`{"type": "string"}`, "", `{"type": "string", "format": "uuid"}`, "", "p", "format uuid"},
		{`{"type": "string"}`, "", `{"type": "string"}`, `, "additionalProperties": false`, "*", "additionalProperties"},
		{`{"type": "string"}`, "", `{"type": "string"}`, `, "x-envelope": "sns"`, "", "envelope"},
		{`{"type": "array", "items": {"type": "integer"}}`, "", `{"type": "array", "items": {"type": "integer", "maximum": 900}}`, "", "p.*", "maximum"},
		{`{"type": "string", "maxLength": 3}`, "", `{"type": "string", "maxLength": 4}`, "", "", ""},
	} {
		from, by := parse(t, contractOf(test.from, test.fromMore)), parse(t, contractOf(test.by, test.byMore))
		got, err := generate.Refused(from, by, 1000, 1)
		if err != nil {
			t.Fatal(err)
		}
		if test.rule == "" && len(got) > 0 {
			t.Errorf("%s to %s: got %v", test.from, test.by, got)
		}
		if test.rule != "" && (len(got) != 1 || got[0].Field != test.field || got[0].Rule != test.rule || got[0].Count == 0 || got[0].Example == "") {
			t.Errorf("%s to %s%s: got %v, want %s: %s", test.from, test.by, test.byMore, got, test.field, test.rule)
		}
	}
}
