package pattern

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// leafPattern matches if one of its matchers matches one of the values.
type leafPattern []matcher

// matcher gets the values at a place: none where nothing is, several from a list.
type matcher func(values []any) bool

func (p leafPattern) matches(values []any) bool {
	return slices.ContainsFunc(p, func(m matcher) bool { return m(values) })
}

func parseLeaf(value any, path string) (leafPattern, error) {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf(`%s must be a list of values and rules, such as ["iOS",{"prefix":"a"}]`, path)
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

// anyOf makes a matcher that matches if the condition holds for one of the values.
func anyOf(holds func(any) bool) matcher {
	return func(values []any) bool { return slices.ContainsFunc(values, holds) }
}

func parseMatcher(rule any, path string) (matcher, error) {
	object, ok := rule.(map[string]any)
	if !ok {
		if _, nested := rule.([]any); nested {
			return nil, fmt.Errorf("%s has a list inside its list", path)
		}
		return anyOf(func(v any) bool { return v == rule }), nil
	}
	if len(object) != 1 {
		return nil, fmt.Errorf("a rule of %s must have one member", path)
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
			return nil, fmt.Errorf("%s takes true or false", path)
		}
		return func(values []any) bool { return (len(values) > 0) == want }, nil
	}
	return nil, fmt.Errorf("%s is not a rule: use prefix, suffix, equals-ignore-case, anything-but, numeric or exists", path)
}

func parseText(operand any, path string, holds func(value, operand string) bool) (matcher, error) {
	text, ok := operand.(string)
	if !ok || text == "" {
		return nil, fmt.Errorf("%s takes a string", path)
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
			return nil, fmt.Errorf("%s takes a string, a number, or a list of them", path)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s takes a string, a number, or a list of them", path)
	}
	return anyOf(func(v any) bool { return !slices.Contains(list, v) }), nil
}

// parseNumeric reads one bound, ["=", 5], or a lower bound followed by an upper one, [">", 0, "<=",
// 5].
func parseNumeric(operand any, path string) (matcher, error) {
	wrong := fmt.Errorf(`%s takes ["=",5], [">",0] or a range such as [">",0,"<=",5]`, path)
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
