package contract_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
)

func TestStoresOnlyDeclaredMembers(t *testing.T) {
	t.Parallel()
	const line = `{"type": "object", "properties": {"sku": {"type": "string"}, "n": {"type": "integer"}}}`
	for _, test := range []struct{ reason, property, more, value, want string }{
		{"an array without items", `{"type": "array"}`, ``, `[{"a": 1}, [{"b": 2}]]`, `[{"a":1},[{"b":2}]]`},
		{"an object without properties", `{"type": "object"}`, ``, `{"a": {"b": [1, {}]}}`, `{"a":{"b":[1,{}]}}`},
		{"an object with no properties", `{"type": "object", "properties": {}}`, ``, `{"a": 1}`, `{"a":1}`},
		{"any element", `{"type": "array", "items": {}}`, ``, `[{"a": 1}]`, `[{"a":1}]`},
		{"elements of a type", `{"type": "array", "items": {"type": "object"}}`, ``, `[{"a": 1}]`, `[{"a":1}]`},
		{"elements with properties", `{"type": "array", "items": ` + line + `}`, ``,
			` [ {"x" : [1], "sku":"a" , "y": {"sku": 1}, "n" : 1e2 } , {"y": "}"}, {"n": 3}]`, `[{"sku":"a","n":1e2},{},{"n":3}]`},
		{"an escaped name", `{"type": "array", "items": ` + line + `}`, ``, `[{"\u0073ku": "a", "sku\u0000": "b"}]`, `[{"\u0073ku":"a"}]`},
		{"arrays in arrays", `{"type": "array", "items": {"type": "array", "items": ` + line + `}}`, ``, `[[{"x": 1}], [], [{"n": 2}]]`, `[[{}],[],[{"n":2}]]`},
		{"an object in an element", `{"type": "array", "items": {"type": "object", "properties": {"o": ` + line + `}}}`, ``,
			`[{"o": {"x": 1, "sku": "a"}, "x": 2}]`, `[{"o":{"sku":"a"}}]`},
		{"an undeclared object in an element", `{"type": "array", "items": {"type": "object", "properties": {"o": {"type": "object"}}}}`, ``,
			`[{"o": {"x": 1}, "x": 2}]`, `[{"o":{"x":1}}]`},
		{"prefixItems", `{"type": "array", "prefixItems": [{"type": "integer"}, ` + line + `]}`, ``,
			`[1, {"x": 1, "n": 2}, {"x": 1}]`, `[1,{"n":2},{"x":1}]`},
		{"patternProperties", `{"type": "object", "patternProperties": {"^a": {"type": "integer"}, "^b": ` + line + `}}`, ``,
			`{"a1": 1, "c": 2, "b1": {"x": 1, "n": 2}}`, `{"a1":1,"b1":{"n":2}}`},
		{"patternProperties and no others", `{"type": "object", "patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": false}`, ``,
			`{"a1": 1}`, `{"a1":1}`},
		{"a schema for additional properties", `{"type": "object", "additionalProperties": ` + line + `}`, ``, `{"any": {"n": 1, "x": 2}}`, `{"any":{"n":1}}`},
		{"a schema for additional properties beside properties",
			`{"type": "array", "items": {"properties": {"a": {"type": "integer"}}, "additionalProperties": {}}}`, ``, `[{"a": 1, "b": {"c": 2}}]`, `[{"a":1,"b":{"c":2}}]`},
		{"true for additional properties", `{"type": "array", "items": {"properties": {"a": {"type": "integer"}}, "additionalProperties": true}}`, ``,
			`[{"a": 1, "b": 2}]`, `[{"a":1}]`},
		{"true for additional properties alone", `{"type": "object", "additionalProperties": true}`, ``, `{"a": 1}`, `{"a":1}`},
		{"unevaluatedProperties", `{"type": "object", "allOf": [{"properties": {"a": {"type": "integer"}}}], "unevaluatedProperties": ` + line + `}`, ``,
			`{"a": 1, "b": {"n": 1, "x": 2}}`, `{"a":1,"b":{"n":1}}`},
		{"a reference", `{"type": "array", "items": {"$ref": "#/$defs/line"}}`, `, "$defs": {"line": ` + line + `}`, `[{"x": 1, "n": 2}]`, `[{"n":2}]`},
		{"a schema that refers to itself", `{"type": "array", "items": {"$ref": "#/$defs/tree"}}`,
			`, "$defs": {"tree": {"type": "object", "properties": {"n": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}}`,
			`[{"x": 1, "n": 1, "children": [{"n": 2, "x": 1, "children": []}]}]`, `[{"n":1,"children":[{"n":2,"children":[]}]}]`},
		{"allOf", `{"type": "array", "items": {"allOf": [` + line + `, {"properties": {"b": {"type": "boolean"}}}]}}`, ``,
			`[{"x": 1, "n": 2, "b": true}]`, `[{"n":2,"b":true}]`},
		{"anyOf", `{"type": "array", "items": {"anyOf": [{"type": "string"}, ` + line + `]}}`, ``, `["a", {"x": 1, "n": 2}]`, `["a",{"n":2}]`},
		{"oneOf, then and dependentSchemas", `{"type": "object", "oneOf": [{"properties": {"a": {"type": "integer"}}}], "if": {"properties": {"x": {"const": 1}}},
			"then": {"properties": {"b": {"type": "integer"}}}, "else": {"properties": {"c": {"type": "integer"}}},
			"dependentSchemas": {"a": {"properties": {"d": {"type": "integer"}}}}}`, ``, `{"a": 1, "b": 2, "c": 3, "d": 4, "x": 1}`, `{"a":1,"b":2,"c":3,"d":4}`},
		{"contains and not", `{"type": "array", "contains": {"properties": {"a": {"const": 1}}}, "not": {"items": {"properties": {"a": {"const": 2}}}}}`, ``,
			`[{"a": 1, "b": 2}]`, `[{"a":1,"b":2}]`},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			got, violation := valueOf(t, parse(t, with(test.property, test.more)), test.value)
			if violation != nil || got != test.want {
				t.Errorf("got  %v, %v\nwant %s", got, violation, test.want)
			}
		})
	}
}

func TestMasksInsideOfStoredValues(t *testing.T) {
	t.Parallel()
	k := keyring(t)
	for _, test := range []struct{ reason, property, more, value, want string }{
		{"elements", `{"type": "array", "items": {"type": "string", "x-mask": "token"}}`, ``,
			`["Ann", "a\"\u00e9"]`, `["` + k.Token("p", "Ann") + `","` + k.Token("p", `a"é`) + `"]`},
		{"members", `{"type": "array", "items": {"type": "object", "properties": {"email": {"type": ["string", "null"], "x-mask": "token"}, "n": {"type": "integer"}}}}`, ``,
			`[{"n": 1, "email": "a@b"}, {"email": null, "n": 2}]`, `[{"n":1,"email":"` + k.Token("email", "a@b") + `"},{"email":null,"n":2}]`},
		{"a domain", `{"type": "array", "items": {"type": "string", "x-mask": "token", "x-domain": "d"}}`, ``, `["Ann"]`, `["` + k.Token("d", "Ann") + `"]`},
		{"addresses", `{"type": "array", "items": {"type": "string", "format": "ip", "x-mask": "token"}}`, ``,
			`["::ffff:1.2.3.4"]`, `["` + k.Token("p", "1.2.3.4") + `"]`},
		{"networks", `{"type": "object", "additionalProperties": {"type": "string", "format": "ip", "x-mask": "ip-network"}}`, ``,
			`{"a": "1.2.3.4", "b": "2001:db8::1"}`, `{"a":"1.2.3.0/24","b":"2001:db8::/48"}`},
		{"sha256-8", `{"type": "object", "patternProperties": {"^a": {"type": "string", "x-mask": "sha256-8"}}}`, ``,
			`{"a1": "abc", "b": "abc"}`, `{"a1":"` + mask.SHA256Prefix("abc") + `"}`},
		{"dropped members", `{"type": "array", "items": {"properties": {"a": {"type": "string", "x-mask": "drop"}, "b": {"type": "integer"}}}}`, ``,
			`[{"a": "Ann", "b": 1}, {"b": 2, "a": "Ann"}]`, `[{"b":1},{"b":2}]`},
		{"dropped elements", `{"type": "array", "prefixItems": [{"type": "string", "x-mask": "drop"}]}`, ``, `["Ann", 1]`, `[null,1]`},
		{"a reference", `{"type": "array", "items": {"properties": {"to": {"$ref": "#/$defs/email"}, "from": {"$ref": "#/$defs/email"}}}}`,
			`, "$defs": {"email": {"type": "string", "x-mask": "token"}}`,
			`[{"to": "a", "from": "a"}]`, `[{"to":"` + k.Token("to", "a") + `","from":"` + k.Token("from", "a") + `"}]`},
		{"a mask beside a reference", `{"type": "array", "items": {"$ref": "#/$defs/email", "x-mask": "token"}}`,
			`, "$defs": {"email": {"type": "string", "format": "email", "x-normalize": "email", "x-domain": "d"}}`, `["A@b.org"]`, `["` + k.Token("d", "a@b.org") + `"]`},
		{"one alternative", `{"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string", "x-mask": "token"}]}}`, ``,
			`[1, "Ann"]`, `[1,"` + k.Token("p", "Ann") + `"]`},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			got, violation := valueOf(t, parse(t, with(test.property, test.more)), test.value)
			if violation != nil || got != test.want {
				t.Errorf("got  %v, %v\nwant %s", got, violation, test.want)
			}
		})
	}
}

func TestContentOfValuesThatAreNotStoredRefusesNothing(t *testing.T) {
	t.Parallel()
	const dropped = `{"type": "string", "maxLength": 1, "format": "ip", "pattern": "^a", "enum": ["a"], "x-mask": "drop"}`
	const lines = `{"type": "array", "items": {"properties": {"a": {"type": "integer"}, "s": {"type": "string", "maxLength": 1, "x-mask": "drop"}}}}`
	for _, test := range []struct{ reason, property, more, body string }{
		{"a dropped property", dropped, ``, `{"p": "Ann"}`},
		{"a dropped property that is empty", dropped, `, "required": ["p"]`, `{"p": ""}`},
		{"NUL in a dropped property", dropped, ``, `{"p": "\u0000"}`},
		{"keywords for the library", `{"type": "string", "x-mask": "drop", "allOf": [{"maxLength": 1}], "anyOf": [{"const": "a"}], "not": {"const": "Ann"}}`, ``, `{"p": "Ann"}`},
		{"a pattern for the name of a dropped property", `{"type": "string", "x-mask": "drop"}`, `, "patternProperties": {"^p": {"maxLength": 1}}`, `{"p": "Ann"}`},
		{"a dropped property below another", `{"type": "object", "properties": {"q": {"type": "string", "x-mask": "drop", "allOf": [{"maxLength": 1}]}}}`, ``, `{"p": {"q": "Ann"}}`},
		{"a dropped enum of no type", `{"enum": ["a"], "x-mask": "drop"}`, ``, `{"p": 5}`},
		{"null for a dropped enum of no type", `{"enum": ["a"], "x-mask": "drop"}`, ``, `{"p": null}`},
		{"null for a dropped property whose enum lacks it", `{"type": ["string", "null"], "enum": ["a"], "x-mask": "drop"}`, ``, `{"p": null}`},
		{"a dropped number out of range", `{"type": "integer", "maximum": 1, "x-mask": "drop"}`, ``, `{"p": 1e999999999}`},
		{"a dropped array", `{"type": "array", "items": {"type": "string"}, "maxItems": 1, "x-mask": "drop"}`, ``, `{"p": [1, "\u0000", 1e999]}`},
		{"a dropped object", `{"type": "object", "additionalProperties": false, "x-mask": "drop"}`, ``, `{"p": {"a": 1}}`},
		{"a dropped member", lines, ``, `{"p": [{"s": "Ann\u0000"}, {"s": ""}]}`},
		{"a dropped member among additional ones", `{"type": "object", "additionalProperties": {"type": "string", "x-mask": "drop", "maxLength": 1}}`, ``, `{"p": {"1": "Ann"}}`},
		{"values inside of a dropped member", `{"type": "array", "items": {"properties": {"s": {"type": "object", "x-mask": "drop", "properties": {"t": {"type": "string"}}}}}}`, ``, `{"p": [{"s": {"t": 5}}]}`},
		{"a dropped element", `{"type": "array", "items": {"type": "string", "x-mask": "drop", "maxLength": 1}}`, ``, `{"p": ["Ann"]}`},
		{"NUL in an undeclared property", lines, ``, `{"x": ["\u0000", {"\u0000": 1}], "\u0000": 1}`},
		{"NUL in an undeclared member", lines, ``, `{"p": [{"x": ["\u0000", {"\u0000": 1}], "\u0000": 1}]}`},
		{"a number out of proportion", lines, ``, `{"x": [1e999999999, -1e999999999, 1e-999999999], "p": [{"x": 1e999999999}]}`},
		{"a number out of proportion that the library counts", lines, `, "minProperties": 1, "propertyNames": {"maxLength": 9}`, `{"x": 1e999999999}`},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			if _, err := parse(t, with(test.property, test.more)).Decode([]byte(test.body)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRulesOfValuesThatAreNotStored(t *testing.T) {
	t.Parallel()
	const lines = `{"type": "array", "items": {"properties": {"s": {"type": "string", "x-mask": "drop"}}}}`
	for _, test := range []struct{ property, more, body, field, rule string }{
		{`{"type": "string", "x-mask": "drop"}`, ``, `{"p": 5}`, "p", "type"},
		{`{"type": "string", "x-mask": "drop"}`, ``, `{"p": null}`, "p", "type"},
		{`{"type": "string", "x-mask": "drop"}`, `, "required": ["p"]`, `{}`, "p", "required"},
		{lines, ``, `{"p": [{"s": 5}]}`, "p.*.s", "type"},
		{lines, ``, `{"p": [{"x": ` + nested(62) + `}]}`, "p", "nesting"},
		{lines, ``, `{"x": ` + nested(64) + `}`, "*", "nesting"},
		{`{"type": "integer"}`, `, "additionalProperties": {"maximum": 3}`, `{"x": 1e999999999}`, "*", "maximum"},
		{`{"type": "integer"}`, `, "additionalProperties": {"minimum": -3}`, `{"x": -1e999999999}`, "*", "minimum"},
		{`{"type": "integer"}`, `, "additionalProperties": {"exclusiveMaximum": 0}`, `{"x": 1e-999999999}`, "*", "exclusiveMaximum"},
		{`{"type": "integer"}`, `, "patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": false`, `{"b": 1}`, "*", "additionalProperties"},
		{`{"type": "integer"}`, `, "patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": false`, `{"a": "x"}`, "*", "type"},
		{`{"type": "object", "properties": {"q": {"type": "integer"}}, "patternProperties": {"^a": true}, "additionalProperties": false}`, ``, `{"p": {"b": 1}}`, "p.*", "additionalProperties"},
	} {
		if got, want := violationOf(t, parse(t, with(test.property, test.more)), test.body), (contract.Violation{Field: test.field, Rule: test.rule}); got != want {
			t.Errorf("%s%s %.60s: got %v, want %v", test.property, test.more, test.body, got, want)
		}
	}
}

// However arrays and objects are nested: what is undeclared, dropped or masked is not in the row,
// and what is declared is.
func TestUndeclaredAndMaskedTextNeverReachesTheRow(t *testing.T) {
	t.Parallel()
	k := keyring(t)
	rapid.Check(t, func(t *rapid.T) {
		schema := map[string]any{"type": "array", "items": drawStored(t, 0)}
		document, _ := json.Marshal(map[string]any{"x-table": "t", "type": "object", "properties": map[string]any{"p": schema}})
		c, err := contract.Parse("drawn", document)
		if err != nil {
			t.Fatalf("%v in %s", err, document)
		}
		body, _ := json.Marshal(map[string]any{"p": drawStoredValue(t, schema), "x": "secret"})
		record, err := c.Decode(body)
		if err != nil {
			t.Fatalf("%v of %s in %s", err, body, document)
		}
		got := c.Mask(k, record).Value(0).Text()
		if strings.Contains(got, "secret") || !json.Valid([]byte(got)) || strings.Count(string(body), "public") != strings.Count(got, "public") {
			t.Fatalf("%s becomes %s in %s", body, got, document)
		}
	})
}

// drawStored draws the schema of a stored value.
func drawStored(t *rapid.T, depth int) map[string]any {
	kinds := []string{"public", "token", "drop", "sha256-8", "array", "object", "object", "pattern"}
	if depth > 3 {
		kinds = kinds[:4]
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case "public":
		return map[string]any{"type": "string"}
	case "array":
		return map[string]any{"type": "array", "items": drawStored(t, depth+1)}
	case "pattern":
		return map[string]any{"type": "object", "patternProperties": map[string]any{"^[ab]": drawStored(t, depth+1)}}
	case "object":
		properties := map[string]any{}
		for _, name := range names[:rapid.IntRange(1, 3).Draw(t, "properties")] {
			properties[name] = drawStored(t, depth+1)
		}
		return map[string]any{"type": "object", "properties": properties}
	default:
		return map[string]any{"type": "string", "x-mask": kind}
	}
}

// drawStoredValue draws a value of such a schema, in which what must not be stored says secret.
func drawStoredValue(t *rapid.T, schema map[string]any) any {
	switch {
	case schema["type"] == "array":
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, drawStoredValue(t, schema["items"].(map[string]any)))
		}
		return list
	case schema["type"] == "object":
		members := map[string]any{"x": "secret", "secret": []any{1, "]}"}}
		properties, _ := schema["properties"].(map[string]any)
		if patterns, ok := schema["patternProperties"].(map[string]any); ok {
			properties = map[string]any{"a": patterns["^[ab]"], "b2": patterns["^[ab]"]}
		}
		for name, property := range properties {
			members[name] = drawStoredValue(t, property.(map[string]any))
		}
		return members
	case schema["x-mask"] == nil:
		return "public"
	default:
		return `secret "` + rapid.SampledFrom(texts).Draw(t, "text")
	}
}
