// Package sending sends many messages to a queue, waits for the end of an outage, and shows how it
// goes.
//
// One call of SQS takes ten messages, so a large file takes minutes, and SQS may go away meanwhile.
// A person then wants to know what is sent, and not to begin anew: messages that are sent twice are
// two events.
package sending

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/terminal"
)

const (
	firstPause  = 100 * time.Millisecond
	longPause   = 5 * time.Second
	giveUp      = time.Minute     // of nothing but errors
	answerGrace = 5 * time.Second // for the call in progress when ctx ends
	gathered    = 10              // messages of one call
)

// Job is a number of messages for one queue.
type Job struct {
	Queue *queue.Queue

	// Group is the message group on a FIFO queue, where each message gets a deduplication id of its
	// own: two equal bodies are two messages.
	Group string

	// Bodies gives the messages in order. Total is how many.
	Bodies iter.Seq2[string, error]
	Total  int

	// Attributes returns the message attributes of the message that Bodies has just given, all of
	// type String. It may be nil.
	Attributes func() map[string]string

	Screen io.Writer // gets the progress, if it takes longer than a second
}

// Slice gives messages as a Job takes them.
func Slice(messages []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, m := range messages {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// String says how many messages were sent.
func (s Sent) String() string {
	text := terminal.Plural(s.Messages, "message", "messages")
	if s.Unsure > 0 {
		text += fmt.Sprintf("; up to %d of them may be there twice, because an answer of SQS was lost", s.Unsure)
	}
	return text
}

// Sent says what is on the queue.
type Sent struct {
	Messages int
	// Unsure counts messages that may be on the queue once more than Messages says, because SQS's
	// answer about them was lost.
	Unsure int
}

// ErrStopped means that ctx ended before all messages were sent.
var ErrStopped = errors.New("stopped")

// Run sends the messages in order, and returns what it sent, with an error too. It stops at the
// first call in which SQS refuses a message. While SQS cannot be reached it tries again, for a
// minute. When ctx ends, the call in progress is completed first.
func (j *Job) Run(ctx context.Context) (Sent, error) {
	s := &sender{Job: j, progress: newProgress(j.Screen, j.Queue.Name(), j.Total)}
	s.progress.show()
	defer s.progress.stop()
	err := s.sendAll(ctx)
	if err != nil {
		err = fmt.Errorf("%w: %d of %d messages are on the queue", err, s.sent.Messages, j.Total)
	}
	return s.sent, err
}

// sender is one Run.
type sender struct {
	*Job
	progress *progress
	sent     Sent
}

func (s *sender) sendAll(ctx context.Context) error {
	var messages []queue.Message
	for body, err := range s.Bodies {
		if err != nil {
			return err
		}
		if messages = append(messages, s.message(body)); len(messages) < gathered {
			continue
		}
		if messages, err = s.send(ctx, messages); err != nil {
			return err
		}
	}
	for len(messages) > 0 {
		var err error
		if messages, err = s.send(ctx, messages); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) message(body string) queue.Message {
	m := queue.Message{MessageBody: &body}
	if s.Attributes != nil {
		m.MessageAttributes = attributeValues(s.Attributes())
	}
	if s.Queue.FIFO() {
		m.MessageGroupId, m.MessageDeduplicationId = &s.Group, aws.String(uuid.NewString())
	}
	return m
}

func attributeValues(texts map[string]string) map[string]types.MessageAttributeValue {
	values := make(map[string]types.MessageAttributeValue, len(texts))
	for name, text := range texts {
		values[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &text}
	}
	return values
}

// send sends as many of the messages as one call takes, and returns the others.
func (s *sender) send(ctx context.Context, messages []queue.Message) (rest []queue.Message, err error) {
	n, refused, err := s.persist(ctx, messages)
	if err != nil {
		return nil, err
	}
	before := s.sent.Messages
	s.sent.Messages += n - len(refused)
	s.progress.sent(s.sent.Messages)
	if len(refused) > 0 {
		first := refused[0]
		return nil, fmt.Errorf("SQS refused %d messages: the first, message %d, with %s", len(refused), before+first.Index+1, first.Code)
	}
	return messages[n:], nil
}

// persist repeats the call during an outage.
func (s *sender) persist(ctx context.Context, messages []queue.Message) (n int, refused []queue.Refusal, err error) {
	var began time.Time // of the outage
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		if ctx.Err() != nil {
			return 0, nil, ErrStopped
		}
		n, refused, err = s.call(ctx, messages)
		if err == nil {
			s.progress.outage(nil)
			return n, refused, nil
		}
		if began.IsZero() {
			began = time.Now()
		}
		if !s.Queue.FIFO() && answerLost(err) {
			s.sent.Unsure += n
		}
		switch {
		case ctx.Err() != nil:
			return n, nil, ErrStopped
		case !errors.Is(err, queue.ErrUnreachable), time.Since(began) > giveUp:
			return n, nil, err
		}
		s.progress.outage(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// call makes one call. It goes on for a moment after ctx has ended, so that it is known what was
// sent.
func (s *sender) call(ctx context.Context, messages []queue.Message) (int, []queue.Refusal, error) {
	call, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(answerGrace, cancel) })
	defer stop()
	return s.Queue.Send(call, messages)
}

// answerLost reports whether SQS may have taken the messages of a call that failed: it was reached,
// and did not answer.
func answerLost(err error) bool {
	_, answered := errors.AsType[smithy.APIError](err)
	network, ok := errors.AsType[*net.OpError](err)
	return !answered && !(ok && network.Op == "dial")
}
