package contract

import (
	"slices"
	"unicode/utf8"
)

// check names the first rule that a string breaks, or "". Lengths are counted in
// characters (Unicode code points), as JSON Schema has it.
func (t *textChecks) check(s string) string {
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

// textValue is the column's value of a string that has passed the checks.
func (p *property) textValue(s string) Value {
	var v Value
	switch p.columnOf {
	case UUID:
		v, _ = parseUUID(s)
	case Date:
		v, _ = parseDate(s)
	case Timestamptz:
		v, _ = parseTimestamp(s)
	default:
		if p.canonical != nil {
			s = p.canonical(s)
		}
		v = textValue(s)
	}
	return v
}
