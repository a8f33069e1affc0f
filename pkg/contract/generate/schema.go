package generate

import (
	"encoding/json"
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"strconv"
)

// schemas are all schemas that hold for one value.
type schemas []object

// maxDepth is how deep values are made where the contract does not ask for more.
const maxDepth = 6

// expand returns the schemas that hold where s does: those of $ref and allOf, one of anyOf and
// oneOf each, and if with then, or else alone.
func (g *Generator) expand(s any) schemas { return g.expandTo(nil, s, 0) }

func (g *Generator) expandTo(all schemas, s any, depth int) schemas {
	schema, ok := s.(object)
	if !ok || depth > 32 || len(all) > 1000 {
		return all
	}
	all = append(all, schema)
	add := func(s any) { all = g.expandTo(all, s, depth+1) }
	for _, keyword := range []string{"$ref", "$dynamicRef"} {
		if reference, ok := schema[keyword].(string); ok {
			add(g.resolve(reference))
		}
	}
	for _, s := range list(schema["allOf"]) {
		add(s)
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if choices := list(schema[keyword]); len(choices) > 0 {
			add(pick(g, choices))
		}
	}
	if condition := schema["if"]; condition != nil {
		if g.chance(2) {
			add(condition)
			add(schema["then"])
		} else {
			add(schema["else"])
		}
	}
	return all
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

func child(value any, token string) any {
	switch v := value.(type) {
	case object:
		return v[token]
	case []any:
		if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(v) {
			return v[i]
		}
	}
	return nil
}

// anchored finds the schema with an anchor.
func anchored(value any, name string) any {
	switch v := value.(type) {
	case object:
		if v["$anchor"] == name || v["$dynamicAnchor"] == name {
			return v
		}
		for _, key := range sortedKeys(v) {
			if found := anchored(v[key], name); found != nil {
				return found
			}
		}
	case []any:
		for _, element := range v {
			if found := anchored(element, name); found != nil {
				return found
			}
		}
	}
	return nil
}

func sortedKeys(o object) []string {
	keys := make([]string, 0, len(o))
	for key := range o {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func unescape(fragment string) string {
	if text, err := url.PathUnescape(fragment); err == nil {
		return text
	}
	return fragment
}

var allTypes = []string{"string", "integer", "number", "boolean", "array", "object", "null"}

// keywordsOf says which type a schema without type asks about, by a keyword.
var keywordsOf = map[string][]string{
	"object": {"properties", "required", "patternProperties", "additionalProperties", "propertyNames", "minProperties", "dependentRequired", "dependentSchemas", "unevaluatedProperties"},
	"array":  {"items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems", "unevaluatedItems"},
	"string": {"format", "pattern", "minLength", "maxLength"},
	"number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}

// types returns the types that all schemas allow.
func (all schemas) types() []string {
	types := slices.Clone(allTypes)
	for _, s := range all {
		if s["type"] == nil {
			continue
		}
		allowed := list(s["type"])
		if allowed == nil {
			allowed = []any{s["type"]}
		}
		types = slices.DeleteFunc(types, func(t string) bool {
			return !slices.Contains(allowed, any(t)) && !(t == "integer" && slices.Contains(allowed, any("number")))
		})
	}
	return types
}

// asksFor returns the type that keywords ask about, or "".
func (all schemas) asksFor() string {
	for _, t := range []string{"object", "array", "string", "number"} {
		for _, keyword := range keywordsOf[t] {
			if all.has(keyword) {
				return t
			}
		}
	}
	return ""
}

func (all schemas) has(keyword string) bool {
	return slices.ContainsFunc(all, func(s object) bool { _, ok := s[keyword]; return ok })
}

// values returns the values of a keyword.
func (all schemas) values(keyword string) (values []any) {
	for _, s := range all {
		if value, ok := s[keyword]; ok {
			values = append(values, value)
		}
	}
	return values
}

// text returns the first value of a keyword that is a string.
func (all schemas) text(keyword string) string {
	for _, value := range all.values(keyword) {
		if text, ok := value.(string); ok {
			return text
		}
	}
	return ""
}

// choices returns the values that enum and const allow, and false if there is no such keyword.
func (all schemas) choices() (choices []any, limited bool) {
	for _, s := range all {
		allowed := list(s["enum"])
		if value, ok := s["const"]; ok {
			allowed = append(allowed, value)
		}
		switch {
		case allowed == nil:
		case !limited:
			choices, limited = slices.Clone(allowed), true
		default:
			choices = slices.DeleteFunc(choices, func(c any) bool {
				return !slices.ContainsFunc(allowed, func(a any) bool { return string(encode(a)) == string(encode(c)) })
			})
		}
	}
	return choices, limited
}

// most and least are the strictest value of a keyword with a whole number, or otherwise.
func (all schemas) least(keyword string, otherwise int) int {
	return all.strictest(keyword, otherwise, func(a, b int) int { return max(a, b) })
}

func (all schemas) most(keyword string, otherwise int) int {
	return all.strictest(keyword, otherwise, func(a, b int) int { return min(a, b) })
}

func (all schemas) strictest(keyword string, otherwise int, stricter func(a, b int) int) int {
	found := false
	for _, value := range all.values(keyword) {
		exact := rational(value)
		if exact == nil || !exact.IsInt() || !exact.Num().IsInt64() {
			continue
		}
		if n := int(exact.Num().Int64()); found {
			otherwise = stricter(otherwise, n)
		} else {
			otherwise, found = n, true
		}
	}
	return otherwise
}

func rational(value any) *big.Rat {
	number, ok := value.(json.Number)
	if !ok {
		return nil
	}
	exact, ok := new(big.Rat).SetString(string(number))
	if !ok {
		return nil
	}
	return exact
}

// member returns the schemas of a member of an object, and whether any schema declares it.
func (g *Generator) member(all schemas, name string) (of schemas, declared bool) {
	for _, s := range all {
		covered := false
		if properties, ok := s["properties"].(object); ok && properties[name] != nil {
			of, covered = append(of, g.expand(properties[name])...), true
		}
		patterns, _ := s["patternProperties"].(object)
		for _, pattern := range sortedKeys(patterns) {
			if matches, err := regexp.MatchString(pattern, name); err == nil && matches {
				of, covered = append(of, g.expand(patterns[pattern])...), true
			}
		}
		if other, ok := s["additionalProperties"].(object); ok && !covered {
			of = append(of, g.expand(other)...)
		}
		declared = declared || covered
	}
	return of, declared
}

// element returns the schemas of an element of an array.
func (g *Generator) element(all schemas, i int) (of schemas) {
	for _, s := range all {
		prefix := list(s["prefixItems"])
		switch {
		case i < len(prefix):
			of = append(of, g.expand(prefix[i])...)
		case s["items"] != nil:
			of = append(of, g.expand(s["items"])...)
		default:
			of = append(of, g.expand(s["unevaluatedItems"])...)
		}
	}
	return of
}
