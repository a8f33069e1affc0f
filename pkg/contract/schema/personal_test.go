package schema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract/schema"
)

func TestWarnsOfPropertiesThatLookPersonalAndHaveNoMask(t *testing.T) {
	t.Parallel()
	s, err := schema.Compile([]byte(`{"x-table": "t", "type": "object", "properties": {
"email": {"type": "string"},
"phone": {"type": "string", "x-mask": "token"},
"emailVerified": {"type": "boolean"}, "ip": {"type": "boolean"}, "gender": {"enum": ["f", "m"]},
"recipient": {"type": "string", "format": "email"},
"customer": {"type": "object", "properties": {
"name": {"type": "string"}, "birthDate": {"$ref": "#/$defs/day"}}},
"product": {"type": "object", "properties": {"name": {"type": "string"}}},
"addresses": {"type": "array", "items": {"type": "string"}},
"phones": {"type": "array"},
"lines": {"type": "array", "items": {"properties": {"name": {"type": "string"}, "n": {"type": "integer"},
"contact": {"$ref": "#/$defs/contact"}, "ip": {"$ref": "#/$defs/token"}}}},
"people": {"type": "array", "x-mask": "drop", "items": {"properties": {"name": {"type": "string"}}}},
"crew": {"type": "array", "items": {"properties": {"person": {"x-mask": "drop", "properties": {"name": {"type": "string"}}}}}}
}, "$defs": {"day": {"type": "string", "format": "date"}, "token": {"type": "string", "x-mask": "token"},
"contact": {"properties": {"iban": {"type": "string"}, "to": {"type": ["string", "null"], "format": "ipv6"}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range s.Personal {
		got = append(got, m.Error())
	}
	const text = " looks personal and is stored as it is: mask it by x-mask, or do not declare it"
	if diff := cmp.Diff([]string{
		"line 2, column 1: /properties/email: email" + text,
		"line 5, column 1: /properties/recipient: recipient" + text,
		"line 7, column 1: /properties/customer/properties/name: name" + text,
		"line 7, column 29: /properties/customer/properties/birthDate: birthDate" + text,
		"line 9, column 32: /properties/addresses/items: addresses" + text,
		"line 10, column 1: /properties/phones: phones" + text,
		"line 11, column 53: /properties/lines/items/properties/name: name" + text,
		"line 16, column 28: /$defs/contact/properties/iban: iban" + text,
		"line 16, column 56: /$defs/contact/properties/to: to" + text,
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
