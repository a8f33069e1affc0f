package registry_test

import (
	"strings"
	"testing"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
)

// orders is a table whose only column is jsonb with this schema.
func orders(t *testing.T, lines string) contract.Table {
	t.Helper()
	c, err := contract.Parse("orders", []byte(`{"x-table": "orders", "type": "object", "properties": {"lines": `+lines+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	return c.Table()
}

func TestComparesMasksInsideOfStoredValues(t *testing.T) {
	t.Parallel()
	array := func(members string) string {
		return `{"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}` + members + `}}}`
	}
	const whole = `{"type": "array"}`
	email, plain := array(`, "email": {"type": "string", "x-mask": "token"}`), array(`, "email": {"type": "string"}`)
	for _, test := range []struct {
		name, migrated, now string
		want                string // "" if rows may be written, "migrate" if a migration suffices, else a part of the refusal
	}{
		{"the same", email, email, ""},
		{"a mask that was removed", email, plain, `column lines.*.email holds values masked by token "email" and the contract says none`},
		{"a mask that was changed", email, array(`, "email": {"type": "string", "x-mask": "drop"}`), `column lines.*.email holds values masked by token "email" and the contract says drop`},
		{"a mask that was added", plain, email, "column lines.*.email holds values as they were sent and the contract says token"},
		{"a mask inside of what was stored whole", whole, email, "column lines.*.email holds values as they were sent and the contract says token"},
		{"masks that were removed with all members", email, whole, `column lines.*.email holds values masked by token "email" and the contract says none`},
		{"a mask inside of a member that was stored whole", array(`, "to": {"type": "object"}`),
			array(`, "to": {"type": "object", "properties": {"email": {"type": "string", "x-mask": "token"}}}`), "column lines.*.to.email holds values as they were sent"},
		{"a new member", array(``), email, "migrate"},
		{"an older contract", email, array(``), ""},
		{"members of what was stored whole", whole, plain, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, orders(t, test.migrated))
			now := orders(t, test.now)
			database := read(t, db, now)
			refused := registry.Refusal(database.Compare(now))
			if (test.want == "") != (refused == nil) {
				t.Fatalf("got %v, want %q", refused, test.want)
			}
			if refused != nil && !strings.Contains(refused.Error(), test.want) {
				t.Errorf("%q does not say %q", refused, test.want)
			}
			if test.want != "" && test.want != "migrate" {
				return
			}
			// Both contracts can run after the newer one was migrated, and the mask stays known.
			if _, err := schema.Apply(t.Context(), postgrestest.Open(t, db.OwnerURL), now); err != nil {
				t.Fatal(err)
			}
			for _, table := range []contract.Table{now, orders(t, test.migrated)} {
				database := read(t, db, table)
				if err := registry.Refusal(database.Compare(table)); err != nil {
					t.Errorf("after migrate: %v", err)
				}
			}
			later := orders(t, plain) // lost the mask
			if test.migrated == whole {
				later = orders(t, array(`, "phone": {"type": "string", "x-mask": "token"}`)) // old rows may hold plain ones
			}
			database = read(t, db, later)
			if err := registry.Refusal(database.Compare(later)); err == nil || !strings.Contains(err.Error(), "keep the mask") {
				t.Errorf("after migrate: got %v, want a refusal of the other mask", err)
			}
		})
	}
}

func TestRefusesMaskThatMovedInsideOfStoredValue(t *testing.T) {
	t.Parallel()
	const token, plain = `{"type": "string", "x-mask": "token"}`, `{"type": "string"}`
	for _, test := range []struct{ name, migrated, now, want string }{
		{"from a name that begins another name", `{"type": "array", "items": {"properties": {"a": ` + token + `, "a.b": ` + plain + `}}}`,
			`{"type": "array", "items": {"properties": {"a": ` + plain + `, "a.b": ` + plain + `}}}`, "column lines.*.a holds"},
		{"to another element", `{"type": "array", "prefixItems": [` + token + `, ` + plain + `]}`,
			`{"type": "array", "prefixItems": [` + plain + `, ` + token + `]}`, "column lines.[0] holds"},
		{"from the first element to others", `{"type": "array", "prefixItems": [` + token + `], "items": ` + plain + `}`,
			`{"type": "array", "prefixItems": [` + plain + `], "items": ` + token + `}`, "column lines.[0] holds"},
		{"to another pattern", `{"type": "object", "patternProperties": {"^a": ` + token + `, "^b": ` + plain + `}}`,
			`{"type": "object", "patternProperties": {"^a": ` + plain + `, "^b": ` + token + `}}`, "column lines.{^a} holds"},
		{"from a pattern to other members", `{"type": "object", "patternProperties": {"^a": ` + token + `}, "additionalProperties": ` + plain + `}`,
			`{"type": "object", "patternProperties": {"^a": ` + plain + `}, "additionalProperties": ` + token + `}`, "column lines.{^a} holds"},
		{"away from a string that may be an object", `{"type": "array", "items": {"anyOf": [` + token + `, {"properties": {"b": {}}}]}}`,
			`{"type": "array", "items": {"anyOf": [` + plain + `, {"properties": {"b": {}}}]}}`, "column lines.* holds"},
		{"to a plain place for the first element", `{"type": "array", "items": ` + token + `}`,
			`{"type": "array", "prefixItems": [` + plain + `], "items": ` + token + `}`, "column lines.[0] holds"},
		{"away from the first element, which is one of all again", `{"type": "array", "prefixItems": [` + plain + `], "items": ` + token + `}`,
			`{"type": "array", "items": ` + token + `}`, "column lines.[0] holds"},
		{"to a plain property beside the other members", `{"type": "array", "items": {"additionalProperties": ` + token + `}}`,
			`{"type": "array", "items": {"properties": {"a": ` + plain + `}, "additionalProperties": ` + token + `}}`, "column lines.*.a holds"},
		{"to a plain property that a pattern matched", `{"type": "array", "items": {"patternProperties": {"^a\\.": ` + token + `}}}`,
			`{"type": "array", "items": {"properties": {"a.b": ` + plain + `}, "patternProperties": {"^a\\.": ` + token + `}}}`, "column lines.*.a~1b holds"},
		{"to a plain pattern beside the other members", `{"type": "object", "additionalProperties": ` + token + `}`,
			`{"type": "object", "patternProperties": {"^a": ` + plain + `}, "additionalProperties": ` + token + `}`, "column lines.{^a} holds"},
		{"deeper, beside the elements", `{"type": "array", "items": {"properties": {"e": ` + token + `}}}`,
			`{"type": "array", "prefixItems": [{"properties": {"e": ` + plain + `}}], "items": {"properties": {"e": ` + token + `}}}`, "column lines.[0].e holds"},
		{"to another domain", `{"type": "array", "items": ` + token + `}`,
			`{"type": "array", "items": {"type": "string", "x-mask": "token", "x-domain": "d"}}`, `masked by token "lines" and the contract says token "d"`},
		{"to another form", `{"type": "array", "items": {"type": "string", "x-mask": "token", "format": "ip"}}`,
			`{"type": "array", "items": ` + token + `}`, `masked by token "lines" as ip and the contract says token "lines"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, orders(t, test.migrated))
			same, now := orders(t, test.migrated), orders(t, test.now)
			database := read(t, db, same)
			if err := registry.Refusal(database.Compare(same)); err != nil {
				t.Errorf("the same contract: %v", err)
			}
			if err := registry.Refusal(database.Compare(now)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestTokensInsideOfStoredValuesNeedTheirKey(t *testing.T) {
	t.Parallel()
	table := orders(t, `{"type": "array", "items": {"type": "string", "x-mask": "token"}}`)
	db := postgrestest.New(t, table)
	if _, err := registry.Check(t.Context(), db.Pool, table, one(t)); err != nil {
		t.Fatal(err)
	}
	other := keyring(t, `{"current": "k1", "k1": "`+keyTwo+`"}`)
	if _, err := registry.Check(t.Context(), db.Pool, table, other); err == nil || !strings.Contains(err.Error(), "masking key k1") {
		t.Errorf("got %v, want a refusal of the other key", err)
	}
}
