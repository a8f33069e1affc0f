package deadletter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/message"
)

// Letter is one dead letter, as it was received.
type Letter struct{ message types.Message }

// ID is the message id.
func (l *Letter) ID() string { return *l.message.MessageId }

// Body is what the producer sent. It may hold personal values.
func (l *Letter) Body() string { return *l.message.Body }

// SentAt is when SQS took the message in, in UTC. On a FIFO queue AWS sets it anew when it moves the
// message to the dead-letter queue.
func (l *Letter) SentAt() time.Time { return epoch(l.message.Attributes["SentTimestamp"]) }

// Accepted is the reason of a letter that the contract accepts now.
const Accepted = "passes the contract; Postgres rejected it, its time is outside of the table's window, or its batch failed"

// Reason says what its contract has against the message, in the words of the function's log:
// "invalid: ip required". It holds no value of the message.
func (l *Letter) Reason(set *routes.Set) string {
	reason, _ := l.refusal(set, nil)
	return reason
}

// refusal is the Reason of a letter. It is untimely if its contract accepts it, and the table does not
// by its time.
func (l *Letter) refusal(set *routes.Set, windows map[string]message.Window) (reason string, untimely bool) {
	c, record, err := set.Decode(l.delivered())
	if err != nil {
		return reasonOf(err), false
	}
	if w, known := windows[c.Name()]; known {
		r := message.Record{MessageID: l.ID(), Attributes: message.Attributes{SentTimestamp: l.message.Attributes["SentTimestamp"]}}
		_, err = r.SentAt(record.Identity(), w)
	}
	return reasonOf(err), err != nil
}

func reasonOf(err error) string {
	var v *contract.Violation
	switch {
	case err == nil:
		return Accepted
	case !errors.As(err, &v):
		return "invalid"
	}
	reason := v.Outcome() + ": " + strings.TrimSpace(v.Field+" "+v.Rule)
	if v.Hint != "" {
		reason += ": " + v.Hint
	}
	return reason
}

// Contract is the name of the contract that the message belongs to, "" if it belongs to none.
func (l *Letter) Contract(set *routes.Set) string {
	if i := set.Choose(l.delivered(), new(routes.Scratch)); i >= 0 {
		return set.Contracts()[i].Name()
	}
	return ""
}

func (l *Letter) delivered() contract.Message {
	return contract.Message{Body: []byte(l.Body()), Attributes: l}
}

// MessageAttribute is the value of a message attribute, "" if there is no such attribute or it is
// binary.
func (l *Letter) MessageAttribute(name string) string {
	return aws.ToString(l.message.MessageAttributes[name].StringValue)
}

// IsBinary reports whether a message attribute has bytes instead of text.
func (l *Letter) IsBinary(name string) bool {
	return strings.HasPrefix(aws.ToString(l.message.MessageAttributes[name].DataType), "Binary")
}

// Field is something known of a letter.
type Field struct{ Name, Value string }

// chosen are attributes whose values the producer makes up, often from the user's id.
var chosen = []string{"MessageGroupId", "MessageDeduplicationId", message.AttributeEventID, message.AttributeEventSentAt}

// Details are Fields after what this package knows of the letter: its id, its contract and what that
// has against it.
func (l *Letter) Details(set *routes.Set, all bool) []Field {
	return append([]Field{{"message id", l.ID()}, {"contract", l.Contract(set)}, {"reason", l.Reason(set)}}, l.Fields(all)...)
}

// Fields describe the letter without its body: its size, SQS's attributes and the message
// attributes.
//
// They hold no value of a message attribute, which may be anything; the attributes of an event's
// identity are the exception. Values that the producer makes up are shown as their length, unless
// they are UUIDs, event-sent-at is a time that the function accepts, or all is set.
func (l *Letter) Fields(all bool) []Field {
	fields := []Field{{"bytes", strconv.Itoa(len(l.Body()))}}
	for _, name := range slices.Sorted(maps.Keys(l.message.Attributes)) {
		value := l.message.Attributes[name]
		if strings.HasSuffix(name, "Timestamp") {
			value = epoch(value).Format(time.RFC3339Nano)
		}
		fields = append(fields, Field{name, shown(name, value, all)})
	}
	for _, name := range slices.Sorted(maps.Keys(l.message.MessageAttributes)) {
		a := l.message.MessageAttributes[name]
		value := aws.ToString(a.DataType)
		if name == message.AttributeEventID || name == message.AttributeEventSentAt {
			value = aws.ToString(a.StringValue)
		}
		fields = append(fields, Field{"attribute " + name, shown(name, value, all)})
	}
	return fields
}

// shown returns the value of an attribute, or its length if the producer made it up. A UUID says
// nothing about a person by itself, and neither does the time of an event.
func shown(name, value string, all bool) string {
	harmless := len(value) == 36 && uuid.Validate(value) == nil ||
		name == message.AttributeEventSentAt && message.IsSentAt(value, time.Now())
	if all || harmless || !slices.Contains(chosen, name) {
		return value
	}
	return fmt.Sprintf("%d bytes, see --body", len(value))
}

// epoch reads milliseconds since 1970, which SQS writes.
func epoch(ms string) time.Time {
	n, _ := strconv.ParseInt(ms, 10, 64)
	return time.UnixMilli(n).UTC()
}
