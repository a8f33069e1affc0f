package eventsource

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxFilters       = 5    // of a mapping; AWS raises it to 10 on request
	maxFilterPattern = 4096 // characters
)

// Filter is one filter of a mapping's FilterCriteria. A mapping with filters deletes the messages that none of them matches,
// and the function never sees them (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html).
//
// As AWS has it, a filter's form decides what a body must be: {"body":{...}} matches no plain text, and {"body":["..."]} matches no JSON.
// JSON here is an object or an array; AWS does not say what a lone number is, and here it is text.
type Filter struct {
	alternatives []*bodyPattern // one, or those of $or
}

// bodyPattern is what a filter asks of the body: one of the two is set.
type bodyPattern struct {
	object *objectPattern
	text   leafPattern
}

var errFilter = errors.New("filter")

// ParseFilter reads a filter's pattern, such as {"body":{"device_type":["iOS"]}}. The error matches ErrMisuse and says where
// the pattern is wrong. Patterns on anything but the body are refused: on SQS Lambda filters by nothing else.
func ParseFilter(pattern string) (*Filter, error) {
	f, err := parseFilter(pattern)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMisuse, err)
	}
	return f, nil
}

func parseFilter(pattern string) (*Filter, error) {
	if len([]rune(pattern)) > maxFilterPattern {
		return nil, fmt.Errorf("%w: a pattern has %d characters at most", errFilter, maxFilterPattern)
	}
	tree, err := readTree([]byte(pattern))
	if err != nil {
		return nil, fmt.Errorf("%w: the pattern is not JSON", errFilter)
	}
	root, ok := tree.(map[string]any)
	if !ok || len(root) != 1 {
		return nil, fmt.Errorf(`%w: a pattern is of the form {"body":{...}}, {"body":[...]} or {"$or":[...]}; Lambda filters SQS messages by their body only`, errFilter)
	}
	alternatives, isOr := root["$or"]
	if !isOr {
		body, err := parseBody(root)
		if err != nil {
			return nil, err
		}
		return &Filter{[]*bodyPattern{body}}, nil
	}
	list, _ := alternatives.([]any)
	if len(list) < 2 {
		return nil, fmt.Errorf("%w: $or takes a list of two patterns or more", errFilter)
	}
	f := &Filter{}
	for _, each := range list {
		object, _ := each.(map[string]any)
		body, err := parseBody(object)
		if err != nil {
			return nil, err
		}
		f.alternatives = append(f.alternatives, body)
	}
	return f, nil
}

func parseBody(root map[string]any) (*bodyPattern, error) {
	value, ok := root["body"]
	if !ok || len(root) != 1 {
		return nil, fmt.Errorf("%w: Lambda filters SQS messages by their body only: {\"body\":...}", errFilter)
	}
	if object, ok := value.(map[string]any); ok {
		p, err := parseObject(object, "body")
		return &bodyPattern{object: p}, err
	}
	leaf, err := parseLeaf(value, "body")
	return &bodyPattern{text: leaf}, err
}

// Match reports whether the filter lets a message of this body through.
func (f *Filter) Match(body []byte) bool {
	var tree any
	isJSON := false
	if b := trimSpace(body); len(b) > 0 && (b[0] == '{' || b[0] == '[') {
		var err error
		// Two members of one name, or what is not UTF-8, are for the function to report: a filter must not delete them before.
		tree, err = readTree(b, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		isJSON = err == nil
	}
	for _, p := range f.alternatives {
		switch {
		case p.object != nil && isJSON && p.object.matches(tree):
			return true
		case p.object == nil && !isJSON && p.text.matches([]any{string(body)}):
			return true
		}
	}
	return false
}

// sift deletes the messages that no filter lets through, and returns the others.
func (r *run) sift(ctx context.Context, messages []message) []message {
	if len(r.Filters) == 0 {
		return messages
	}
	var wanted, others []message
	var body []byte
	for _, m := range messages {
		body, _ = jsontext.AppendUnquote(body[:0], m.wire.body)
		if r.wanted(body) {
			wanted = append(wanted, m)
		} else {
			others = append(others, m)
		}
	}
	undeleted := r.deleteAll(ctx, others)
	r.tally.filtered(len(others), undeleted)
	return wanted
}

func (r *run) wanted(body []byte) bool {
	for _, f := range r.Filters {
		if f.Match(body) {
			return true
		}
	}
	return false
}
