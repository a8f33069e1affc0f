package pattern

import (
	"fmt"
	"slices"
)

// objectPattern matches an object whose members match objects and leaves. If there are patterns in
// or, one of them has to match too.
type objectPattern struct {
	objects map[string]*objectPattern
	leaves  map[string]leafPattern
	or      []*objectPattern
}

func parseObject(object map[string]any, path string) (*objectPattern, error) {
	if len(object) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
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
	list, err := listOfPatterns(value, path)
	if err != nil {
		return nil, err
	}
	var or []*objectPattern
	for _, each := range list {
		object, _ := each.(map[string]any) // parseObject refuses anything else
		p, err := parseObject(object, path)
		if err != nil {
			return nil, err
		}
		or = append(or, p)
	}
	return or, nil
}

// listOfPatterns checks the value of $or.
func listOfPatterns(value any, path string) ([]any, error) {
	list, _ := value.([]any)
	if len(list) < 2 {
		return nil, fmt.Errorf("%s takes a list of two patterns or more", path)
	}
	return list, nil
}

// matches reports whether the value matches, or one of its elements if it is a list. An absent
// object counts as an empty one: only {"exists": false} matches in it.
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

// scalars appends the scalar values at a place, lists taken apart. Objects have no values of their
// own; their members do.
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
