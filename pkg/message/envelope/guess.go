package envelope

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// The rules that a body breaks which is not the event itself.
const (
	RuleEnvelope     = "envelope"         // wrapped in another way than the contract says
	RuleConfirmation = "sns confirmation" // SNS asks to confirm a subscription
	RuleS3Test       = "s3 test event"    // S3 has tried whether it may send
	RuleS3Pointer    = "s3 pointer"       // the body is in S3
)

// pointers are the class names with which SQS's extended client libraries begin a body that only
// says where in S3 the body is.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-managing-large-messages.html
var pointers = []string{"software.amazon.payloadoffloading.PayloadS3Pointer", "com.amazon.sqs.javamessaging.MessageS3Pointer"}

// Marks reports whether a member of this name stands in a body that [Guess] knows. It is fast, so
// that it can be asked for each undeclared member.
func Marks(name []byte) bool {
	switch string(name) {
	case "TopicArn", "detail-type", "HostId":
		return true
	}
	return false
}

// Guess says what a body is that is not the event itself: the rule that it breaks, and for
// RuleEnvelope the wrapper that it looks like. It returns "" for any other body.
func Guess(body []byte) (rule string, kind Kind) {
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	switch d.PeekKind() {
	case '[':
		_, _ = d.ReadToken()
		if first, err := d.ReadToken(); err == nil && first.Kind() == '"' && slices.Contains(pointers, first.String()) {
			return RuleS3Pointer, ""
		}
	case '{':
		return guessObject(d)
	}
	return "", ""
}

func guessObject(d *jsontext.Decoder) (rule string, kind Kind) {
	members := map[string]string{} // the texts of strings, "" for other values
	_, _ = d.ReadToken()
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return "", ""
		}
		key, text := name.String(), ""
		if d.PeekKind() == '"' {
			value, err := d.ReadToken()
			if err != nil {
				return "", ""
			}
			text = value.String()
		} else if d.SkipValue() != nil {
			return "", ""
		}
		members[key] = text
	}
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { _, ok := members[name]; return !ok })
	}
	switch {
	case has("TopicArn", "SubscribeURL", "Token") && slices.Contains([]string{"SubscriptionConfirmation", "UnsubscribeConfirmation"}, members["Type"]):
		return RuleConfirmation, ""
	case members["Type"] == "Notification" && has("TopicArn", "MessageId", "Message", "Timestamp"):
		return RuleEnvelope, SNS
	case has("detail-type", "detail", "source", "id", "time"):
		return RuleEnvelope, EventBridge
	case members["Service"] == "Amazon S3" && members["Event"] == "s3:TestEvent":
		return RuleS3Test, ""
	}
	return "", ""
}

// Explain says what to do about a body that Guess knows, or that breaks RuleEnvelope because it is
// not the wrapper that the contract expects. opened has the wrappers that were opened before; found
// is the result of Guess.
func Explain(rule string, opened Chain, found Kind, expected Chain) string {
	switch rule {
	case RuleConfirmation:
		return "SNS asks to confirm a subscription: open the SubscribeURL in the body, once"
	case RuleS3Test:
		return "S3 sends this test once when notifications are set up: delete it"
	case RuleS3Pointer:
		return "the body is in S3, where the extended client library has put it: send the event itself, SQS takes up to 1 MiB"
	case RuleEnvelope:
		return explainEnvelope(opened, found, expected)
	}
	return ""
}

func explainEnvelope(opened Chain, found Kind, expected Chain) string {
	if found != "" {
		if chain, err := ParseChain(append(kinds(opened), string(found))...); err == nil {
			return "the body is wrapped: set \"x-envelope\": " + chain.String() + " in the contract"
		}
		return "the event is wrapped once more than AWS does: look at it with sqs2pg dlq show --body"
	}
	if len(opened) < len(expected) && expected[len(opened)] == SNS {
		return "the body is not an SNS notification: remove x-envelope if the subscription has raw message delivery"
	}
	return "there is no EventBridge event: remove eventbridge from x-envelope if the rule has an input transformer"
}

func kinds(c Chain) (list []string) {
	for _, kind := range c {
		list = append(list, string(kind))
	}
	return list
}
