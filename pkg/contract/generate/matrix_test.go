package generate_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/generate"
	"sqs2pg/pkg/mask"
)

// fitting are the masks that make sense for values of a type; every other mask is refused. Drop is
// for all of them.
var fitting = map[string][]string{
	`"type": "string"`:                                  {"token", "sha256-8", "last-4"},
	`"type": "string", "format": "ip"`:                  {"token", "sha256-8", "ip-network"},
	`"type": "string", "format": "ipv4"`:                {"token", "sha256-8", "ip-network"},
	`"type": "string", "format": "ipv6"`:                {"token", "sha256-8", "ip-network"},
	`"type": "string", "format": "uuid"`:                {"token", "sha256-8"},
	`"type": "string", "format": "email"`:               {"token", "sha256-8", "email-domain"},
	`"type": "string", "format": "date"`:                {"token", "sha256-8", "date-year", "date-month"},
	`"type": "string", "format": "date-time"`:           {"token", "sha256-8", "date-year", "date-month"},
	`"type": "string", "format": "uri"`:                 {"token", "sha256-8"},
	`"type": "string", "x-type": "numeric"`:             {"bucket"},
	`"type": "integer"`:                                 {"token", "bucket"},
	`"type": "number"`:                                  {"token", "bucket"},
	`"type": "number", "x-type": "numeric(12,2)"`:       {"bucket"},
	`"type": "boolean"`:                                 nil,
	`"type": "array"`:                                   nil,
	`"type": "array", "items": {"type": "string"}`:      nil,
	`"type": "object"`:                                  nil,
	`"type": "object", "additionalProperties": {}`:      nil,
	`"enum": ["a", "b"]`:                                {"token", "sha256-8", "last-4"},
	`"const": 5`:                                        {"token", "bucket"},
	`"type": ["string", "null"], "format": "date"`:      {"token", "sha256-8", "date-year", "date-month"},
	`"type": "string", "minLength": 1, "maxLength": 12`: {"token", "sha256-8", "last-4"},
}

// Every mask on every type is stable, in a column and inside of an array, or refused when the
// contract is compiled.
func TestEveryMaskOnEveryType(t *testing.T) {
	t.Parallel()
	for keywords, masks := range fitting {
		var accepted []string
		for _, name := range mask.Kinds() {
			kind, _, _ := strings.Cut(name, ":")
			property := fmt.Sprintf(`{%s, "x-mask": %q}`, keywords, strings.Replace(name, "N", "10", 1))
			column, err := contract.Parse("column", []byte(`{"x-table": "t", "type": "object", "properties": {"p": `+property+`}, "required": ["p"]}`))
			inside, errInside := contract.Parse("inside", []byte(`{"x-table": "t", "type": "object", "properties": {"p": {"type": "array", "items": `+property+`, "minItems": 3}}, "required": ["p"]}`))
			if numeric := strings.Contains(keywords, "x-type"); err == nil && !numeric && errInside != nil || err != nil && errInside == nil {
				t.Errorf("%s: as a column %v, inside %v", property, err, errInside)
			}
			for _, c := range []*contract.Contract{column, inside} {
				if c != nil {
					expectStable(t, c)
				}
			}
			if err == nil && kind != "drop" {
				accepted = append(accepted, kind)
			}
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(masks)), slices.Sorted(slices.Values(accepted))); diff != "" {
			t.Errorf("%s: the masks that compile differ (-want +got):\n%s", keywords, diff)
		}
	}
}

// expectStable masks messages again by a contract and a keyring that are read anew, as another
// process does. TestMasksGiveTheSameValuesInEveryProcess of package contract has fixed values.
func expectStable(t *testing.T, c *contract.Contract) {
	t.Helper()
	again := parse(t, c.Document())
	g := generate.New(c, 1)
	for range 5 {
		m, err := g.Valid()
		if err != nil {
			t.Fatalf("%v: %s", err, c.Document())
		}
		spaced := generate.Message{Body: indent(m.Body), Attributes: m.Attributes}
		if one, two := row(t, c, m), row(t, again, spaced); !slices.Equal(one, two) {
			t.Errorf("%s becomes %v and %v by %s", m.Body, one, two, c.Document())
		}
	}
}

func indent(body []byte) []byte {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return body
	}
	spaced, _ := json.MarshalIndent(value, " ", "\t")
	return spaced
}
