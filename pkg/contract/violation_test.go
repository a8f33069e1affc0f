package contract_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
)

const login = `{"user_id": "u-1", "app_version": "2.3.0", "device_type": "android", "ip": "198.51.100.7", "locale": "RU", "device_id": "d-1"}`

// loginWith returns the valid login with old replaced.
func loginWith(old, replacement string) string {
	if !strings.Contains(login, old) {
		panic("the login has no " + old)
	}
	return strings.Replace(login, old, replacement, 1)
}

func TestRefusesBadLoginsWithFieldAndRule(t *testing.T) {
	t.Parallel()
	malformed := func(rule string) contract.Violation { return contract.Violation{Rule: rule, Malformed: true} }
	malformedAt := func(field, rule string) contract.Violation {
		return contract.Violation{Field: field, Rule: rule, Malformed: true}
	}
	invalid := func(field, rule string) contract.Violation { return contract.Violation{Field: field, Rule: rule} }
	c := load(t, "user_logins")
	for _, test := range []struct {
		reason, body string
		want         contract.Violation
	}{
		{"empty body", ``, malformed("json")},
		{"white space", " \n", malformed("json")},
		{"not JSON", `hello`, malformed("json")},
		{"cut off", login[:40], malformed("json")},
		{"cut off after a name", `{"ip"`, malformed("json")},
		{"a comma too many", loginWith(`"d-1"}`, `"d-1",}`), malformed("json")},
		{"a byte order mark", "\ufeff" + login, malformed("json")},
		{"a raw control character", loginWith("RU", "R\x01"), malformed("json")},
		{"an unknown escape", loginWith("RU", `\x41`), malformed("json")},
		{"a leading zero", `{"n": 01}`, malformed("json")},
		{"NaN", `{"n": NaN}`, malformed("json")},
		{"an array", `[` + login + `]`, malformed("type")},
		{"a string", `"login"`, malformed("type")},
		{"null", `null`, malformed("type")},
		{"a number", `12`, malformed("type")},
		{"trailing bytes", login + ` x`, malformed("trailing bytes")},
		{"a second object", login + login, malformed("trailing bytes")},
		{"a member twice", loginWith(`"RU"`, `"RU", "locale": "DE"`), invalid("locale", "duplicate member")},
		{"a member twice, once escaped", loginWith(`"RU"`, `"RU", "local\u0065": "DE"`), invalid("locale", "duplicate member")},
		{"an undeclared member twice", `{"secret": 1, "secret": 2}`, invalid("*", "duplicate member")},
		{"an undeclared member twice, deep down", `{"a": {"b": {"x": 1, "x": 2}}}`, invalid("*.*.*", "duplicate member")},
		{"invalid UTF-8", loginWith("RU", "\xff"), malformedAt("locale", "utf-8")},
		{"an overlong encoding", loginWith("RU", "\xc0\x80"), malformedAt("locale", "utf-8")},
		{"an encoded surrogate", loginWith("RU", "\xed\xa0\x80"), malformedAt("locale", "utf-8")},
		{"a high surrogate alone", loginWith("RU", `\ud800`), invalid("locale", "surrogate")},
		{"a low surrogate alone", loginWith("RU", `\udc00 and more`), invalid("locale", "surrogate")},
		{"surrogates in the wrong order", loginWith("RU", `\udc00\ud800`), invalid("locale", "surrogate")},
		{"a lone surrogate in an undeclared string", `{"a": "\ud800"}`, invalid("*", "surrogate")},
		{"NUL at the start", loginWith(`"RU"`, `"\u0000RU"`), invalid("locale", "nul")},
		{"a lone surrogate in an undeclared member", `{"a": ["\ud800xxxxxx"]}`, invalid("*.*", "surrogate")},
		{"nesting of 10,000", `{"a": ` + nested(10_000) + `}`, invalid("*", "nesting")},
		{"nesting of 100,000", `{"ip": ` + nested(100_000) + `}`, invalid("ip", "nesting")},
		{"nesting of 10,000 that is not closed", `{"a": ` + strings.Repeat("[", 10_000), invalid("*", "nesting")},
		{"malformed goes before invalid", `{"ip": 5, "locale": `, malformed("json")},

		{"nesting of 65", `{"a": ` + nested(64) + `}`, invalid("*", "nesting")},
		{"NUL", loginWith("RU", `a\u0000b`), invalid("locale", "nul")},
		{"another event", `{"foo": "oops", "bar": "oops"}`, invalid("user_id", "required")},
		{"an empty object", `{}`, invalid("user_id", "required")},
		{"a missing field", loginWith(`"ip"`, `"IP"`), invalid("ip", "required")},
		{"two missing fields", `{"device_type": "a", "ip": "::1", "device_id": "d"}`, invalid("user_id", "required")},
		{"an empty field", loginWith(`"u-1"`, `""`), invalid("user_id", "minLength")},
		{"a null field", loginWith(`"198.51.100.7"`, `null`), invalid("ip", "type")},
		{"app_version as a number", loginWith(`"2.3.0"`, `2.3`), invalid("app_version", "type")},
		{"a boolean for a string", loginWith(`"RU"`, `true`), invalid("locale", "type")},
		{"an array for a string", loginWith(`"RU"`, `["RU"]`), invalid("locale", "type")},
		{"an object for a string", loginWith(`"RU"`, `{"a": "RU"}`), invalid("locale", "type")},
		{"too long", loginWith("RU", strings.Repeat("x", 36)), invalid("locale", "maxLength")},
		{"too long in characters of four bytes", loginWith("RU", strings.Repeat("😀", 36)), invalid("locale", "maxLength")},
		{"a body of 1 MiB", loginWith("u-1", strings.Repeat("x", 1<<20)), invalid("user_id", "maxLength")},
		{"999.1.1.1", loginWith("198.51.100.7", "999.1.1.1"), invalid("ip", "format ip")},
		{"an address with a port", loginWith("198.51.100.7", "1.2.3.4:80"), invalid("ip", "format ip")},
		{"an address with a leading zero", loginWith("198.51.100.7", "01.2.3.4"), invalid("ip", "format ip")},
		{"an address of three parts", loginWith("198.51.100.7", "1.2.3"), invalid("ip", "format ip")},
		{"an address with a prefix length", loginWith("198.51.100.7", "1.2.3.4/24"), invalid("ip", "format ip")},
		{"an address with a space", loginWith("198.51.100.7", "1.2.3.4 "), invalid("ip", "format ip")},
		{"an address with a zone", loginWith("198.51.100.7", "fe80::1%eth0"), invalid("ip", "format ip")},
		{"a name for an address", loginWith("198.51.100.7", "localhost"), invalid("ip", "format ip")},
		{"the first of two in the message's order", `{"locale": 1, "ip": 2}`, invalid("locale", "type")},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, violationOf(t, c, test.body)); diff != "" {
				t.Errorf("the violation differs (-want +got):\n%s", diff)
			}
		})
	}
}

// Comparing each name with each other name would take a minute for each of these messages.
func TestMessageMayHaveManyUndeclaredMembers(t *testing.T) {
	t.Parallel()
	c := load(t, "user_logins")
	var members strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&members, `,"%05x":0`, i)
	}
	many := strings.TrimSuffix(login, "}") + members.String()
	for range 20 {
		if _, err := c.Decode([]byte(many + "}")); err != nil {
			t.Fatal(err)
		}
	}
	if v := violationOf(t, c, many+`,"00000":0}`); v.Rule != "duplicate member" {
		t.Errorf("the first name again at the end: got %v", v.Rule)
	}
}

func TestAcceptsGoodLogins(t *testing.T) {
	t.Parallel()
	c := load(t, "user_logins")
	for _, test := range []struct{ reason, body string }{
		{"as it is", login},
		{"a null locale", loginWith(`"RU"`, `null`)},
		{"no locale", loginWith(`"locale"`, `"other"`)},
		{"an empty locale, which is not required", loginWith(`"RU"`, `""`)},
		{"IPv6", loginWith("198.51.100.7", "2001:DB8::1")},
		{"IPv4 in IPv6", loginWith("198.51.100.7", "::ffff:198.51.100.7")},
		{"white space around", " \t\r\n" + login + "\n "},
		{"escaped names and values", loginWith(`"ip": "1`, `"\u0069p": "\u0031`)},
		{"35 characters of four bytes each", loginWith("RU", strings.Repeat("😀", 35))},
		{"a surrogate pair", loginWith("RU", `\ud83d\ude00`)},
		{"a backslash before u0000", loginWith("RU", `a\\u0000b`)},
		{"undeclared members", loginWith(`"RU"`, `"RU", "a": [1, {"b": null}, "\\u0000"], "c": 1e300`)},
		{"two escaped names", loginWith(`"RU"`, `"RU", "\u0061": 1, "\u0062": 2`)},
		{"an empty name after an escaped one", loginWith(`"RU"`, `"RU", "\u0061": 1, "": 2`)},
		{"NUL in an undeclared member", loginWith(`"RU"`, `"RU", "a\u0000": {"b": ["\u0000"]}`)},
		{"a number out of proportion in an undeclared member", loginWith(`"RU"`, `"RU", "a": 1e999999999`)},
		{"nesting of 64", loginWith(`"RU"`, `"RU", "a": `+nested(63))},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			if _, err := c.Decode([]byte(test.body)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestViolationPrintsOutcomeFieldAndRule(t *testing.T) {
	t.Parallel()
	for want, violation := range map[string]contract.Violation{
		"malformed: json":          {Rule: "json", Malformed: true},
		"malformed: locale: utf-8": {Field: "locale", Rule: "utf-8", Malformed: true},
		"invalid: ip: format ip":   {Field: "ip", Rule: "format ip"},
	} {
		if got := violation.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// nested returns an array in an array and so on, nested to depth.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func violationOf(tb testing.TB, c *contract.Contract, body string) contract.Violation {
	tb.Helper()
	_, err := c.Decode([]byte(body))
	var v *contract.Violation
	if !errors.As(err, &v) {
		tb.Fatalf("got the error %v, want a violation", err)
	}
	return *v
}
