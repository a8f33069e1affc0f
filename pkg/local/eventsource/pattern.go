package eventsource

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The syntax of patterns is EventBridge's, of which Lambda takes a part: exact values, prefix, suffix, equals-ignore-case,
// anything-but, numeric, exists and $or
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax).

// number is a JSON number as it is written: to exact matches 300 and 3e2 are different.
type number string

// readTree reads JSON into maps, slices, strings, numbers, booleans and nil.
func readTree(text []byte, options ...jsontext.Options) (any, error) {
	in := jsontext.NewDecoder(bytes.NewReader(text), options...)
	tree, err := readValue(in)
	if err != nil {
		return nil, err
	}
	if _, err := in.ReadToken(); err == nil {
		return nil, errFilter // something follows
	}
	return tree, nil
}

func readValue(in *jsontext.Decoder) (any, error) {
	token, err := in.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		object := map[string]any{}
		for in.PeekKind() != '}' {
			name, err := in.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String()
			if object[key], err = readValue(in); err != nil {
				return nil, err
			}
		}
		_, err := in.ReadToken()
		return object, err
	case '[':
		list := []any{}
		for in.PeekKind() != ']' {
			value, err := readValue(in)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := in.ReadToken()
		return list, err
	case '"':
		return token.String(), nil
	case '0':
		return number(token.String()), nil
	case 'n':
		return nil, nil
	}
	return token.Bool(), nil
}

func trimSpace(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// objectPattern matches an object of which every member matches, and one of the alternatives if there are any.
type objectPattern struct {
	objects map[string]*objectPattern
	leaves  map[string]leafPattern
	or      []*objectPattern
}

// leafPattern matches if one of its matchers matches one of the values.
type leafPattern []matcher

// matcher gets the values at a place: none if there is nothing, several in a list.
type matcher func(values []any) bool

func parseObject(object map[string]any, path string) (*objectPattern, error) {
	if len(object) == 0 {
		return nil, fmt.Errorf("%w: %s is empty", errFilter, path)
	}
	p := &objectPattern{objects: map[string]*objectPattern{}, leaves: map[string]leafPattern{}}
	for name, value := range object {
		var err error
		at := path + "." + name
		members, isObject := value.(map[string]any)
		switch {
		case name == "$or":
			p.or, err = parseOr(value, at)
		case isObject:
			p.objects[name], err = parseObject(members, at)
		default:
			p.leaves[name], err = parseLeaf(value, at)
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

func parseOr(value any, path string) ([]*objectPattern, error) {
	list, _ := value.([]any)
	if len(list) < 2 {
		return nil, fmt.Errorf("%w: %s takes a list of two patterns or more", errFilter, path)
	}
	var or []*objectPattern
	for _, each := range list {
		object, _ := each.(map[string]any)
		p, err := parseObject(object, path)
		if err != nil {
			return nil, err
		}
		or = append(or, p)
	}
	return or, nil
}

// matches takes a list as any of its elements. What is missing matches as an empty object: only exists false says yes to it.
func (p *objectPattern) matches(value any) bool {
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, p.matches)
	}
	object, _ := value.(map[string]any)
	for name, inner := range p.objects {
		if !inner.matches(object[name]) {
			return false
		}
	}
	for name, leaf := range p.leaves {
		value, there := object[name]
		if !leaf.matches(scalars(nil, value, there)) {
			return false
		}
	}
	return len(p.or) == 0 || slices.ContainsFunc(p.or, func(each *objectPattern) bool { return each.matches(value) })
}

// scalars appends the leaves at a place. An object is none: it has them further in.
func scalars(values []any, value any, there bool) []any {
	switch v := value.(type) {
	case map[string]any:
		return values
	case []any:
		for _, each := range v {
			values = scalars(values, each, true)
		}
		return values
	}
	if !there {
		return values
	}
	return append(values, value)
}

func (p leafPattern) matches(values []any) bool {
	return slices.ContainsFunc(p, func(m matcher) bool { return m(values) })
}

func parseLeaf(value any, path string) (leafPattern, error) {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf(`%w: %s must be a list of values and rules, such as ["iOS",{"prefix":"a"}]`, errFilter, path)
	}
	var p leafPattern
	for _, each := range list {
		m, err := parseMatcher(each, path)
		if err != nil {
			return nil, err
		}
		p = append(p, m)
	}
	return p, nil
}

// anyOf makes a matcher that holds where one value does.
func anyOf(holds func(any) bool) matcher {
	return func(values []any) bool { return slices.ContainsFunc(values, holds) }
}

func parseMatcher(rule any, path string) (matcher, error) {
	object, ok := rule.(map[string]any)
	if !ok {
		if _, nested := rule.([]any); nested {
			return nil, fmt.Errorf("%w: %s has a list in its list", errFilter, path)
		}
		return anyOf(func(v any) bool { return v == rule }), nil
	}
	if len(object) != 1 {
		return nil, fmt.Errorf("%w: a rule of %s has one member", errFilter, path)
	}
	for name, operand := range object {
		return parseRule(name, operand, path+": "+name)
	}
	return nil, nil // not reached
}

func parseRule(name string, operand any, path string) (matcher, error) {
	switch name {
	case "prefix":
		return parseText(operand, path, strings.HasPrefix)
	case "suffix":
		return parseText(operand, path, strings.HasSuffix)
	case "equals-ignore-case":
		return parseText(operand, path, strings.EqualFold)
	case "anything-but":
		return parseAnythingBut(operand, path)
	case "numeric":
		return parseNumeric(operand, path)
	case "exists":
		want, ok := operand.(bool)
		if !ok {
			return nil, fmt.Errorf("%w: %s takes true or false", errFilter, path)
		}
		return func(values []any) bool { return (len(values) > 0) == want }, nil
	}
	return nil, fmt.Errorf("%w: %s is no rule; there are prefix, suffix, equals-ignore-case, anything-but, numeric, exists", errFilter, path)
}

func parseText(operand any, path string, holds func(value, operand string) bool) (matcher, error) {
	text, ok := operand.(string)
	if !ok || text == "" {
		return nil, fmt.Errorf("%w: %s takes a text", errFilter, path)
	}
	return anyOf(func(v any) bool {
		value, ok := v.(string)
		return ok && holds(value, text)
	}), nil
}

func parseAnythingBut(operand any, path string) (matcher, error) {
	list, ok := operand.([]any)
	if !ok {
		list = []any{operand}
	}
	for _, each := range list {
		switch each.(type) {
		case string, number:
		default:
			return nil, fmt.Errorf("%w: %s takes a text, a number, or a list of them", errFilter, path)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: %s takes a text, a number, or a list of them", errFilter, path)
	}
	return anyOf(func(v any) bool { return !slices.Contains(list, v) }), nil
}

// parseNumeric reads ["=", 5], one bound, or a lower and then an upper one: [">", 0, "<=", 5].
func parseNumeric(operand any, path string) (matcher, error) {
	wrong := fmt.Errorf(`%w: %s takes ["=",5], [">",0] or a range such as [">",0,"<=",5]`, errFilter, path)
	list, _ := operand.([]any)
	if len(list) != 2 && len(list) != 4 {
		return nil, wrong
	}
	var bounds []bound
	for pair := range slices.Chunk(list, 2) {
		b, ok := parseBound(pair[0], pair[1])
		if !ok {
			return nil, wrong
		}
		bounds = append(bounds, b)
	}
	if len(bounds) == 2 && (bounds[0].op[0] != '>' || bounds[1].op[0] != '<' || bounds[0].value >= bounds[1].value) {
		return nil, wrong
	}
	return anyOf(func(v any) bool {
		literal, ok := v.(number)
		if !ok {
			return false
		}
		value, err := strconv.ParseFloat(string(literal), 64)
		return err == nil && !slices.ContainsFunc(bounds, func(b bound) bool { return !b.holds(value) })
	}), nil
}

type bound struct {
	op    string
	value float64
}

func parseBound(op, value any) (bound, bool) {
	name, _ := op.(string)
	literal, ok := value.(number)
	number, err := strconv.ParseFloat(string(literal), 64)
	return bound{name, number}, ok && err == nil && slices.Contains([]string{"=", "<", "<=", ">", ">="}, name)
}

func (b bound) holds(v float64) bool {
	switch b.op {
	case "=":
		return v == b.value
	case "<":
		return v < b.value
	case "<=":
		return v <= b.value
	case ">":
		return v > b.value
	}
	return v >= b.value
}
