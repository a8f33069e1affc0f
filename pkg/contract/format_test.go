package contract_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
)

// parse is contract.Parse for a document without mistakes.
func parse(tb testing.TB, document string) *contract.Contract {
	tb.Helper()
	c, err := contract.Parse("c", []byte(document))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// with makes a contract of one property p; more goes to the root.
func with(property, more string) string {
	return `{"x-table": "t", "type": "object", "properties": {"p": ` + property + `}` + more + `}`
}

// valueOf decodes and masks a message with the one property p, written in JSON, and returns its
// value.
func valueOf(tb testing.TB, c *contract.Contract, p string) (any, *contract.Violation) {
	tb.Helper()
	record, err := c.Decode([]byte(`{"p": ` + p + `}`))
	if v, ok := err.(*contract.Violation); ok {
		return nil, v
	}
	return plainValue(c.Mask(keyring(tb), record).Value(0), c.Table().Columns[0].Type), nil
}

func quote(s string) string {
	quoted, _ := json.Marshal(s)
	return string(quoted)
}

func TestFormatsAreReadStrictly(t *testing.T) {
	t.Parallel()
	utc := func(text string) time.Time {
		u, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return u.UTC()
	}
	for format, tests := range map[string][]struct {
		text string
		want any // nil: refused
	}{
		"date-time": {
			{"2024-02-29T12:34:56Z", utc("2024-02-29T12:34:56Z")},
			{"2024-02-29t12:34:56z", utc("2024-02-29T12:34:56Z")},
			{"2024-02-29T12:34:56.1Z", utc("2024-02-29T12:34:56.1Z")},
			{"2024-02-29T12:34:56.1234567Z", utc("2024-02-29T12:34:56.123456Z")},
			{"2024-02-29T23:59:59.9999999Z", utc("2024-02-29T23:59:59.999999Z")},
			{"1969-12-31T23:59:59.5Z", utc("1969-12-31T23:59:59.5Z")},
			{"2024-02-29T00:30:00+01:00", utc("2024-02-28T23:30:00Z")},
			{"2024-02-29T00:00:00-23:59", utc("2024-02-29T23:59:00Z")},
			{"2024-02-29T00:00:00-00:00", utc("2024-02-29T00:00:00Z")},
			{"0001-01-01T00:00:00Z", utc("0001-01-01T00:00:00Z")},
			{"9999-12-31T23:59:59Z", utc("9999-12-31T23:59:59Z")},
			{"2016-12-31T23:59:60Z", utc("2017-01-01T00:00:00Z")},
			{"2016-12-31T18:59:60-05:00", utc("2017-01-01T00:00:00Z")},
			{"2016-12-31T22:59:60Z", nil},
			{"2016-12-31T23:59:61Z", nil},
			{"2023-02-29T00:00:00Z", nil},
			{"0000-01-01T00:00:00Z", nil},
			{"2024-01-01T24:00:00Z", nil},
			{"2024-01-01T00:60:00Z", nil},
			{"2024-01-01T00:00Z", nil},
			{"2024-01-01T00:00:00", nil},
			{"2024-01-01 00:00:00Z", nil},
			{"2024-01-01T00:00:00.Z", nil},
			{"2024-01-01T00:00:00,5Z", nil},
			{"2024-01-01T00:00:00+01", nil},
			{"2024-01-01T00:00:00+0100", nil},
			{"2024-01-01T00:00:00+24:00", nil},
			{"2024-01-01T00:00:00+01:60", nil},
			{"2024-01-01T00:00:00 Z", nil},
			{"2024-01-01T00:00:00ZZ", nil},
			{"+2024-01-01T00:00:00Z", nil},
			{"2024-01-01T+1:00:00Z", nil},
			{"now", nil},
			{"infinity", nil},
		},
		"date": {
			{"2024-02-29", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)},
			{"0001-01-01", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)},
			{"2023-02-29", nil}, {"2024-00-01", nil}, {"2024-13-01", nil}, {"2024-01-00", nil}, {"2024-1-1", nil},
			{"24-01-01", nil}, {"2024/01/01", nil}, {"2024-01-01T00:00:00Z", nil}, {"today", nil}, {"2024-01- 1", nil},
		},
		"uuid": {
			{"00112233-4455-6677-8899-aAbBcCdDeEfF", [16]byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}},
			{"00112233445566778899aabbccddeeff", nil}, {"{00112233-4455-6677-8899-aabbccddeeff}", nil},
			{"urn:uuid:00112233-4455-6677-8899-aabbccddeeff", nil}, {"00112233-4455-6677-8899-aabbccddeef", nil},
			{"00112233-4455-6677-8899-aabbccddeefg", nil}, {"0011223-34455-6677-8899-aabbccddeeff", nil},
		},
		"ip":   {{"192.0.2.1", "192.0.2.1"}, {"::FFFF:192.0.2.1", "::FFFF:192.0.2.1"}, {"", nil}, {"1.2.3.256", nil}, {"::g", nil}},
		"ipv4": {{"192.0.2.1", "192.0.2.1"}, {"::1", nil}},
		"ipv6": {{"2001:db8::1", "2001:db8::1"}, {"192.0.2.1", nil}, {"fe80::1%1", nil}},
	} {
		c := parse(t, with(`{"type": "string", "format": `+quote(format)+`}`, ``))
		for _, test := range tests {
			got, violation := valueOf(t, c, quote(test.text))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s %q (-want +got):\n%s", format, test.text, diff)
			}
			if violation != nil && violation.Rule != "format "+format {
				t.Errorf("%s %q: got the rule %s", format, test.text, violation.Rule)
			}
		}
	}
}

func TestNumbersAreExact(t *testing.T) {
	t.Parallel()
	for kind, tests := range map[string][]struct {
		text string
		want any // a string is a rule
	}{
		"integer": {
			{"0", int64(0)}, {"-0", int64(0)}, {"1.0", int64(1)}, {"1e3", int64(1000)}, {"1200e-2", int64(12)}, {"0e0", int64(0)},
			{"9223372036854775807", int64(9223372036854775807)}, {"-9223372036854775808", int64(-9223372036854775808)},
			{"9223372036854775807.0", int64(9223372036854775807)}, {"9.223372036854775807e18", int64(9223372036854775807)},
			{"9223372036854775808", "range"}, {"-9223372036854775809", "range"}, {"1e19", "range"}, {"1e400", "range"}, {"1e999999999999999999999", "range"},
			{"0.5", "type"}, {"1e-1", "type"}, {"9223372036854775807.5", "type"}, {`"1"`, "type"}, {"true", "type"}, {"null", "type"},
		},
		"number": {
			{"0", 0.0}, {"1e3", 1000.0}, {"0.1", 0.1}, {"1.7976931348623157e308", 1.7976931348623157e308}, {"5e-324", 5e-324}, {"1e-400", 0.0},
			{"1e309", "range"}, {"-1e400", "range"}, {"1.8e308", "range"}, {"1e-999999999", "range"}, {`"1"`, "type"}, {"[]", "type"},
		},
		"boolean": {{"true", true}, {"false", false}, {`"true"`, "type"}, {"1", "type"}, {"null", "type"}},
		"array": {
			{"[]", "[]"}, {"[ 1 , \"a b\" ]", `[1,"a b"]`}, {`["\\\" ]"]`, `["\\\" ]"]`}, {"{}", "type"}, {"null", "type"}, {`"[]"`, "type"},
			{`["\u0000"]`, "nul"}, {`["\\u0000"]`, `["\\u0000"]`}, {`[{"a\u0000b": 1}]`, "nul"}, {"[1e999999]", "range"}, {"[1e-17000]", "range"}, {"[1e308]", "[1e308]"},
			{nested(63), nested(63)}, {nested(64), "nesting"},
		},
		"object": {{"{}", "{}"}, {"{\"a\": {\n\"b\": []}}", `{"a":{"b":[]}}`}, {"[]", "type"}},
	} {
		c := parse(t, with(`{"type": `+quote(kind)+`}`, ``))
		for _, test := range tests {
			got, violation := valueOf(t, c, test.text)
			if violation != nil {
				got = violation.Rule
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", kind, test.text, diff)
			}
		}
	}
}
