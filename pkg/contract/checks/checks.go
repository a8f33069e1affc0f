// Package checks has the keywords of a JSON Schema that are compiled to checks of one value: a
// string or a number.
package checks

import (
	"cmp"
	"math/big"
	"slices"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/scalar"
)

// Formats are the formats that decide the type of a column or the form of a token. They are read
// more strictly than the schema library reads its own: Postgres takes what passes here.
var Formats = map[string]func(string) bool{
	"ip":        func(s string) bool { _, ok := scalar.IP(s); return ok },
	"ipv4":      func(s string) bool { a, ok := scalar.IP(s); return ok && a.Is4() },
	"ipv6":      func(s string) bool { a, ok := scalar.IP(s); return ok && a.Is6() },
	"uuid":      func(s string) bool { _, ok := scalar.UUID(s); return ok },
	"date":      func(s string) bool { _, ok := scalar.Date(s); return ok },
	"date-time": func(s string) bool { _, ok := scalar.Timestamp(s); return ok },
}

// LibraryFormats are formats of the schema library that a contract may use too.
var LibraryFormats = []string{
	"duration", "email", "hostname", "iri", "iri-reference", "json-pointer", "period", "regex",
	"relative-json-pointer", "semver", "time", "uri", "uri-reference", "uri-template",
}

// Text are the checks of a string. The zero value allows the empty string alone.
type Text struct {
	allowed    []string // by enum or const
	allowRule  string   // "enum" or "const"; "" if there is neither
	format     func(string) bool
	formatRule string
	min, max   int // characters; max < 0: any number
	pattern    jsonschema.Regexp
}

// TextOf compiles the keywords of a string. A required string must not be empty, unless its schema
// says otherwise by minLength. If a schema has both enum and const, the schema library checks them.
func TextOf(schema *jsonschema.Schema, required bool) Text {
	t := Text{max: -1, pattern: schema.Pattern}
	switch {
	case schema.Enum != nil && schema.Const != nil:
	case schema.Enum != nil:
		t.allowRule, t.allowed = "enum", textsAmong(schema.Enum.Values)
	case schema.Const != nil:
		t.allowRule, t.allowed = "const", textsAmong([]any{*schema.Const})
	}
	if schema.MinLength != nil {
		t.min = *schema.MinLength
	} else if required {
		t.min = 1
	}
	if schema.MaxLength != nil {
		t.max = *schema.MaxLength
	}
	if schema.Format != nil {
		t.formatRule, t.format = "format "+schema.Format.Name, Formats[schema.Format.Name]
		if t.format == nil {
			t.format = func(s string) bool { return schema.Format.Validate(s) == nil }
		}
	}
	return t
}

func textsAmong(values []any) (texts []string) {
	for _, value := range values {
		if s, ok := value.(string); ok {
			texts = append(texts, s)
		}
	}
	return texts
}

// Max is the most characters that a string may have, or -1.
func (t *Text) Max() int { return t.max }

// Check returns the first rule that a string breaks, or "". Lengths are counted in characters
// (Unicode code points), as JSON Schema does.
func (t *Text) Check(s string) (rule string) {
	if t.allowRule != "" && !slices.Contains(t.allowed, s) {
		return t.allowRule
	}
	if t.format != nil && !t.format(s) {
		return t.formatRule
	}
	if t.min > 0 && (len(s) < t.min || utf8.RuneCountInString(s) < t.min) {
		return "minLength"
	}
	if t.max >= 0 && len(s) > t.max && utf8.RuneCountInString(s) > t.max {
		return "maxLength"
	}
	if t.pattern != nil && !t.pattern.MatchString(s) {
		return "pattern"
	}
	return ""
}

// Numbers are the checks of an integer or a number. The zero value allows any number.
type Numbers struct {
	bounds     []bound
	multipleOf *big.Rat
}

// bound is minimum, maximum, or the exclusive form of one of them. A comparison of doubles decides
// most values; the exact limit decides the values next to it.
type bound struct {
	rule      string
	exact     *big.Rat
	near      float64 // the double nearest to exact
	sign      int     // +1: the value must not be above; -1: not below
	exclusive bool
}

// NumbersOf compiles the keywords of a number.
func NumbersOf(schema *jsonschema.Schema) Numbers {
	n := Numbers{multipleOf: schema.MultipleOf}
	n.add("minimum", schema.Minimum, -1, false)
	n.add("exclusiveMinimum", schema.ExclusiveMinimum, -1, true)
	n.add("maximum", schema.Maximum, +1, false)
	n.add("exclusiveMaximum", schema.ExclusiveMaximum, +1, true)
	return n
}

func (n *Numbers) add(rule string, limit *big.Rat, sign int, exclusive bool) {
	if limit != nil {
		near, _ := limit.Float64()
		n.bounds = append(n.bounds, bound{rule, limit, near, sign, exclusive})
	}
}

// Check returns the first rule that a number breaks, or "". near is the double nearest to it; the
// limits hold for the number as it is written.
func (n *Numbers) Check(near float64, number []byte) (rule string) {
	for i := range n.bounds {
		if b := &n.bounds[i]; b.broken(near, number) {
			return b.rule
		}
	}
	if n.multipleOf != nil {
		if exact := scalar.Exact(number); !exact.Quo(exact, n.multipleOf).IsInt() {
			return "multipleOf"
		}
	}
	return ""
}

// broken compares doubles first: rounding keeps the order, so they decide unless they are equal.
func (b *bound) broken(near float64, number []byte) bool {
	order := cmp.Compare(near, b.near)
	if order == 0 {
		order = scalar.Exact(number).Cmp(b.exact)
	}
	order *= b.sign
	return order > 0 || order == 0 && b.exclusive
}
