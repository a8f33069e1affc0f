package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sqs2pg/pkg/contract"
)

// Our own checks must accept and refuse the same messages as the schema library. Contracts are
// drawn from the keywords that we check ourselves, and messages from values near their limits. The
// library gets the same contract with minProperties: 0, which checks nothing but needs the library.
func TestPropertiesAndLibraryAgree(t *testing.T) {
	t.Parallel()
	accepted, matched, refused := 0, 0, map[string]int{}
	check := func(t *rapid.T) {
		schema := drawObject(t, 0)
		schema["x-table"] = "t"
		own := parseSchema(t, schema)
		schema["minProperties"] = 0
		library := parseSchema(t, schema)

		for range 8 {
			body := drawMessage(t, schema)
			_, err := own.Decode(body)
			want, ok := library.LibraryViolations(body)
			if !ok {
				t.Fatalf("the library could not read %s", body)
			}
			got, _ := err.(*contract.Violation)
			switch {
			case got == nil && len(want) == 0:
				accepted++
				if _, has := schema["patternProperties"]; has && schema["additionalProperties"] == false && strings.Contains(string(body), `"d1":`) {
					matched++
				}
			case got == nil:
				t.Fatalf("our own checks accept %s, the library says %v", body, *want[0])
			case got.Rule == "range" || got.Rule == "nul": // the library knows no bigint and no U+0000
			case !slices.ContainsFunc(want, func(v *contract.Violation) bool { return *v == *got }):
				t.Fatalf("our own checks refuse %s with %v, which is not among the library's %d violations", body, *got, len(want))
			default:
				refused[got.Rule]++
			}
		}
	}
	for range 10 { // 100 contracts each: enough to reach every rule
		rapid.Check(t, check)
	}
	if t.Failed() {
		return
	}
	t.Logf("accepted %d, of these %d with a member that only a pattern allows, refused %v", accepted, matched, refused)
	for _, rule := range []string{"required", "type", "minLength", "maxLength", "pattern", "enum", "const", "minimum", "maximum",
		"exclusiveMinimum", "exclusiveMaximum", "multipleOf", "additionalProperties", "format ip", "format uuid", "format date", "format date-time", "format email"} {
		if refused[rule] == 0 {
			t.Errorf("no message was refused by %s: the test does not reach it", rule)
		}
	}
	if accepted == 0 || matched == 0 {
		t.Errorf("accepted %d messages, %d by a pattern: the test does not reach them", accepted, matched)
	}
}

func parseSchema(t *rapid.T, schema map[string]any) *contract.Contract {
	document, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	c, err := contract.Parse("drawn", document)
	if err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	return c
}

var names = []string{"a", "b", "c", "d"}

func drawObject(t *rapid.T, depth int) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, name := range names[:rapid.IntRange(1, len(names)).Draw(t, "properties")] {
		isRequired := rapid.Bool().Draw(t, "required")
		if isRequired {
			required = append(required, name)
		}
		properties[name] = drawProperty(t, depth, isRequired)
	}
	object := map[string]any{"type": "object", "properties": properties, "required": required}
	if rapid.IntRange(0, 3).Draw(t, "closed") == 0 {
		object["additionalProperties"] = false
	}
	if rapid.Bool().Draw(t, "patterns") {
		object["patternProperties"] = map[string]any{"^[du]": map[string]any{"type": []string{"integer", "string"}}}
	}
	return object
}

func drawProperty(t *rapid.T, depth int, required bool) map[string]any {
	kinds := []string{"string", "integer", "number", "boolean", "array", "object"}
	kind := rapid.SampledFrom(kinds).Draw(t, "type")
	property := map[string]any{}
	if kind == "object" && depth < 2 && rapid.Bool().Draw(t, "nested") {
		property = drawObject(t, depth+1)
	}
	property["type"] = kind
	if rapid.Bool().Draw(t, "nullable") {
		property["type"] = []string{kind, "null"}
	}
	switch kind {
	case "string":
		addTextKeywords(t, property, required)
	case "integer", "number":
		for _, keyword := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"} {
			if rapid.IntRange(0, 3).Draw(t, keyword) == 0 {
				property[keyword] = json.RawMessage(rapid.SampledFrom(numberLimits).Draw(t, "limit"))
			}
		}
		drawMask(t, property, "token", "drop", "bucket:10")
		if limit, ok := property["multipleOf"].(json.RawMessage); ok && (limit[0] == '-' || limit[0] == '0' && len(limit) == 1) {
			property["multipleOf"] = 0.1
		}
	}
	return property
}

func addTextKeywords(t *rapid.T, property map[string]any, required bool) {
	if required {
		property["minLength"] = 1 // as our own checks have it
	}
	switch rapid.IntRange(0, 7).Draw(t, "keyword") {
	case 0:
		property["minLength"] = rapid.IntRange(0, 3).Draw(t, "min")
	case 1:
		property["maxLength"] = rapid.IntRange(0, 3).Draw(t, "max")
	case 2:
		property["pattern"] = rapid.SampledFrom([]string{"^a", "😀", "^[0-9]+$", ""}).Draw(t, "pattern")
	case 3:
		property["enum"] = rapid.SampledFrom([][]any{{"a", "b"}, {"", nil}, {"1", 1}, {nil}}).Draw(t, "enum")
		drawUntyped(t, property, property["enum"].([]any)[0])
	case 4:
		property["const"] = rapid.SampledFrom([]any{"a", "", "😀", nil}).Draw(t, "const")
		drawUntyped(t, property, property["const"])
	default:
		format := rapid.SampledFrom(slices.Sorted(maps.Keys(formatMasks))).Draw(t, "format")
		property["format"] = format
		drawMask(t, property, formatMasks[format]...)
		return
	}
	drawMask(t, property, "token", "sha256-8", "last-4", "drop")
}

var formatMasks = map[string][]string{
	"ip": {"token", "ip-network"}, "ipv4": {"ip-network"}, "ipv6": {"ip-network"}, "uuid": {"token"}, "date": {"date-year", "token"}, "date-time": {"date-month"},
	"email": {"email-domain", "token"}, "uri": {"drop"},
}

// drawMask masks one in three properties, some of them for two columns.
func drawMask(t *rapid.T, property map[string]any, kinds ...string) {
	if rapid.IntRange(0, 2).Draw(t, "masked") > 0 {
		return
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "mask")
	property["x-mask"] = kind
	if kind != "drop" && rapid.Bool().Draw(t, "columns") {
		columns++
		property["x-mask"] = map[string]any{fmt.Sprintf("m%d", columns): kind, fmt.Sprintf("n%d", columns): kind}
	}
}

var columns int // that have been drawn: their names differ

// drawUntyped takes the type from some properties with an enum or a const whose values have one.
func drawUntyped(t *rapid.T, property map[string]any, first any) {
	if text, ok := first.(string); ok && text != "1" && rapid.Bool().Draw(t, "untyped") {
		delete(property, "type")
	}
}

var (
	numberLimits = []string{"0", "1", "-1", "10", "0.1", "2.5", "9007199254740993", "9223372036854775807", "1e3", "-3.5e-2"}
	numbers      = append([]string{"-0", "0.0", "1.0", "0.10000000000000000001", "1E+1", "10e-1", "9007199254740992", "9007199254740993.5",
		"9223372036854775808", "-9223372036854775808", "9.223372036854775807e18", "1e400", "1e-400", "12.50", "0.3", "100", "7"}, numberLimits...)
	texts = []string{"", "a", "b", "1", "12", "abc", "😀", "😀😀😀", "a\tb", `\`, "null",
		"1.2.3.4", "01.2.3.4", "::1", "::ffff:1.2.3.4", "fe80::1%eth0", "2001:DB8::1", "1.2.3.4:80",
		"00000000-0000-0000-0000-000000000000", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", "f81d4fae7dec11d0a76500a0c91e6bf6", "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
		"2024-02-29", "2023-02-29", "2024-2-29", "0000-01-01", "2024-01-01T00:00:00Z", "2024-01-01t23:59:60z", "2024-01-01 00:00:00Z",
		"2024-01-01T00:00:00.123456789+23:59", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00", "2016-12-31T18:59:60-05:00",
		"a@example.com", "@", "https://example.com/a?b#c", "not a uri"}
)

// drawMessage draws a message whose members mostly have the type they should.
func drawMessage(t *rapid.T, schema map[string]any) []byte {
	body, err := json.Marshal(drawMembers(t, schema))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func drawMembers(t *rapid.T, schema map[string]any) map[string]any {
	members := map[string]any{}
	properties := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if rapid.IntRange(0, 9).Draw(t, "absent") > 0 {
			members[name] = drawValue(t, properties[name].(map[string]any))
		}
	}
	if rapid.IntRange(0, 4).Draw(t, "undeclared") == 0 {
		name := rapid.SampledFrom([]string{"undeclared", "other", "d1", "d1"}).Draw(t, "name")
		members[name] = json.RawMessage(rapid.SampledFrom([]string{`[1, {"a": null}]`, `1`, `"a"`}).Draw(t, "value"))
	}
	return members
}

func drawValue(t *rapid.T, schema map[string]any) any {
	kind, ok := schema["type"].(string)
	if schema["type"] == nil {
		kind = "string"
	} else if !ok {
		kind = schema["type"].([]string)[rapid.IntRange(0, 1).Draw(t, "null")]
	}
	if rapid.IntRange(0, 9).Draw(t, "wrong") == 0 {
		kind = rapid.SampledFrom([]string{"string", "number", "boolean", "null", "array", "object"}).Draw(t, "type")
	}
	switch kind {
	case "string":
		return rapid.OneOf(rapid.SampledFrom(texts), rapid.StringN(0, 4, -1)).Draw(t, "text")
	case "integer", "number":
		return json.RawMessage(rapid.SampledFrom(numbers).Draw(t, "number"))
	case "boolean":
		return rapid.Bool().Draw(t, "boolean")
	case "array":
		return []any{1, "a", nil}
	case "object":
		if _, ok := schema["properties"]; ok {
			return drawMembers(t, schema)
		}
		return map[string]any{"a": 1}
	default:
		return nil
	}
}
