package versions_test

import (
	"strings"
	"testing"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/versions"
)

const orders = `{
	"x-table": "orders", "type": "object", "required": ["status"],
	"properties": {
		"status": {"type": "string", "enum": ["paid", "shipped"]},
		"birth": {"type": "string", "format": "date", "x-mask": "date-year"}
	}
}`

// changed returns the contract of the orders after replacements: old, new, old, new.
func changed(t *testing.T, replacements ...string) *contract.Contract {
	t.Helper()
	c, err := contract.Parse("orders.json", []byte(strings.NewReplacer(replacements...).Replace(orders)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestComparesTableAndMessages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		replacement []string
		fault       string
		says        []string
	}{
		{"the same", nil, "", []string{"migrate would do nothing", "NEW refuses 0 of 200 messages that OLD accepts", "OLD refuses 0 of 200"}},
		{"a new property", []string{`"birth": {`, `"note": {"type": "string"}, "birth": {`}, "", []string{`add column "note" text;`, "NEW refuses 0 of 200"}},
		{"a value less", []string{`, "shipped"`, ``}, "NEW refuses messages that OLD accepts", []string{"migrate would do nothing", "  status: enum: {"}},
		{"a value more", []string{`"shipped"`, `"shipped", "lost"`}, "", []string{"NEW refuses 0 of 200", "  status: enum: {"}},
		{"another mask", []string{`date-year`, `date-month`}, "migrate would refuse NEW", []string{"migrate would refuse:", "to change column birth:\n  1. ", `"x-column": "birth_2"`}},
		{"another mask and a value less", []string{`date-year`, `date-month`, `, "shipped"`, ``}, "migrate would refuse NEW; NEW refuses messages that OLD accepts", nil},
		{"another table", []string{`"x-table": "orders"`, `"x-table": "orders_2"`}, "", []string{`create table "public"."orders_2"`}},
		{"recovery and a subject", []string{`"date-year"`, `"date-year", "x-recover": true`, `"shipped"]`, `"shipped"], "x-subject": true`}, "",
			[]string{"in the vault:\n  birth can be recovered from events that are written from then on\n  status is the subject\n", `create table "sqs2pg_vault"."orders"`}},
	} {
		found, err := versions.Compare(changed(t), changed(t, test.replacement...), 200, 1)
		if err != nil {
			t.Fatal(err)
		}
		fault := ""
		if err := found.Fault("OLD", "NEW"); err != nil {
			fault = err.Error()
		}
		if fault != test.fault {
			t.Errorf("%s: the fault is %q, want %q", test.name, fault, test.fault)
		}
		var out strings.Builder
		found.Print(&out, "OLD", "NEW")
		for _, want := range test.says {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: does not say %q:\n%s", test.name, want, &out)
			}
		}
	}
}

// One long value would push everything else off the screen.
func TestCutsLongExamples(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("paid-", 100)
	old, next := changed(t, `"paid", "shipped"`, `"`+long+`"`), changed(t, `"paid", "shipped"`, `"lost"`)
	found, err := versions.Compare(old, next, 10, 1)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	found.Print(&out, "OLD", "NEW")
	if strings.Contains(out.String(), long) || !strings.Contains(out.String(), "paid-paid-") || !strings.Contains(out.String(), "…\n") {
		t.Errorf("prints:\n%s", &out)
	}
}
