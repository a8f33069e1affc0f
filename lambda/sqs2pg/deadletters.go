package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// lookTime is how long a dead letter is hidden while somebody looks at it or moves it.
const lookTime = 60 // seconds

// deadLetters is a queue's dead-letter queue.
type deadLetters struct {
	client    *sqs.Client
	name      string
	url       string
	sourceURL string
	depth     int // visible
	hidden    int // in flight, or delayed
}

// openDead finds the dead-letter queue of the queue.
func (f *queueFlags) openDead(ctx context.Context) (*deadLetters, error) {
	client, queueURL, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	source, err := attributes(ctx, client, queueURL)
	if err != nil {
		return nil, fmt.Errorf("queue %s: %w", f.Queue, lastCause(err))
	}
	arn := deadLetterARN(source)
	if arn == "" {
		return nil, fmt.Errorf("queue %s has no redrive policy, and so no dead-letter queue; if it is one itself, name the queue that it serves", f.Queue)
	}
	d := &deadLetters{client: client, sourceURL: queueURL, name: arn[strings.LastIndex(arn, ":")+1:]}
	got, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &d.name})
	if err != nil {
		return nil, fmt.Errorf("dead-letter queue %s: %w; the redrive policy of %s names it", d.name, lastCause(err), f.Queue)
	}
	d.url = *got.QueueUrl
	return d, d.count(ctx)
}

func attributes(ctx context.Context, client *sqs.Client, queueURL string) (map[string]string, error) {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// redrivePolicy is a queue's. Its count is a number or a string: SQS takes both and gives back what it got.
type redrivePolicy struct {
	ARN             string `json:"deadLetterTargetArn"`
	MaxReceiveCount any    `json:"maxReceiveCount"`
}

// readPolicy is empty for a queue without one.
func readPolicy(queue map[string]string) (p redrivePolicy) {
	_ = json.Unmarshal([]byte(queue["RedrivePolicy"]), &p) // SQS has checked it
	return p
}

func deadLetterARN(queue map[string]string) string { return readPolicy(queue).ARN }

func maxReceiveCount(queue map[string]string) int {
	return atoi(fmt.Sprint(readPolicy(queue).MaxReceiveCount))
}

func (d *deadLetters) count(ctx context.Context) error {
	a, err := attributes(ctx, d.client, d.url)
	if err != nil {
		return fmt.Errorf("dead-letter queue %s: %w", d.name, lastCause(err))
	}
	d.depth = atoi(a["ApproximateNumberOfMessages"])
	d.hidden = atoi(a["ApproximateNumberOfMessagesNotVisible"]) + atoi(a["ApproximateNumberOfMessagesDelayed"])
	return nil
}

// take receives up to ten dead letters. Nothing more comes: there are none that could be had now.
func (d *deadLetters) take(ctx context.Context) ([]types.Message, error) {
	out, err := d.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &d.url, MaxNumberOfMessages: 10, VisibilityTimeout: lookTime, WaitTimeSeconds: 1,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		return nil, fmt.Errorf("dead-letter queue %s: %w", d.name, lastCause(err))
	}
	return out.Messages, nil
}

// look shows dead letters to f, each once, until it has seen enough, and leaves them on the queue. Of a FIFO queue only the first
// ten of each message group can be seen: the others wait behind them.
func (d *deadLetters) look(ctx context.Context, f func(types.Message) (more bool)) error {
	seen := map[string]bool{}
	var taken []types.Message
	defer func() { d.giveBack(ctx, taken) }()
	for more := true; more; {
		messages, err := d.take(ctx)
		if err != nil {
			return err
		}
		taken = append(taken, messages...)
		news := false
		for _, m := range messages {
			if id := *m.MessageId; !seen[id] && more {
				seen[id], news = true, true
				more = f(m)
			}
		}
		more = more && news // all have come round again, or there are none
	}
	return nil
}

// giveBack makes them visible again. What goes wrong mends itself after lookTime.
func (d *deadLetters) giveBack(ctx context.Context, messages []types.Message) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for len(messages) > 0 {
		n := min(10, len(messages))
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, n)
		for i, m := range messages[:n] {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle}
		}
		_, _ = d.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &d.url, Entries: entries})
		messages = messages[n:]
	}
}

// redrive puts dead letters back on the source queue, as many as there were when the queue was counted: what fails and dies again meanwhile stays.
//
// Each is sent, then deleted. Stopped between the two it is on both queues, and the next redrive sends it again: with the same
// identity, so that the function recognises it. What the source queue refuses stays dead, and the others go on.
func (d *deadLetters) redrive(ctx context.Context) (moved int, err error) {
	var refused []types.Message
	var why string
	defer func() { d.giveBack(ctx, refused) }()
	for moved+len(refused) < d.depth && ctx.Err() == nil {
		messages, err := d.take(ctx)
		if err != nil || len(messages) == 0 {
			return moved, err
		}
		sent, failed := d.send(ctx, messages)
		n, err := d.delete(ctx, sent.taken)
		moved += n
		refused = append(refused, sent.refused...)
		why = cmp.Or(why, sent.why)
		if err = cmp.Or(failed, err); err != nil {
			d.giveBack(ctx, messages)
			return moved, err
		}
	}
	if len(refused) > 0 {
		return moved, fmt.Errorf("the source queue refused %d messages, the first, %s, with %s; they stay dead", len(refused), *refused[0].MessageId, why)
	}
	return moved, nil
}

// resent is what became of messages at the source queue; a call that failed leaves out those of which it is not known.
type resent struct {
	taken, refused []types.Message
	why            string // the first was refused
}

func (d *deadLetters) send(ctx context.Context, messages []types.Message) (r resent, err error) {
	for start := 0; start < len(messages); {
		entries, size := []types.SendMessageBatchRequestEntry{}, 0
		for i, m := range messages[start:] {
			if size += messageSize(m); i > 0 && size > maxBody {
				break
			}
			entries = append(entries, resend(m, strconv.Itoa(start+i)))
		}
		out, err := d.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &d.sourceURL, Entries: entries})
		if err != nil {
			return r, fmt.Errorf("send to the source queue: %w", lastCause(err))
		}
		for _, s := range out.Successful {
			r.taken = append(r.taken, messages[atoi(*s.Id)])
		}
		for _, f := range out.Failed {
			r.refused = append(r.refused, messages[atoi(*f.Id)])
			r.why = cmp.Or(r.why, aws.ToString(f.Code))
		}
		start += len(entries)
	}
	return r, nil
}

func (d *deadLetters) delete(ctx context.Context, messages []types.Message) (int, error) {
	if len(messages) == 0 {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second) // they are sent: finish
	defer cancel()
	entries := make([]types.DeleteMessageBatchRequestEntry, len(messages))
	for i, m := range messages {
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle}
	}
	out, err := d.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &d.url, Entries: entries})
	if err != nil {
		return 0, fmt.Errorf("dead-letter queue %s: %w", d.name, lastCause(err))
	}
	if len(out.Failed) > 0 {
		return len(out.Successful), fmt.Errorf("%d messages were sent but not deleted from %s; redrive again: they are not written twice", len(out.Failed), d.name)
	}
	return len(out.Successful), nil
}

// resend makes a dead letter a message again, of the identity that it had: the message id and the time sent, unless the producer
// set others. On a FIFO queue it goes to the end of its group.
func resend(m types.Message, id string) types.SendMessageBatchRequestEntry {
	entry := types.SendMessageBatchRequestEntry{Id: &id, MessageBody: m.Body, MessageAttributes: m.MessageAttributes}
	if entry.MessageAttributes == nil {
		entry.MessageAttributes = map[string]types.MessageAttributeValue{}
	}
	for name, value := range map[string]string{"event-id": *m.MessageId, "event-sent-at": m.Attributes["SentTimestamp"]} {
		if a := entry.MessageAttributes[name]; aws.ToString(a.StringValue) == "" {
			entry.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
	}
	if group, ok := m.Attributes["MessageGroupId"]; ok {
		entry.MessageGroupId = &group
	}
	if _, fifo := m.Attributes["MessageDeduplicationId"]; fifo {
		entry.MessageDeduplicationId = aws.String("redrive-" + *m.MessageId) // its own would be dropped as a repetition
	}
	if trace, ok := m.Attributes["AWSTraceHeader"]; ok {
		entry.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &trace}}
	}
	return entry
}

// messageSize is what counts against SQS's limit of a call, with what resend may add.
func messageSize(m types.Message) int {
	size := len(*m.Body) + 200
	for name, a := range m.MessageAttributes {
		size += len(name) + len(aws.ToString(a.DataType)) + len(aws.ToString(a.StringValue)) + len(a.BinaryValue)
	}
	return size
}
