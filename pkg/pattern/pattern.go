// Package pattern reads AWS event patterns and matches the bodies of SQS messages against them.
// Event source mappings choose their messages by such patterns.
//
// The syntax is EventBridge's, of which Lambda takes a part: exact values, prefix, suffix,
// equals-ignore-case, anything-but, numeric, exists and $or
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax). A
// pattern that Lambda would refuse is refused here.
package pattern

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const maxLength = 4096 // characters

// Pattern is one event pattern. Its methods may be called concurrently.
//
// The form of the pattern decides what a body must be, as AWS has it: {"body":{...}} matches no
// plain text, and {"body":["..."]} matches no JSON. JSON means an object or an array. AWS does not
// say what a lone number is; here it is text
// (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html).
type Pattern struct {
	alternatives []bodyPattern // one, or the members of $or
}

// bodyPattern is what a pattern asks of the body. One of the two fields is set.
type bodyPattern struct {
	object *objectPattern
	text   leafPattern
}

// Parse reads a pattern, such as {"body":{"device_type":["iOS"]}}, of 4,096 characters at most. The
// error says where the pattern is wrong. Patterns on anything but the body are refused: Lambda
// filters SQS messages by nothing else.
func Parse(text string) (*Pattern, error) {
	if utf8.RuneCountInString(text) > maxLength {
		return nil, fmt.Errorf("the pattern has more than %d characters", maxLength)
	}
	tree, err := readJSON([]byte(text))
	if err != nil {
		return nil, errors.New("the pattern is not JSON")
	}
	root, ok := tree.(map[string]any)
	if !ok || len(root) != 1 {
		return nil, errors.New(`a pattern has the form {"body":{...}}, {"body":[...]} or {"$or":[...]}; Lambda filters SQS messages by their body only`)
	}
	alternatives := []any{root}
	if or, isOr := root["$or"]; isOr {
		if alternatives, err = listOfPatterns(or, "$or"); err != nil {
			return nil, err
		}
	}
	p := &Pattern{}
	for _, each := range alternatives {
		object, _ := each.(map[string]any) // parseBody refuses anything else
		body, err := parseBody(object)
		if err != nil {
			return nil, err
		}
		p.alternatives = append(p.alternatives, body)
	}
	return p, nil
}

func parseBody(root map[string]any) (p bodyPattern, err error) {
	value, ok := root["body"]
	if !ok || len(root) != 1 {
		return p, errors.New(`a pattern is on the body, since Lambda filters SQS messages by their body only: {"body":...}`)
	}
	if object, ok := value.(map[string]any); ok {
		p.object, err = parseObject(object, "body")
	} else {
		p.text, err = parseLeaf(value, "body")
	}
	return p, err
}

// Match reports whether the pattern matches a message with this body.
func (p *Pattern) Match(body []byte) bool {
	tree, isJSON := readBody(body)
	for _, a := range p.alternatives {
		switch {
		case a.object != nil && isJSON && a.object.matches(tree):
			return true
		case a.object == nil && !isJSON && a.text.matches([]any{string(body)}):
			return true
		}
	}
	return false
}

// readBody reads a body that is an object or an array. Duplicate members and invalid UTF-8 pass:
// the function reports them, and a mapping must not delete such a message before.
func readBody(body []byte) (tree any, isJSON bool) {
	b := trimSpace(body)
	if len(b) == 0 || b[0] != '{' && b[0] != '[' {
		return nil, false
	}
	tree, err := readJSON(b, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return tree, err == nil
}
