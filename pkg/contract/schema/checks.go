package schema

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/contract/schema/document"
	"sqs2pg/pkg/contract/table"
)

// formats are the formats that decide the type of a column or the form of a token. They are read
// more strictly than the schema library reads its own: Postgres takes what passes here.
var formats = map[string]func(string) bool{
	"ip":        func(s string) bool { _, ok := scalar.IP(s); return ok },
	"ipv4":      func(s string) bool { a, ok := scalar.IP(s); return ok && a.Is4() },
	"ipv6":      func(s string) bool { a, ok := scalar.IP(s); return ok && a.Is6() },
	"uuid":      func(s string) bool { _, ok := scalar.UUID(s); return ok },
	"date":      func(s string) bool { _, ok := scalar.Date(s); return ok },
	"date-time": func(s string) bool { _, ok := scalar.Timestamp(s); return ok },
}

// libraryFormats are formats of the schema library that a contract may use too.
var libraryFormats = []string{
	"duration", "email", "hostname", "iri", "iri-reference", "json-pointer", "period", "regex",
	"relative-json-pointer", "semver", "time", "uri", "uri-reference", "uri-template",
}

// setChecks compiles the keywords of a string or a number.
func (p *Property) setChecks(n node) {
	switch p.Kind {
	case String:
		p.setAllowed(n.Schema)
		p.setTextChecks(n.Schema)
	case Integer, Number:
		p.Numbers = NumberChecks{multipleOf: n.MultipleOf}
		p.Numbers.add("minimum", n.Minimum, -1, false)
		p.Numbers.add("exclusiveMinimum", n.ExclusiveMinimum, -1, true)
		p.Numbers.add("maximum", n.Maximum, +1, false)
		p.Numbers.add("exclusiveMaximum", n.ExclusiveMaximum, +1, true)
	}
}

func (c *compiler) checkFormat(n node) {
	if n.format != "" && n.Format == nil {
		n.note(c, "format", "unknown format %q%s", n.format,
			document.Suggest(n.format, slices.AppendSeq(slices.Clone(libraryFormats), maps.Keys(formats))))
	}
}

// setAllowed reads enum or const of a string. If it has both, the schema library checks them.
func (p *Property) setAllowed(schema *jsonschema.Schema) {
	if schema.Enum == nil && schema.Const == nil || schema.Enum != nil && schema.Const != nil {
		return
	}
	values, rule := []any{}, "const"
	if schema.Enum != nil {
		values, rule = schema.Enum.Values, "enum"
	} else {
		values = append(values, *schema.Const)
	}
	p.Text.allowRule = rule
	for _, value := range values {
		if s, ok := value.(string); ok {
			p.Text.allowed = append(p.Text.allowed, s)
		}
	}
	if p.NullRule == "" && !slices.Contains(values, nil) {
		p.NullRule = rule
	}
}

// setTextChecks also decides the type of the column, which follows from the format. A required
// string must not be empty, unless its schema says otherwise by minLength.
func (p *Property) setTextChecks(schema *jsonschema.Schema) {
	p.Text.max = -1
	if schema.MinLength != nil {
		p.Text.min = *schema.MinLength
	} else if p.Required {
		p.Text.min = 1
	}
	if schema.MaxLength != nil {
		p.Text.max = *schema.MaxLength
	}
	p.Text.pattern = schema.Pattern
	if schema.Format == nil {
		return
	}
	name := schema.Format.Name
	p.Text.formatRule = "format " + name
	p.Text.format = formats[name]
	if p.Text.format == nil {
		p.Text.format = func(s string) bool { return schema.Format.Validate(s) == nil }
	}
	switch name {
	case "uuid":
		p.Type = table.UUID
	case "date":
		p.Type = table.Date
	case "date-time":
		p.Type = table.Timestamptz
	}
}

// TextChecks are the checks of a string. The zero value allows any string.
type TextChecks struct {
	allowed    []string // by enum or const
	allowRule  string   // "enum" or "const"; "" if there is neither
	format     func(string) bool
	formatRule string
	min, max   int // characters; max < 0: any number
	pattern    jsonschema.Regexp
}

// Check returns the first rule that a string breaks, or "". Lengths are counted in characters
// (Unicode code points), as JSON Schema does.
func (t *TextChecks) Check(s string) (rule string) {
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

// NumberChecks are the checks of an integer or a number. The zero value allows any number.
type NumberChecks struct {
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

func (n *NumberChecks) add(rule string, limit *big.Rat, sign int, exclusive bool) {
	if limit != nil {
		near, _ := limit.Float64()
		n.bounds = append(n.bounds, bound{rule, limit, near, sign, exclusive})
	}
}

// Check returns the first rule that a number breaks, or "". near is the double nearest to it; the
// limits hold for the number as it is written.
func (n *NumberChecks) Check(near float64, number []byte) (rule string) {
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
