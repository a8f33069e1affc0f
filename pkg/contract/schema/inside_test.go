package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/contract/table"
)

func TestListsWhatIsDeclaredInsideOfStoredValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		property, more string
		want           []table.Inside
	}{
		{`{"type": "array"}`, ``, nil},
		{`{"type": "array", "items": {"type": "string"}}`, ``, nil},
		{`{"type": "array", "items": {"type": "string", "x-mask": "token"}}`, ``, []table.Inside{{Path: "*", Mask: `token "p"`}}},
		{`{"type": "array", "prefixItems": [{"type": "string", "x-mask": "token"}, {"type": "integer"}]}`, ``, []table.Inside{{Path: "[0]", Mask: `token "p"`}, {Path: "[1]", Mask: "none"}}},
		{`{"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "string", "x-mask": "token", "x-domain": "d", "format": "ip"}}`, ``,
			[]table.Inside{{Path: "*", Mask: `token "d" as ip`}, {Path: "[0]", Mask: "none"}}},
		{`{"type": "object", "patternProperties": {"^a.": {"type": "string"}}, "additionalProperties": {"type": "string", "x-mask": "token"}}`, ``,
			[]table.Inside{{Path: "{*}", Mask: `token ""`}, {Path: "{^a~1}", Mask: "none"}}},
		{`{"type": "array", "items": {"properties": {"a": {"type": "string", "x-mask": "token"}, "a.b": {"type": "string"}, "*": {}, "": {}, "~": {}}}}`, ``,
			[]table.Inside{{Path: "*.a", Mask: `token "a"`}, {Path: "*.a~1b", Mask: "none"}, {Path: "*.~", Mask: "none"}, {Path: "*.~*", Mask: "none"}, {Path: "*.~0", Mask: "none"}}},
		{`{"type": "object", "patternProperties": {"^a": {"properties": {"b": {"type": "string", "x-mask": "drop"}, "a": {"type": "object"}}}}}`, ``,
			[]table.Inside{{Path: "{^a}.a", Mask: "none"}, {Path: "{^a}.b", Mask: "drop"}}},
		{`{"type": "array", "items": {"$ref": "#/$defs/tree"}}`, `, "$defs": {"tree": {"properties": {
			"name": {"type": "string", "x-mask": "token"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}}`,
			[]table.Inside{{Path: "*.children.*.name", Mask: `token "name"`}, {Path: "*.name", Mask: `token "name"`}}},
	} {
		s, err := schema.Compile([]byte(with(test.property, test.more)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, s.Table.Columns[0].Inside); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.property, diff)
		}
	}
}

// Schemas that refer to each other would be walked on every way from one to another.
func TestRefusesMoreDeclaredValuesThanItCanList(t *testing.T) {
	t.Parallel()
	var defs, refs []string
	for i := range 12 {
		refs = append(refs, fmt.Sprintf(`"m%d": {"$ref": "#/$defs/d%[1]d"}`, i))
	}
	for i := range 12 {
		defs = append(defs, fmt.Sprintf(`"d%d": {"properties": {%s}}`, i, strings.Join(refs, ", ")))
	}
	_, err := schema.Compile([]byte(with(`{"type": "array", "items": {"$ref": "#/$defs/d0"}}`, `, "$defs": {`+strings.Join(defs, ", ")+`}`)))
	if err == nil || !strings.Contains(err.Error(), "/properties/p: more than 1000 values are declared inside of it") {
		t.Errorf("got %v", err)
	}
}

// The same for columns: each object stands for twelve of the next.
func TestRefusesMorePropertiesThanATableCanHave(t *testing.T) {
	t.Parallel()
	defs := []string{`"d12": {"type": "string"}`}
	for i := range 12 {
		var properties []string
		for j := range 12 {
			properties = append(properties, fmt.Sprintf(`"m%d": {"$ref": "#/$defs/d%d"}`, j, i+1))
		}
		defs = append(defs, fmt.Sprintf(`"d%d": {"type": "object", "properties": {%s}}`, i, strings.Join(properties, ", ")))
	}
	_, err := schema.Compile([]byte(with(`{"$ref": "#/$defs/d0"}`, `, "$defs": {`+strings.Join(defs, ", ")+`}`)))
	if err == nil || !strings.Contains(err.Error(), "more than 10000 properties") {
		t.Errorf("got %.300v", err)
	}
}
