package stored

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/contract/violation"
)

// AppendWhole copies a valid value that stands at a depth of nesting to out, without white space
// between its tokens. It returns the rule that the value breaks, if it holds what jsonb refuses
// (U+0000, a number out of range) or is nested too deeply.
func AppendWhole(out, raw []byte, depth int) (compact []byte, rule string) {
	for i := 0; i < len(raw); {
		end := i + 1
		switch c := raw[i]; {
		case c == '"':
			end = stringEnd(raw, i)
			if holdsNUL(raw[i:end]) {
				return out, violation.NUL
			}
		case c == '-' || c >= '0' && c <= '9':
			end = scalarEnd(raw, i)
			if !scalar.InProportion(raw[i:end]) {
				return out, violation.Range
			}
		case c == '{' || c == '[':
			if depth++; depth > violation.MaxNesting {
				return out, violation.Nesting
			}
		case c == '}' || c == ']':
			depth--
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i = end
			continue
		}
		out = append(out, raw[i:end]...)
		i = end
	}
	return out, ""
}

// IsTooDeep reports whether a value is nested deeper than a message may be. depth is that of the
// value itself.
func IsTooDeep(raw []byte, depth int) bool {
	for i := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i = stringEnd(raw, i)
			continue
		case '{', '[':
			if depth++; depth > violation.MaxNesting {
				return true
			}
		case '}', ']':
			depth--
		}
		i++
	}
	return false
}

// valueEnd is the index after the value that starts at i.
func valueEnd(raw []byte, i int) int {
	depth := 0
	for {
		switch raw[i] {
		case '"':
			i = stringEnd(raw, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			i++
			continue
		default:
			i = scalarEnd(raw, i)
		}
		if depth == 0 {
			return i
		}
	}
}

// stringEnd is the index after the string that starts at i.
func stringEnd(raw []byte, i int) int {
	for i++; raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// scalarEnd is the index after the number, true, false or null that starts at i.
func scalarEnd(raw []byte, i int) int {
	for i < len(raw) && bytes.IndexByte([]byte(",:]} \t\n\r"), raw[i]) < 0 {
		i++
	}
	return i
}

// holdsNUL reports whether a quoted string has U+0000 in it, which JSON can only write as an
// escape. The backslash of that escape may itself be escaped.
func holdsNUL(quoted []byte) bool {
	if !bytes.Contains(quoted, []byte(`\u0000`)) {
		return false
	}
	unquoted, _ := jsontext.AppendUnquote(nil, quoted)
	return bytes.IndexByte(unquoted, 0) >= 0
}
