package contract_test

import (
	"errors"
	"testing"

	"sqs2pg/pkg/contract"
)

// with makes a contract of one property p; more goes to the root.
func with(property, more string) string {
	return `{"x-table": "t", "type": "object", "properties": {"p": ` + property + `}` + more + `}`
}

func TestAMistakeInAContractIsNamedWithItsPlaceAndItsCure(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ mistake, document, want string }{
		{"not JSON", `{"x-table": "t",}`, ``},
		{"an array", `[]`, ``},
		{"empty", ``, ``},
		{"two documents", `{"x-table": "t", "type": "object", "properties": {"p": {"type": "string"}}} {}`, ``},
		{"a member twice", with(`{"type": "string", "type": "integer"}`, ``), ``},
		{"another draft", with(`{"type": "string"}`, `, "$schema": "http://json-schema.org/draft-07/schema#"`), ``},
		{"a misspelt keyword", with(`{"type": "string", "maxLenght": 3}`, ``), ``},
		{"a misspelt keyword at the root", with(`{"type": "string"}`, `, "requierd": ["p"]`), ``},
		{"a misspelt keyword below items", with(`{"type": "array", "items": {"tipe": "string"}}`, ``), ``},
		{"a misspelt keyword below anyOf", with(`{"type": "array", "anyOf": [{"minItem": 1}]}`, ``), ``},
		{"a misspelt keyword of ours", with(`{"type": "string", "x-maks": "token"}`, ``), ``},
		{"a keyword of nobody", with(`{"type": "string", "nullable": true}`, ``), ``},
		{"x-table on a property", with(`{"type": "string", "x-table": "t"}`, ``), ``},
		{"x-mask at the root", with(`{"type": "string"}`, `, "x-mask": "token"`), ``},
		{"x-mask below items", with(`{"type": "array", "items": {"type": "string", "x-mask": "token"}}`, ``), ``},
		{"x-mask on an object with properties", with(`{"type": "object", "properties": {"q": {"type": "string"}}, "x-column": "q"}`, ``), ``},
		{"an unknown mask", with(`{"type": "string", "x-mask": "tokne"}`, ``), ``},
		{"a mask of a number", with(`{"type": "integer", "x-mask": "token"}`, ``), ``},
		{"a network of no address", with(`{"type": "string", "x-mask": "ip-network"}`, ``), ``},
		{"recovery without a token", with(`{"type": "string", "x-recover": true}`, ``), ``},
		{"a domain without a token", with(`{"type": "string", "x-domain": "d"}`, ``), ``},
		{"two subjects", with(`{"type": "string", "x-subject": true}, "q": {"type": "string", "x-subject": true}`, ``), ``},
		{"no table", `{"type": "object", "properties": {"p": {"type": "string"}}}`, ``},
		{"a table that needs quotes", `{"x-table": "My Table", "type": "object", "properties": {"p": {"type": "string"}}}`, ``},
		{"a table with a long name", `{"x-table": "a23456789012345678901234567890123456789012345678901", "type": "object", "properties": {"p": {"type": "string"}}}`, ``},
		{"no type at the root", `{"x-table": "t", "properties": {"p": {"type": "string"}}}`, ``},
		{"no properties", `{"x-table": "t", "type": "object"}`, ``},
		{"no type", with(`{}`, ``), ``},
		{"a schema that is true", with(`true`, ``), ``},
		{"two types", with(`{"type": ["string", "integer"]}`, ``), ``},
		{"only null", with(`{"type": "null"}`, ``), ``},
		{"an unknown type", with(`{"type": "strng"}`, ``), ``},
		{"properties of a string", with(`{"type": "string", "properties": {"q": {"type": "string"}}}`, ``), ``},
		{"a reference", with(`{"$ref": "#/$defs/d"}`, `, "$defs": {"d": {"type": "string"}}`), ``},
		{"a reference to a file", with(`{"type": "array", "items": {"$ref": "/etc/hostname"}}`, ``), ``},
		{"a reference to nothing", with(`{"type": "array", "items": {"$ref": "#/$defs/d"}}`, ``), ``},
		{"a length that is a word", with(`{"type": "string", "maxLength": "ten"}`, ``), ``},
		{"a pattern that does not compile", with(`{"type": "string", "pattern": "(?=a)"}`, ``), ``},
		{"an unknown format", with(`{"type": "string", "format": "data-time"}`, ``), ``},
		{"a format that is a number", with(`{"type": "string", "format": 1}`, ``), ``},
		{"required names what is not there", with(`{"type": "string"}`, `, "required": ["q"]`), ``},
		{"a column twice", with(`{"type": "string"}, "q": {"type": "string", "x-column": "p"}`, ``), ``},
		{"a nested column that meets another", with(`{"type": "object", "properties": {"q": {"type": "string"}}}, "p_q": {"type": "string"}`, ``), ``},
		{"a reserved column", with(`{"type": "string", "x-column": "event_id"}`, ``), ``},
		{"a column of Postgres", with(`{"type": "string", "x-column": "xmin"}`, ``), ``},
		{"a name that needs quotes", `{"x-table": "t", "type": "object", "properties": {"userId": {"type": "string"}}}`, ``},
		{"a column name that needs quotes", with(`{"type": "string", "x-column": "User Id"}`, ``), ``},
		{"an unknown mode", with(`{"type": "string"}`, `, "x-write": {"mode": "merge"}`), ``},
		{"upsert without a key", with(`{"type": "string"}`, `, "x-write": {"mode": "upsert"}`), ``},
		{"insert with a key", with(`{"type": "string"}`, `, "x-write": {"mode": "insert", "key": ["p"]}`), ``},
		{"a key that is no column", with(`{"type": "string"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["pp"]}`), ``},
		{"a key that can be missing", with(`{"type": "string", "maxLength": 9}`, `, "x-write": {"mode": "upsert", "key": ["p"]}`), ``},
		{"a key that is an array", with(`{"type": "array"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["p"]}`), ``},
		{"a key that is long", with(`{"type": "string"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["p"]}`), ``},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			t.Parallel()
			_, err := contract.Parse("c", []byte(test.document))
			if !errors.Is(err, contract.ErrContract) {
				t.Fatalf("got %v, want an ErrContract", err)
			}
			t.Logf("%s", err)
		})
	}
}
