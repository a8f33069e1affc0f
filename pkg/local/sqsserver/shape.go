package sqsserver

import (
	"slices"
	"strconv"
	"strings"
)

type receiveMessageOutput struct {
	Messages []receivedMessage `json:",omitempty"`
}

type receivedMessage struct {
	ID            string           `json:"MessageId"`
	Handle        string           `json:"ReceiptHandle"`
	BodyMD5       string           `json:"MD5OfBody"`
	Body          string           `json:"Body"`
	System        systemAttributes `json:"Attributes,omitzero"`
	AttributesMD5 string           `json:"MD5OfMessageAttributes,omitempty"`
	Attributes    attributeList    `json:"MessageAttributes,omitempty"`
}

// systemAttributes are the attributes that SQS sets; times are milliseconds since the epoch.
type systemAttributes struct {
	SenderID      string `json:"SenderId,omitempty"`
	Sent          string `json:"SentTimestamp,omitempty"`
	Receives      string `json:"ApproximateReceiveCount,omitempty"`
	FirstReceived string `json:"ApproximateFirstReceiveTimestamp,omitempty"`
	Sequence      string `json:"SequenceNumber,omitempty"`
	Dedup         string `json:"MessageDeduplicationId,omitempty"`
	Group         string `json:"MessageGroupId,omitempty"`
	Trace         string `json:"AWSTraceHeader,omitempty"`
	Source        string `json:"DeadLetterQueueSourceArn,omitempty"`
}

// systemNames are the names of the fields of systemAttributes, in the same order.
var systemNames = []string{
	"SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "SequenceNumber",
	"MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
}

// A filter says which attributes a receiver asks for.
type filter struct {
	system  [9]bool // by index in systemNames
	message []string
}

// filter checks the parameters of a receive and returns the filter in them.
func (in *receiveMessageInput) filter() (filter, error) {
	if err := in.check(); err != nil {
		return filter{}, err
	}
	f := filter{message: in.MessageAttributes}
	for _, name := range slices.Concat(in.AttributeNames, in.SystemAttributeNames) {
		at := slices.Index(systemNames, name)
		switch {
		case name == "All":
			for i := range f.system {
				f.system[i] = true
			}
		case at >= 0:
			f.system[at] = true
		case !knownAttribute(name) && name != "QueueArn":
			return f, invalidAttributeName.because("Unknown Attribute %s.", name)
		}
	}
	return f, nil
}

func (in *receiveMessageInput) check() error {
	switch {
	case in.Max != nil && (*in.Max < 1 || *in.Max > maxBatch):
		return invalid(*in.Max, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
	case in.Wait != nil && (*in.Wait < 0 || *in.Wait > 20):
		return invalid(*in.Wait, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
	case in.Visibility != nil && (*in.Visibility < 0 || *in.Visibility > maxVisibility):
		return invalid(*in.Visibility, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	return nil
}

func (f *filter) shape(got []delivery) []receivedMessage {
	out := make([]receivedMessage, len(got))
	for i := range got {
		d := &got[i]
		shown := f.attributes(d.attributes)
		out[i] = receivedMessage{
			ID: d.id, Handle: d.handle, BodyMD5: d.bodyMD5, Body: d.body, System: f.systemAttributes(d),
			AttributesMD5: attributesMD5(shown), Attributes: shown,
		}
	}
	return out
}

func (f *filter) systemAttributes(d *delivery) (s systemAttributes) {
	for i, value := range []struct {
		field *string
		text  string
	}{
		{&s.SenderID, account},
		{&s.Sent, strconv.FormatInt(d.sent, 10)},
		{&s.Receives, strconv.Itoa(d.receives)},
		{&s.FirstReceived, strconv.FormatInt(d.firstSeen, 10)},
		{&s.Sequence, d.sequence},
		{&s.Dedup, d.dedup},
		{&s.Group, d.group},
		{&s.Trace, d.trace},
		{&s.Source, d.source},
	} {
		if f.system[i] {
			*value.field = value.text
		}
	}
	return s
}

// attributes returns the attributes that the receiver asks for: by name, by prefix ("order.*"), or
// all of them ("All", ".*").
func (f *filter) attributes(all []attribute) []attribute {
	var shown []attribute
	for _, a := range all {
		if slices.ContainsFunc(f.message, func(pattern string) bool { return matches(pattern, a.name) }) {
			shown = append(shown, a)
		}
	}
	return shown
}

func matches(pattern, name string) bool {
	prefix, wild := strings.CutSuffix(pattern, ".*")
	return pattern == "All" || pattern == name || wild && strings.HasPrefix(name, prefix)
}
