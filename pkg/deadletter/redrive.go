package deadletter

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sqs2pg/pkg/message"
	"sqs2pg/pkg/queue"
)

// Redrive puts those dead letters back on the source queue that choose returns true for; it leaves
// the others. Nil chooses all. It calls choose once for each letter, and handles as many letters as
// were visible when they were counted, so that a message that fails and dies again meanwhile stays
// dead. It returns how many letters it moved, with an error too.
//
// Each letter is sent and then deleted. If Redrive is stopped between the two, the letter is on
// both queues, and the next Redrive sends it again with the same identity, so that the function
// recognises it. Letters that the source queue refuses stay dead; the others are moved, and the
// error counts the refused ones.
func (l *Letters) Redrive(ctx context.Context, choose func(*Letter) bool) (moved int, err error) {
	h := &held{queue: l.Queue, known: map[string]bool{}, renewed: time.Now()}
	defer h.release(ctx)
	var refused sent
	for len(h.known) < l.Visible && ctx.Err() == nil {
		letters, err := l.receive(ctx)
		if err != nil {
			return moved, err
		}
		fresh := h.add(letters)
		if len(fresh) == 0 { // the others are in flight, or in a FIFO group behind one that stays
			break
		}
		if choose != nil {
			fresh = slices.DeleteFunc(fresh, func(letter *Letter) bool { return !choose(letter) })
		}
		s, err := l.send(ctx, fresh)
		n, deleteErr := l.delete(ctx, s.accepted)
		moved += n
		refused.refused, refused.code = append(refused.refused, s.refused...), cmp.Or(refused.code, s.code)
		if err := cmp.Or(err, deleteErr); err != nil {
			return moved, err
		}
		h.forget(s.accepted)
		h.renew(ctx)
	}
	if n := len(refused.refused); n > 0 {
		return moved, fmt.Errorf("the source queue refused %d messages, the first, %s, with %s: they stay dead", n, refused.refused[0].ID(), refused.code)
	}
	return moved, ctx.Err()
}

// tooManyAttributes is why a letter cannot be sent with its identity.
var tooManyAttributes = fmt.Sprintf("more than %d message attributes (a redrive adds %s and %s)", queue.MaxAttributes, message.AttributeEventID, message.AttributeEventSentAt)

// sent is what the source queue did with letters. With an error it leaves out those of which it is
// not known.
type sent struct {
	accepted, refused []*Letter
	code              string // why the first was refused: SQS's code, or a sentence's end
}

func (l *Letters) send(ctx context.Context, letters []*Letter) (s sent, err error) {
	var messages []queue.Message
	var sendable []*Letter
	for _, letter := range letters {
		m := letter.again()
		if len(m.MessageAttributes) > queue.MaxAttributes {
			s.refused, s.code = append(s.refused, letter), tooManyAttributes
			continue
		}
		messages, sendable = append(messages, m), append(sendable, letter)
	}
	letters = sendable
	for len(messages) > 0 {
		n, refused, err := l.Source.Send(ctx, messages)
		if err != nil {
			return s, fmt.Errorf("send to the source queue: %w", err)
		}
		codes := map[int]string{}
		for _, r := range refused {
			codes[r.Index] = r.Code
		}
		for i, letter := range letters[:n] {
			if code, ok := codes[i]; ok {
				s.refused, s.code = append(s.refused, letter), cmp.Or(s.code, code)
			} else {
				s.accepted = append(s.accepted, letter)
			}
		}
		messages, letters = messages[n:], letters[n:]
	}
	return s, nil
}

// delete deletes letters that were sent, also when ctx has ended.
func (l *Letters) delete(ctx context.Context, letters []*Letter) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	handles := make([]string, len(letters))
	for i, letter := range letters {
		handles[i] = *letter.message.ReceiptHandle
	}
	deleted, err := l.Queue.Delete(ctx, handles)
	if err != nil {
		return deleted, fmt.Errorf("%d messages were sent but not deleted from %s (%w): redrive again, they are not written twice", len(handles)-deleted, l.Queue.Name(), queue.Cause(err))
	}
	return deleted, nil
}

// again makes the letter a message with the identity that it had: its message id and the time when
// it was sent, unless the producer set others. On a FIFO queue it goes to the end of its group.
func (l *Letter) again() queue.Message {
	m := queue.Message{MessageBody: l.message.Body, MessageAttributes: map[string]types.MessageAttributeValue{}}
	maps.Copy(m.MessageAttributes, l.message.MessageAttributes)
	for name, value := range map[string]string{
		message.AttributeEventID:     l.ID(),
		message.AttributeEventSentAt: l.message.Attributes["SentTimestamp"],
	} {
		if aws.ToString(m.MessageAttributes[name].StringValue) == "" && !l.IsBinary(name) {
			m.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
	}
	if group, ok := l.message.Attributes["MessageGroupId"]; ok {
		m.MessageGroupId = &group
	}
	if _, fifo := l.message.Attributes["MessageDeduplicationId"]; fifo {
		m.MessageDeduplicationId = aws.String("redrive-" + l.ID()) // SQS would drop a message with the old one as a repetition
	}
	if trace, ok := l.message.Attributes["AWSTraceHeader"]; ok {
		m.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &trace}}
	}
	return m
}
