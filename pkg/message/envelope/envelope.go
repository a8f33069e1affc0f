// Package envelope knows the wrappers that AWS services put around an event on its way to a queue,
// and the bodies that they send in place of an event.
//
// A wrapper has the event, and an id and a time of its own. Both stay the same over every retry and
// redrive, unlike SQS's message id, so they identify the event.
package envelope

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is a kind of wrapper.
type Kind string

// The kinds of wrappers.
const (
	// SNS is a notification of a subscription without raw message delivery. The event is text
	// inside of it.
	// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
	SNS Kind = "sns"

	// EventBridge is an event of a rule without an input transformer. The event is its detail.
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
	EventBridge Kind = "eventbridge"
)

// AttributesMember is the member of an SNS notification that has the message attributes.
const AttributesMember = "MessageAttributes"

// Members are the names of the members that matter in a wrapper of the kind: its id, its time, and
// the event.
func (k Kind) Members() (id, time, event string) {
	if k == SNS {
		return "MessageId", "Timestamp", "Message"
	}
	return "id", "time", "detail"
}

// Chain lists the wrappers around an event, the outermost first. It is empty if the event is the
// body itself.
type Chain []Kind

// chains are the chains that AWS makes.
var chains = []Chain{{SNS}, {EventBridge}, {SNS, EventBridge}}

// ParseChain reads the value of x-envelope: a kind, or a list of them, the outermost first.
func ParseChain(kinds ...string) (Chain, error) {
	var chain Chain
	for _, kind := range kinds {
		chain = append(chain, Kind(kind))
	}
	for _, known := range chains {
		if slices.Equal(known, chain) {
			return known, nil
		}
	}
	return nil, errors.New(`it is "sns", "eventbridge", or ["sns", "eventbridge"] for EventBridge's events that come by SNS`)
}

// String writes the chain as x-envelope has it, in JSON.
func (c Chain) String() string {
	quoted := make([]string, len(c))
	for i, kind := range c {
		quoted[i] = fmt.Sprintf("%q", string(kind))
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// HasAttributes reports whether the chain carries message attributes of its own. Those of the SQS
// message are not the producer's then.
func (c Chain) HasAttributes() bool { return len(c) > 0 && c[0] == SNS }
