package contract_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

// twoKeys is a keyring whose older key is k1.
func twoKeys(t *testing.T) *mask.Keyring {
	t.Helper()
	k, err := mask.ParseKeyring([]byte(`{"current": "k2", "k2": "` + strings.Repeat("b", 32) + `", "k1": "` + strings.Repeat("a", 32) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestVerifyMakesColumnsAgain(t *testing.T) {
	t.Parallel()
	k := twoKeys(t)
	token := func(id, domain, value string) string {
		text, _ := k.TokenBy(id, domain, value)
		return `"` + text + `"`
	}
	const verified, different, notStored = contract.Verified, contract.Different, contract.NotStored
	for _, test := range []struct {
		name, property, value, column string
		want                          contract.Verdict
	}{
		{"the token of an address", `"type": "string", "format": "ip", "x-mask": "token"`, `"2001:DB8::1"`, token("k2", "p", "2001:db8::1"), verified},
		{"its token by an older key", `"type": "string", "format": "ip", "x-mask": "token"`, `"2001:DB8::1"`, token("k1", "p", "2001:db8::1"), verified},
		{"the token of another address", `"type": "string", "format": "ip", "x-mask": "token"`, `"2001:DB8::1"`, token("k2", "p", "2001:db8::2"), different},
		{"a token of another domain", `"type": "string", "format": "ip", "x-mask": "token"`, `"2001:DB8::1"`, token("k2", "q", "2001:db8::1"), different},
		{"the token of a number", `"type": "integer", "x-mask": "token"`, `4.20e1`, token("k2", "p", "42"), verified},
		{"NULL", `"type": "string", "x-mask": "token"`, `"a"`, `null`, different},
		{"no column", `"type": "string", "x-mask": "token"`, `"a"`, ``, different},
		{"a number in a text column", `"type": "string", "x-mask": "last-4"`, `"1234567812345678"`, `5678`, different},
		{"the end of a number", `"type": "string", "x-mask": "last-4"`, `"1234567812345678"`, `"****5678"`, verified},
		{"a short hash", `"type": "string", "x-mask": "sha256-8"`, `"a"`, `"ca978112"`, verified},
		{"a network", `"type": "string", "format": "ip", "x-mask": "ip-network"`, `"192.0.2.77"`, `"192.0.2.0/24"`, verified},
		{"another network", `"type": "string", "format": "ip", "x-mask": "ip-network"`, `"192.0.2.77"`, `"192.0.3.0/24"`, different},
		{"a year", `"type": "string", "format": "date", "x-mask": "date-year"`, `"1984-05-06"`, `"1984-01-01"`, verified},
		{"a bucket of integers", `"type": "integer", "x-mask": "bucket:10"`, `42`, `40`, verified},
		{"a bucket of the highest digit", `"type": "integer", "x-mask": "bucket:10"`, `95`, `90`, verified},
		{"a bucket of negative integers", `"type": "integer", "x-mask": "bucket:10"`, `-5`, `-10`, verified},
		{"another bucket", `"type": "integer", "x-mask": "bucket:10"`, `42`, `50`, different},
		{"a bucket of doubles", `"type": "number", "x-mask": "bucket:10"`, `42.5`, `4e1`, verified},
		{"another bucket of doubles", `"type": "number", "x-mask": "bucket:10"`, `42.5`, `41`, different},
		{"a bucket of decimals", `"type": "number", "x-mask": "bucket:10", "x-type": "numeric(12,2)"`, `42.5`, `40.00`, verified},
		{"a bucket and no number", `"type": "number", "x-mask": "bucket:10", "x-type": "numeric(12,2)"`, `42.5`, `"40.00"`, different},
		{"a dropped value", `"type": "string", "x-mask": "drop"`, `"a"`, `null`, notStored},
		{"a value that the contract refuses", `"type": "string", "maxLength": 3, "x-mask": "token"`, `"long"`, token("k2", "p", "long"), different},
		{"a value of another type", `"type": "string", "x-mask": "token"`, `1`, token("k2", "p", "1"), different},
		{"two values", `"type": "string", "x-mask": "last-4"`, `"12345678" "x"`, `"****5678"`, different},
		{"no value", `"type": "string", "x-mask": "last-4"`, ``, `"****5678"`, different},
		{"an array with a token inside", `"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}, "m": {"type": "string", "x-mask": "token"}}}`,
			`[ {"m": "a", "other": 1, "n": 1.50} ]`, `[{"n": 15e-1, "m": ` + token("k1", "m", "a") + `}]`, verified},
		{"an array with another number", `"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}, "m": {"type": "string", "x-mask": "token"}}}`,
			`[ {"m": "a", "other": 1, "n": 1.50} ]`, `[{"n": 1.51, "m": ` + token("k1", "m", "a") + `}]`, different},
		{"a huge number that nobody stored", `"type": "integer", "x-mask": "bucket:10"`, `42`, `4e999999999`, different},
	} {
		c := parse(t, `{"x-table": "t", "type": "object", "properties": {"p": {"x-recover": true, `+test.property+`}}}`)
		row := `{"p": ` + test.column + `, "event_id": "x"}`
		if test.column == "" {
			row = `{"event_id": "x"}`
		}
		if got := c.Verify(k, "p", []byte(test.value), []byte(row)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestVerifyLooksAtEachColumnOfAProperty(t *testing.T) {
	t.Parallel()
	k := twoKeys(t)
	c := parse(t, `{"x-table": "t", "type": "object", "properties": {"a": {"type": "object", "properties": {
		"ip": {"type": "string", "format": "ip", "x-recover": true, "x-mask": {"ip_token": "token", "ip_net": "ip-network"}}}}, "b": {"type": "string"}}}`)
	token, other := k.Token("ip", "192.0.2.1"), k.Token("ip", "192.0.2.2")
	for row, want := range map[string]contract.Verdict{
		`{"ip_token": "` + token + `", "ip_net": "192.0.2.0/24"}`: contract.Verified,
		`{"ip_token": "` + token + `", "ip_net": "192.0.3.0/24"}`: contract.Different,
		`{"ip_token": "` + other + `", "ip_net": "192.0.2.0/24"}`: contract.Different,
		`{"ip_token": "` + token + `"}`:                           contract.Different,
		`[]`:                                                      contract.Different,
	} {
		if got := c.Verify(k, "a.ip", []byte(`"192.0.2.1"`), []byte(row)); got != want {
			t.Errorf("%s: got %s, want %s", row, got, want)
		}
	}
	for _, path := range []string{"b", "ip", "a", ""} {
		if got := c.Verify(k, path, []byte(`"x"`), []byte(`{"b": "x"}`)); got != contract.Different {
			t.Errorf("%q, which is not recovered: got %s", path, got)
		}
	}
}

func TestFindsAPersonUnderEveryKey(t *testing.T) {
	t.Parallel()
	k := twoKeys(t)
	for _, test := range []struct {
		property, subject, canonical string
		values                       []string
	}{
		{`"type": "string"`, "u-1", "u-1", []string{"u-1"}},
		{`"type": "string", "format": "uuid"`, "C0FFEE00-0000-4000-8000-00000000000A", "c0ffee00-0000-4000-8000-00000000000a", []string{"c0ffee00-0000-4000-8000-00000000000a"}},
		{`"type": "integer"`, "42", "42", []string{"42"}},
		{`"type": "string", "x-mask": "token", "x-domain": "d", "x-normalize": "lower"`, "Ann", "ann", nil},
	} {
		c := parse(t, `{"x-table": "t", "type": "object", "required": ["p"], "properties": {"p": {"x-subject": true, `+test.property+`}}}`)
		want := contract.Person{Values: test.values}
		for _, id := range []string{"k1", "k2"} {
			token, _ := k.TokenBy(id, table.SubjectDomain, test.canonical)
			want.Tokens = append(want.Tokens, token)
			if test.values == nil {
				value, _ := k.TokenBy(id, "d", test.canonical)
				want.Values = append(want.Values, value)
			}
		}
		got, err := c.Person(k, test.subject)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.property, diff)
		}
	}
	c := parse(t, `{"x-table": "t", "type": "object", "required": ["p"], "properties": {"p": {"x-subject": true, "type": "integer"}}}`)
	got, err := c.Person(nil, "42")
	if diff := cmp.Diff(contract.Person{Values: []string{"42"}}, got); diff != "" || err != nil {
		t.Errorf("without a keyring: %v (-want +got):\n%s", err, diff)
	}
	if got, err := c.Person(k, "Ann"); !errors.Is(err, contract.ErrContract) || strings.Contains(fmt.Sprint(err), "Ann") {
		t.Errorf("a name where numbers are: got %v, %v", got, err)
	}
	if got, err := load(t, "testdata/order_placed.json").Person(k, "Ann"); !errors.Is(err, contract.ErrContract) {
		t.Errorf("a contract without a subject: got %v, %v", got, err)
	}
}
