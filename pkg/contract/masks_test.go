package contract_test

import (
	"testing"
	"time"

	"sqs2pg/pkg/mask"
)

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// These values are what other processes have stored, so they may never change.
func TestMasksGiveTheSameValuesInEveryProcess(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		property string
		values   map[string]any
	}{
		{`{"type": "string", "x-mask": "token"}`, map[string]any{`"Ann"`: "k1:7ff7b8f3e0dceca83aebe8dde35745a2"}},
		{`{"type": "integer", "x-mask": "token"}`, map[string]any{
			`1`: "k1:b1078815727afd6d50730d25120761dd", `1.0`: "k1:b1078815727afd6d50730d25120761dd", `1e0`: "k1:b1078815727afd6d50730d25120761dd", `-0`: "k1:115a93a883ee241666514be0a4a7d5bb", `0`: "k1:115a93a883ee241666514be0a4a7d5bb", `12e-1`: "type", `123456789012345678901234567890`: "k1:8ef6d9b42791eced17dcea301ad673b1", `1e400`: "range"}},
		{`{"type": "number", "maximum": 9, "x-mask": "token"}`, map[string]any{`1.50`: "k1:9a13664f48a92cf5a7a151f73c18e56f", `15e-1`: "k1:9a13664f48a92cf5a7a151f73c18e56f", `9.1`: "maximum", `"1"`: "type", `1e400`: "range"}},
		{`{"type": "string", "format": "uuid", "x-mask": "token"}`, map[string]any{`"F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"`: "k1:fd83217f299c1e48665da0d6791e7922"}},
		{`{"type": "string", "format": "ip", "x-mask": "token"}`, map[string]any{`"::ffff:1.2.3.4"`: "k1:b9130e37615328f9a6a56ea93394ea5d", `"1.2.3.4"`: "k1:b9130e37615328f9a6a56ea93394ea5d"}},
		{`{"type": "string", "x-mask": "token", "x-normalize": "lower"}`, map[string]any{`" ÄNN "`: "k1:6a717926b66b323d55c9ed7e4c4c5303", `"änn"`: "k1:6a717926b66b323d55c9ed7e4c4c5303"}},
		{`{"type": "string", "format": "email", "x-mask": "token", "x-normalize": "email"}`, map[string]any{`"Ann@Example.org"`: "k1:cbc758c7e99c9e285bd799b31b15f05d", `"ann@example.org"`: "k1:cbc758c7e99c9e285bd799b31b15f05d"}},
		{`{"type": "string", "x-mask": "token", "x-normalize": "digits"}`, map[string]any{`"+49 (30) 123-45"`: "k1:aaee6b4cde87fa5786d5993f30b6270e", `"493012345"`: "k1:aaee6b4cde87fa5786d5993f30b6270e"}},
		{`{"type": "string", "x-mask": "sha256-8"}`, map[string]any{`"abc"`: "ba7816bf"}},
		{`{"type": "string", "format": "ip", "x-mask": "ip-network"}`, map[string]any{`"1.2.3.4"`: "1.2.3.0/24"}},
		{`{"type": "string", "format": "email", "x-mask": "email-domain"}`, map[string]any{`"Ann@Example.ORG"`: "example.org", `"\"a@b\"@c.org"`: "c.org", `"ann"`: "format email"}},
		{`{"type": "string", "x-mask": "last-4"}`, map[string]any{
			`"4111111111111111"`: "****1111", `"1234567"`: "****", `"12345678"`: "****5678", `""`: "****", `"1234äöüß"`: "****äöüß", `"äöüßäöü"`: "****", `"123😀😀😀😀😀"`: "****😀😀😀😀"}},
		{`{"type": "string", "format": "date", "x-mask": "date-year"}`, map[string]any{`"1984-12-31"`: day(1984, 1, 1), `"1984-02-30"`: "format date"}},
		{`{"type": "string", "format": "date", "x-mask": "date-month"}`, map[string]any{`"1984-02-29"`: day(1984, 2, 1)}},
		{`{"type": "string", "format": "date-time", "x-mask": "date-year"}`, map[string]any{
			`"2024-12-31T23:30:00-01:00"`: day(2025, 1, 1), `"2024-12-31T23:59:59.9Z"`: day(2024, 1, 1), `"1969-12-31T23:59:59.5Z"`: day(1969, 1, 1)}},
		{`{"type": "string", "format": "date-time", "x-mask": "date-month"}`, map[string]any{`"2024-03-01T00:30:00+01:00"`: day(2024, 2, 1)}},
		{`{"type": "integer", "x-mask": "bucket:10"}`, map[string]any{
			`19`: int64(10), `20`: int64(20), `-1`: int64(-10), `-10`: int64(-10), `0`: int64(0), `9223372036854775807`: int64(9223372036854775800),
			`-9223372036854775800`: int64(-9223372036854775800), `-9223372036854775801`: "range", `1.5`: "type"}},
		{`{"type": "number", "x-mask": "bucket:10"}`, map[string]any{`19.99`: 10.0, `-0.3`: -10.0, `1e300`: 1e300, `9.999999999999999`: 0.0, `"1"`: "type"}},
		{`{"type": "number", "x-type": "numeric(12,2)", "x-mask": "bucket:100"}`, map[string]any{`199.999`: "100.00", `-0.01`: "-100.00", `0`: "0.00", `1e10`: "range"}},
		{`{"type": "string", "x-type": "numeric", "x-mask": "bucket:3"}`, map[string]any{`"-1"`: "-3", `"12345678901234567890.5"`: "12345678901234567890", `"x"`: "x-type"}},
		{`{"type": "integer", "x-mask": "drop"}`, map[string]any{`5`: nil, `1e400`: nil, `1.5`: "type", `1e-400`: "type", `"5"`: "type"}},
		{`{"type": "number", "maximum": 1, "x-mask": "drop"}`, map[string]any{`5`: nil, `1e999999999`: nil, `true`: "type"}},
		{`{"type": "boolean", "x-mask": "drop"}`, map[string]any{`true`: nil, `false`: nil, `1`: "type"}},
		{`{"type": "array", "maxItems": 1, "x-mask": "drop"}`, map[string]any{`[1, "\u0000"]`: nil, `{}`: "type", nested(64): "nesting"}},
		{`{"type": "object", "required": ["a"], "x-mask": "drop"}`, map[string]any{`{}`: nil, `[]`: "type"}},
		{`{"enum": ["a", null]}`, map[string]any{`"a"`: "a", `null`: nil, `"b"`: "enum", `1`: "enum"}},
		{`{"enum": [1, 2]}`, map[string]any{`1`: int64(1), `1.0`: int64(1), `3`: "enum", `1.5`: "enum", `"1"`: "enum", `null`: "enum"}},
		{`{"enum": [1, 2.5]}`, map[string]any{`2.5`: 2.5, `3`: "enum"}},
		{`{"const": true}`, map[string]any{`true`: true, `false`: "const", `1`: "const", `null`: "const"}},
		{`{"const": "a"}`, map[string]any{`"a"`: "a", `"b"`: "const", `1`: "const"}},
	} {
		c := parse(t, with(test.property, ``))
		for value, want := range test.values {
			got, violation := valueOf(t, c, value)
			if violation != nil {
				got = violation.Rule
			}
			if got != want {
				t.Errorf("%s: %s becomes %#v, want %#v", test.property, value, got, want)
			}
		}
	}
}

func TestMasksInsideOfArrays(t *testing.T) {
	t.Parallel()
	k := keyring(t)
	for _, test := range []struct{ items, value, want string }{
		{`{"type": "integer", "x-mask": "token"}`, `[1, 1.0, 10e-1]`, `["` + k.Token("p", "1") + `","` + k.Token("p", "1") + `","` + k.Token("p", "1") + `"]`},
		{`{"type": "number", "x-mask": "bucket:10"}`, `[19.5, -0.5, 1e3]`, `[10,-10,1000]`},
		{`{"type": "string", "x-mask": "token", "x-normalize": "lower"}`, `["ANN"]`, `["` + k.Token("p", "ann") + `"]`},
		{`{"type": "string", "format": "email", "x-mask": "email-domain"}`, `["a@B.org"]`, `["b.org"]`},
		{`{"type": "string", "x-mask": "last-4"}`, `["12345678", "1"]`, `["****5678","****"]`},
		{`{"type": "string", "format": "date", "x-mask": "date-year"}`, `["1984-12-31"]`, `["1984-01-01"]`},
		{`{"type": "string", "format": "date-time", "x-mask": "date-month"}`, `["1984-12-31T00:00:00Z"]`, `["1984-12-01"]`},
		{`{"x-mask": "drop"}`, `[1, "a", {}]`, `[null,null,null]`},
		{`{"anyOf": [{"type": "integer", "x-mask": "bucket:10"}, {"type": "string"}]}`, `[19, "19"]`, `[10,"19"]`},
		{`{"properties": {"age": {"type": "integer", "x-mask": "bucket:10"}, "n": {"type": "integer"}, "x": {"type": "integer", "x-mask": "drop"}}}`, `[{"age": 42, "n": 42, "x": 1}]`, `[{"age":40,"n":42}]`},
	} {
		got, violation := valueOf(t, parse(t, with(`{"type": "array", "items": `+test.items+`}`, ``)), test.value)
		if violation != nil || got != test.want {
			t.Errorf("%s:\ngot  %v, %v\nwant %s", test.items, got, violation, test.want)
		}
	}
}

func TestOnePropertyFillsSeveralColumns(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"x-table": "t", "type": "object", "properties": {
		"email": {"type": ["string", "null"], "format": "email", "x-normalize": "email", "x-mask": {"email_token": "token", "domain": "email-domain"}},
		"person": {"type": "object", "properties": {"birthDate": {"type": "string", "format": "date", "x-mask": {"birth_month": "date-month", "birth_year": "date-year", "birth": "token"}}}}}, "required": ["email"]}`)
	k := keyring(t)
	got := rowOf(t, c, `{"email": "Ann@Example.org", "person": {"birthDate": "1984-05-06"}}`)
	want := []any{k.Token("email", "ann@example.org"), "example.org", day(1984, 5, 1), day(1984, 1, 1), k.Token("birthDate", "1984-05-06")}
	for i, column := range c.Table().Columns {
		if got[i] != want[i] {
			t.Errorf("%s: got %v, want %v", column.Name, got[i], want[i])
		}
		if wantMask := []mask.Kind{mask.Token, mask.EmailDomain, mask.DateMonth, mask.DateYear, mask.Token}[i]; column.Mask != wantMask {
			t.Errorf("%s: got the mask %v, want %v", column.Name, column.Mask, wantMask)
		}
	}
	for i, value := range rowOf(t, c, `{"email": null, "person": {}}`) {
		if value != nil {
			t.Errorf("%s: got %v, want nil", c.Table().Columns[i].Name, value)
		}
	}
	if v := violationOf(t, c, `{"email": "ann"}`); v.Field != "email" || v.Rule != "format email" {
		t.Errorf("got %v", v)
	}
}

func TestColumnsAreInSnakeCase(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"x-table": "t", "type": "object", "properties": {"deviceType": {"type": "string"},
		"homeAddress": {"type": "object", "properties": {"postCode": {"type": "string"}, "country": {"type": "string", "x-column": "land"}}}}}`)
	for i, want := range []string{"device_type", "home_address_post_code", "land"} {
		if got := c.Table().Columns[i].Name; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
