package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// MaxSize is the most bytes of a message, its attributes included, and of all messages in one call.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const MaxSize = 1 << 20

// MaxAttributes is the most message attributes of a message.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const MaxAttributes = 10

// Message is one to be sent. Send sets its Id. On a FIFO queue it needs a group and a deduplication
// id.
type Message = types.SendMessageBatchRequestEntry

// Refusal says that SQS did not take a message, and never will.
type Refusal struct {
	Index int    // of the message in the slice
	Code  string // SQS's
}

// Send makes one call for the first of the messages: for ten, or for fewer that are within MaxSize
// together. It returns for how many that was, and which of them SQS refused; all others are on the
// queue. An entry that SQS failed to store is sent again up to five times.
//
// With an error it is not known of the first n which are on the queue, so to repeat the call may
// send some twice.
func (q *Queue) Send(ctx context.Context, messages []Message) (n int, refused []Refusal, err error) {
	n = fitting(messages)
	for i := range n {
		messages[i].Id = &entryIDs[i]
	}
	entries := slices.Clone(messages[:n]) // that are yet to be sent
	for attempt := 1; len(entries) > 0; attempt++ {
		out, err := q.Client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.URL, Entries: entries})
		if n == 1 && tooLarge(err) {
			return n, []Refusal{{0, Code(err)}}, nil
		}
		if err != nil {
			return n, refused, q.Explain(err)
		}
		entries = nil
		for _, f := range out.Failed {
			switch index := entryIndex(f, n); {
			case index < 0:
				return n, refused, fmt.Errorf("queue %s: the answer to SendMessageBatch names an unknown entry", q.Name())
			case f.SenderFault || attempt == attempts:
				refused = append(refused, Refusal{index, aws.ToString(f.Code)})
			default:
				entries = append(entries, messages[index])
			}
		}
		if len(entries) > 0 {
			pause(ctx, firstPause<<(attempt-1))
		}
	}
	slices.SortFunc(refused, func(a, b Refusal) int { return cmp.Compare(a.Index, b.Index) })
	return n, refused, nil
}

// fitting is how many of the first messages one call takes, at least one.
func fitting(messages []Message) int {
	size := 0
	for i := range messages {
		if size += messageSize(&messages[i]); i == callEntries || i > 0 && size > MaxSize {
			return i
		}
	}
	return len(messages)
}

// messageSize is what counts against MaxSize: the body, and names, types and values of the
// attributes.
func messageSize(m *Message) int {
	size := len(aws.ToString(m.MessageBody))
	for name, a := range m.MessageAttributes {
		size += len(name) + len(aws.ToString(a.DataType)) + len(aws.ToString(a.StringValue)) + len(a.BinaryValue)
	}
	return size
}
