package generate

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// spot is a value in a message, the schemas that hold for it, and the way to put another value
// there or to remove it.
type spot struct {
	schemas schemas
	value   any
	set     func(value any)
	remove  func() // nil for the message itself and for elements
}

// broken changes one thing in the message of a valid event. The contract may still accept it.
func (g *Generator) broken(e *event) Message {
	switch {
	case g.chance(5):
		e.text = g.brokenText(encode(e.value))
	case len(e.wrappers) > 0 && g.chance(8):
		e.wrappers = e.wrappers[1:]
	case len(e.attributes) > 0 && g.chance(4):
		name := pick(g, slices.Sorted(maps.Keys(e.attributes)))
		if delete(e.attributes, name); g.chance(2) {
			e.attributes[name] = "?"
		}
	default:
		root := any(e.value)
		spots := g.spots(nil, spot{schemas: e.schemas, value: e.value, set: func(v any) { root = v }})
		g.breakOne(pick(g, spots))
		e.text = encode(root)
	}
	return e.message(g)
}

// brokenText spoils the text of a message. The text stays UTF-8, because SQS takes no other.
func (g *Generator) brokenText(body []byte) []byte {
	with := func(member string) []byte {
		if bytes.Equal(body, []byte("{}")) {
			return []byte("{" + member + "}")
		}
		return append([]byte("{"+member+","), body[1:]...)
	}
	switch g.r.IntN(7) {
	case 0:
		return body[:len(body)-1-g.r.IntN(len(body)/2)]
	case 1:
		return append(slices.Clone(body), " {}"...)
	case 2:
		return slices.Concat([]byte("["), body, []byte("]"))
	case 3:
		return with(`"other":1,"other":2`)
	case 4:
		return with(`"other":"\ud800"`)
	case 5:
		return with(`"other":` + strings.Repeat("[", 65) + strings.Repeat("]", 65))
	default:
		return []byte("hello")
	}
}

// spots lists the values in a message.
func (g *Generator) spots(found []spot, s spot) []spot {
	found = append(found, s)
	switch value := s.value.(type) {
	case object:
		for _, name := range sortedKeys(value) {
			of, _ := g.member(s.schemas, name)
			found = g.spots(found, spot{of, value[name], func(v any) { value[name] = v }, func() { delete(value, name) }})
		}
	case []any:
		for i, element := range value {
			found = g.spots(found, spot{g.element(s.schemas, i), element, func(v any) { value[i] = v }, nil})
		}
	}
	return found
}

// breakOne breaks one of the keywords for a value.
func (g *Generator) breakOne(s spot) {
	var keywords []string
	for _, schema := range s.schemas {
		for _, keyword := range sortedKeys(schema) {
			if _, breaks := breakers[keyword]; breaks {
				keywords = append(keywords, keyword)
			}
		}
	}
	if len(keywords) == 0 || g.chance(16) {
		s.set(pick(g, []any{"a\u0000b", nil, json.Number("1e400"), json.Number("9223372036854775808"), []any{}, object{}}))
		return
	}
	breakers[pick(g, keywords)](g, s)
}

// breakers break the value of a keyword. Keywords that combine schemas are broken by values of
// another kind.
var breakers map[string]func(*Generator, spot)

func init() {
	another := func(g *Generator, s spot) { s.set(g.another(s.value)) }
	breakers = map[string]func(*Generator, spot){
		"type": another, "enum": another, "const": another, "anyOf": resized, "oneOf": resized, "allOf": resized, "if": resized, "$ref": another,
		"items": another, "prefixItems": another, "additionalProperties": addMember, "unevaluatedProperties": addMember, "propertyNames": addMember, "patternProperties": addMember,
		"contains": emptied, "minItems": emptied, "minProperties": emptied, "dependentRequired": removeMember, "dependentSchemas": removeMember, "required": removeMember,
		"maxItems": grown, "uniqueItems": grown, "unevaluatedItems": grown, "maxProperties": addMember,
		"minLength": shorter, "maxLength": longer, "pattern": otherText, "format": otherText, "x-type": otherText, "not": forbidden,
		"minimum": below, "exclusiveMinimum": below, "maximum": above, "exclusiveMaximum": above, "multipleOf": between,
	}
}

// another returns a value like this one, or one of another type.
func (g *Generator) another(value any) any {
	switch v := value.(type) {
	case string:
		return pick(g, []any{json.Number("7"), "another", true})
	case json.Number:
		return pick(g, []any{"7", json.Number("7.5"), json.Number("-123456789")})
	case bool:
		return pick(g, []any{"true", !v})
	default:
		return pick(g, []any{"text", json.Number("7"), false})
	}
}

// resized gives a string another length, which schemas that are combined often ask about.
func resized(g *Generator, s spot) {
	if _, ok := s.value.(string); ok && g.chance(2) {
		s.set(strings.Repeat("x", g.r.IntN(40)))
		return
	}
	s.set(g.another(s.value))
}

func addMember(g *Generator, s spot) {
	if o, ok := s.value.(object); ok {
		for range 40 {
			o["Other"+strings.Repeat("x", g.r.IntN(3))+string(rune('a'+g.r.IntN(26)))] = pick(g, []any{"x", json.Number("-1e5"), true})
		}
	}
}

func removeMember(g *Generator, s spot) {
	if o, ok := s.value.(object); ok && len(o) > 0 {
		delete(o, pick(g, sortedKeys(o)))
	}
}

func emptied(_ *Generator, s spot) {
	switch s.value.(type) {
	case []any:
		s.set([]any{})
	case object:
		s.set(object{})
	}
}

func grown(_ *Generator, s spot) {
	if array, ok := s.value.([]any); ok {
		if len(array) == 0 {
			array = []any{"x"}
		}
		for range 1 + s.schemas.most("maxItems", 0) {
			array = append(array, array[0])
		}
		s.set(array)
	}
}

func shorter(_ *Generator, s spot) {
	if _, ok := s.value.(string); ok {
		s.set(strings.Repeat("x", max(s.schemas.least("minLength", 1)-1, 0)))
	}
}

func longer(_ *Generator, s spot) {
	if text, ok := s.value.(string); ok {
		s.set(text + strings.Repeat("x", s.schemas.most("maxLength", 0)+1))
	}
}

func otherText(g *Generator, s spot) {
	if text, ok := s.value.(string); ok {
		s.set(pick(g, []string{"", "?", " " + text, "999.1.1.1", strings.Repeat("~", len(text))}))
	}
}

func forbidden(g *Generator, s spot) {
	for _, not := range s.schemas.values("not") {
		s.set(g.value(g.expand(not), 0, ""))
	}
}

func below(_ *Generator, s spot) { outside(s, []string{"minimum", "exclusiveMinimum"}, -1) }

func above(_ *Generator, s spot) { outside(s, []string{"maximum", "exclusiveMaximum"}, +1) }

// outside puts a number at an exclusive limit, or next to an inclusive one.
func outside(s spot, keywords []string, sign int64) {
	if _, ok := s.value.(json.Number); !ok {
		return
	}
	for _, keyword := range keywords {
		for _, value := range s.schemas.values(keyword) {
			if limit := rational(value); limit != nil {
				if !strings.HasPrefix(keyword, "exclusive") {
					limit.Add(limit, big.NewRat(sign, 1))
				}
				s.set(json.Number(decimal(limit)))
			}
		}
	}
}

func between(_ *Generator, s spot) {
	if number := rational(s.value); number != nil {
		for _, value := range s.schemas.values("multipleOf") {
			s.set(json.Number(decimal(number.Add(number, new(big.Rat).Quo(rational(value), big.NewRat(2, 1))))))
		}
	}
}
