package infra_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// stack is a template with the values of its parameters: what CloudFormation would make of it.
// Names that only AWS knows, such as ARNs, stay as {"GetAtt": "Queue.Arn"} or {"Ref": "Queue"}.
type stack struct {
	template   object
	parameters map[string]string
}

// deployed resolves a template with parameters such as "FifoQueue=true", the others by default.
func deployed(t *testing.T, path string, parameters ...string) *stack {
	t.Helper()
	s := &stack{template: load(t, path), parameters: map[string]string{
		"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012", "AWS::StackName": "sqs2pg", "AWS::StackId": "stack-id",
		"AWS::URLSuffix": "amazonaws.com",
	}}
	for name, p := range s.template["Parameters"].(object) {
		if p.(object)["Default"] != nil {
			s.parameters[name] = fmt.Sprint(p.(object)["Default"])
		}
	}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		if at(t, s.template, "Parameters", name) != nil {
			s.parameters[name] = value
		}
	}
	if broken := s.brokenRules(t); broken != nil {
		t.Fatalf("%v: CloudFormation refuses it: %s", parameters, broken)
	}
	return s
}

// resources are those whose condition is true, with their properties resolved.
func (s *stack) resources(t *testing.T) map[string]object {
	t.Helper()
	all := map[string]object{}
	for name, r := range s.template["Resources"].(object) {
		if condition, ok := r.(object)["Condition"]; !ok || s.condition(t, condition.(string)) {
			properties, _ := s.value(t, r.(object)["Properties"]).(object)
			all[name] = properties
		}
	}
	return all
}

func (s *stack) condition(t *testing.T, name string) bool {
	t.Helper()
	return s.truth(t, at(t, s.template, "Conditions", name))
}

func (s *stack) truth(t *testing.T, v any) bool {
	t.Helper()
	for name, argument := range v.(object) {
		switch name {
		case "Condition":
			return s.condition(t, argument.(string))
		case "Equals":
			list := argument.([]any)
			return fmt.Sprint(s.value(t, list[0])) == fmt.Sprint(s.value(t, list[1]))
		case "Not":
			return !s.truth(t, argument.([]any)[0])
		case "And":
			return !slices.ContainsFunc(argument.([]any), func(v any) bool { return !s.truth(t, v) })
		case "Or":
			return slices.ContainsFunc(argument.([]any), func(v any) bool { return s.truth(t, v) })
		case "EachMemberEquals": // of a rule: a list, and a value
			list := argument.([]any)
			members, want := strings.Split(fmt.Sprint(s.value(t, list[0])), ","), fmt.Sprint(s.value(t, list[1]))
			return !slices.ContainsFunc(members, func(m string) bool { return m != want })
		default:
			t.Fatalf("unknown condition %s", name)
		}
	}
	return false
}

// brokenRules are the descriptions of the assertions that fail.
func (s *stack) brokenRules(t *testing.T) (broken []string) {
	t.Helper()
	rules, _ := s.template["Rules"].(object)
	for _, rule := range rules {
		if condition, ok := rule.(object)["RuleCondition"]; ok && !s.truth(t, condition) {
			continue
		}
		for _, a := range rule.(object)["Assertions"].([]any) {
			if !s.truth(t, a.(object)["Assert"]) {
				broken = append(broken, a.(object)["AssertDescription"].(string))
			}
		}
	}
	slices.Sort(broken)
	return broken
}

type noValue struct{}

func (s *stack) value(t *testing.T, v any) any {
	t.Helper()
	switch node := v.(type) {
	case object:
		if len(node) == 1 {
			for name, argument := range node {
				if value, ok := s.intrinsic(t, name, argument); ok {
					return value
				}
			}
		}
		m := object{}
		for name, child := range node {
			if resolved := s.value(t, child); resolved != any(noValue{}) {
				m[name] = resolved
			}
		}
		return m
	case []any:
		list := []any{}
		for _, child := range node {
			if resolved := s.value(t, child); resolved != any(noValue{}) {
				list = append(list, resolved)
			}
		}
		return list
	}
	return v
}

func (s *stack) intrinsic(t *testing.T, name string, argument any) (any, bool) {
	t.Helper()
	list, _ := argument.([]any)
	switch name {
	case "Ref":
		if argument == "AWS::NoValue" {
			return noValue{}, true
		}
		value, ok := s.parameters[argument.(string)]
		return value, ok
	case "If":
		if s.condition(t, list[0].(string)) {
			return s.value(t, list[1]), true
		}
		return s.value(t, list[2]), true
	case "FindInMap":
		return at(t, s.template, "Mappings", list[0].(string), s.value(t, list[1]).(string), s.value(t, list[2]).(string)), true
	case "Split":
		parts := []any{}
		for _, part := range strings.Split(fmt.Sprint(s.value(t, list[1])), list[0].(string)) {
			parts = append(parts, part)
		}
		return parts, true
	case "Select":
		from, ok := s.value(t, list[1]).([]any)
		i, _ := strconv.Atoi(fmt.Sprint(list[0]))
		if !ok || i >= len(from) {
			return nil, false
		}
		return from[i], true
	case "Join":
		var parts []string
		values, ok := s.value(t, list[1]).([]any)
		if !ok { // a parameter that is a list
			values = []any{s.value(t, list[1])}
		}
		for _, v := range values {
			parts = append(parts, fmt.Sprint(v))
		}
		return strings.Join(parts, list[0].(string)), true
	case "Sub":
		return s.sub(t, argument), true
	}
	return nil, false
}

func (s *stack) sub(t *testing.T, argument any) string {
	t.Helper()
	text, own := fmt.Sprint(argument), object{}
	if list, ok := argument.([]any); ok {
		text, own = list[0].(string), list[1].(object)
	}
	for name, v := range own {
		text = strings.ReplaceAll(text, "${"+name+"}", fmt.Sprint(s.value(t, v)))
	}
	for name, v := range s.parameters {
		text = strings.ReplaceAll(text, "${"+name+"}", v)
	}
	return text
}
