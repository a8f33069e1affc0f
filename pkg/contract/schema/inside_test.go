package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract/schema"
)

func TestListsWhatIsDeclaredInsideOfStoredValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		property, more string
		want           []schema.Inside
	}{
		{`{"type": "array"}`, ``, nil},
		{`{"type": "array", "items": {"type": "string"}}`, ``, nil},
		{`{"type": "array", "items": {"type": "string", "x-mask": "token"}}`, ``, []schema.Inside{{Path: "*", Mask: "token"}}},
		{`{"type": "array", "prefixItems": [{"type": "string", "x-mask": "token"}, {"type": "integer"}]}`, ``, []schema.Inside{{Path: "*", Mask: "none or token"}}},
		{`{"type": "object", "patternProperties": {"^a": {"properties": {"b": {"type": "string", "x-mask": "drop"}, "a": {"type": "object"}}}}}`, ``,
			[]schema.Inside{{Path: "*.a", Mask: "none"}, {Path: "*.b", Mask: "drop"}}},
		{`{"type": "array", "items": {"$ref": "#/$defs/tree"}}`, `, "$defs": {"tree": {"properties": {
			"name": {"type": "string", "x-mask": "token"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}}`,
			[]schema.Inside{{Path: "*.children.*.name", Mask: "token"}, {Path: "*.name", Mask: "token"}}},
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
