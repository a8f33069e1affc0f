package contract_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract"
)

// These texts follow the rules of RFC 8259: a parser must accept those of yes and refuse those of
// no. The RFC leaves those of open to the parser, which may do either but must not panic.

const freeForm = `{"x-table":"t","type":"object","required":["v"],"properties":{"v":{"type":["array","null"]}}}`

// inBody makes a body of freeForm with the value in a place where any value may be.
func inBody(value string) string { return `{"v":[` + value + `]}` }

// yes lists values that a parser must accept.
func yes() (all []string) {
	all = []string{`true`, `false`, `null`, `[]`, `{}`, `""`, `[[[]]]`, `{"":{"":0}}`, `{"a":[{"b":null}]}`, strings.Repeat("[", 60) + strings.Repeat("]", 60)}
	for _, sign := range []string{"", "-"} {
		for _, whole := range []string{"0", "1", "10", "90210", strings.Repeat("7", 300)} {
			for _, fraction := range []string{"", ".0", ".5", ".00120", "." + strings.Repeat("3", 500)} {
				for _, exponent := range []string{"", "e0", "E1", "e+2", "E-2", "e-007"} {
					all = append(all, sign+whole+fraction+exponent)
				}
			}
		}
	}
	for _, escape := range []string{`\"`, `\\`, `\/`, `\b`, `\f`, `\n`, `\r`, `\t`, `\u0041`, `\u00e9`, `\u0001`, `\u001F`, `\uFFFE`, `\uffff`, `\ud83d\ude00`, `\uDBFF\uDFFF`, `\\u0000`} {
		all = append(all, `"`+escape+`"`, `"a`+escape+`b"`, `{"`+escape+`":1}`)
	}
	for _, raw := range []string{"\x7f", "é", "\u2028", "\u2029", "\ufeff", "漢", "\uffff", "😀", "\U0010ffff", "'", "//", "/**/"} {
		all = append(all, `"`+raw+`"`, `{"`+raw+`":"`+raw+`"}`)
	}
	for _, space := range []string{" ", "\t", "\n", "\r", " \r\n\t "} {
		all = append(all, space+`[`+space+`1`+space+`,`+space+`{`+space+`"a"`+space+`:`+space+`"b"`+space+`}`+space+`]`+space)
	}
	return all
}

// no lists texts that a parser must refuse in the place of a value.
func no() (all []string) {
	all = []string{
		`,`, `[`, `]`, `{`, `}`, `[1,]`, `[,1]`, `[1,,2]`, `[1 2]`, `[1:2]`, `[1}`, `{"a":1]`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{"a",1}`, `{:1}`, `{1:1}`, `{a:1}`, `{'a':1}`,
		`{null:1}`, `{"a":1,}`, `{,"a":1}`, `{"a":1,,"b":2}`, `{"a":1 "b":2}`, `{"a":1;"b":2}`, `{"a"::1}`, `{"a":1:2}`, `{[]:1}`, `{"a":[}`,
		`True`, `TRUE`, `False`, `Null`, `nul`, `nulll`, `tru`, `truefalse`, `nil`, `undefined`, `None`,
		`1//c`, `1/*c*/`, `#1`, `<!--1-->`, "1\f", "\v1", "\u00a01", "\u20281", "\u20601", "\ufeff1", `1"`, `"a" "b"`, `'a'`, "`a`", `(1)`, `$1`, `@`, `*`, `\n`, `\u0020`,
	}
	for _, n := range []string{
		"+1", "01", "-01", "00", "-", "--1", "-+1", "+", "1.", "-1.", ".1", "-.1", "1.e1", ".e1", "1e", "1E+", "1e-", "1ee1", "1e1e1", "1e1.5", "1.2.3", "1-1", "1+1", "0x1", "0X1F", "0b1",
		"0o7", "1_000", "1,000 0", "1 000", "NaN", "-NaN", "nan", "Infinity", "-Infinity", "inf", "1f", "1L", "1n", "１", "1٠", "0e", "-a", "2.e3", "1eE2", "0.3e", "1.0e+", "- 1",
	} {
		all = append(all, n, "-"+n+"x", `{"a":`+n+`}`)
	}
	for c := range byte(0x20) {
		all = append(all, `"a`+string(rune(c))+`b"`)
		if !strings.ContainsRune("\t\n\r", rune(c)) {
			all = append(all, string(rune(c))+"1", "1"+string(rune(c)))
		}
	}
	for c := range byte(0x80) {
		if !strings.ContainsRune(`"\/bfnrtu`, rune(c)) {
			all = append(all, `"\`+string(rune(c))+`"`)
		}
	}
	for _, s := range []string{`"`, `"a`, `"\"`, `"\`, `"\u"`, `"\u1"`, `"\u12"`, `"\u123"`, `"\u12G4"`, `"\u 123"`, `"\U0041"`, `"\x41"`, `"\u{41}"`, `"\ud83d\u"`, `"\ud83d\u1"`, `a"`, `\"a"`} {
		all = append(all, s, `{`+s+`:1}`)
	}
	return all
}

// open lists texts that the RFC leaves to the parser. Postgres stores only the numbers among them.
func open() (all []string) {
	all = []string{"1e400", "-1e400", "1e-400", "1e99999", "1e-99999", "123123e100000", strings.Repeat("9", 400), "0." + strings.Repeat("1", 2000), "1e999999999999999999999", "-0", "9007199254740993"}
	for _, s := range []string{
		`\ud800`, `\udc00`, `\ud800\ud800`, `\ud800a`, `\ud800\n`, `\udc00\ud800`, `\uD83Dx\uDE00`, `\u0000`, `a\u0000b`,
		"\x80", "\xff", "\xc0\xaf", "\xc1\x81", "\xe0\x80\xaf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe6\x97", "é\xe9",
	} {
		all = append(all, `"`+s+`"`, `{"`+s+`":1}`)
	}
	return append(all, `{"a":1,"a":1}`, `{"a":1,"\u0061":2}`, strings.Repeat("[", 500)+strings.Repeat("]", 500), strings.Repeat(`{"a":`, 500)+"1"+strings.Repeat("}", 500))
}

func TestReadsJSONByTheRulesOfRFC8259(t *testing.T) {
	t.Parallel()
	c, err := contract.Parse("free", []byte(freeForm))
	if err != nil {
		t.Fatal(err)
	}
	k := keyring(t)
	for _, value := range yes() {
		if record, err := c.Decode([]byte(inBody(value))); err != nil {
			t.Errorf("y: %.80q is refused: %v", value, err)
		} else {
			checkRow(t, c, c.Mask(k, record))
		}
	}
	malformed := slices.Clone(no())
	for _, value := range malformed {
		checkRefused(t, c, inBody(value))
	}
	// A body that is cut off, or that something follows, is malformed.
	whole := inBody(`"a\u00e9\ud83d\ude00é",-1.5e+3,{"b":[true,null]}`)
	for end := range len(whole) {
		checkRefused(t, c, whole[:end])
	}
	for _, rest := range []string{"{", "}", "]", ",", "1", `"`, "null", "\x00", "//", whole, "\ufeff"} {
		checkRefused(t, c, whole+rest)
	}
	accepted := 0
	for _, value := range open() {
		record, err := c.Decode([]byte(inBody(value)))
		if err != nil {
			checkViolation(t, c, err)
			continue
		}
		accepted++
		row := c.Mask(k, record)
		checkRow(t, c, row)
		if !jsontext.Value(row.Value(0).Text()).IsValid() {
			t.Errorf("i: %.80q becomes %q", value, row.Value(0).Text())
		}
	}
	for _, encoding := range []string{"\ufeff" + whole, "{\x00}\x00", "\xff\xfe{\x00}\x00", "\x00{\x00}"} {
		checkRefused(t, c, encoding)
	}
	t.Logf("%d y, %d n, %d i of which %d accepted", len(yes()), len(malformed)+len(whole), len(open()), accepted)
}

func checkRefused(t *testing.T, c *contract.Contract, body string) {
	t.Helper()
	_, err := c.Decode([]byte(body))
	var v *contract.Violation
	if !errors.As(err, &v) {
		t.Errorf("n: %.80q is accepted", body)
		return
	}
	if text := fmt.Sprint(err); len(body) > 12 && strings.Contains(text, body) {
		t.Errorf("n: the error quotes the body: %q", text)
	}
}
