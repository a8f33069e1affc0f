package invoker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/events"

	"sqs2pg/pkg/local/eventsource"
)

// ErrNotAnEvent means that a payload is not an SQS event with messages in it.
var ErrNotAnEvent = errors.New("not an SQS event")

// Replayed is what a function answered to an event.
type Replayed struct {
	Messages  int
	FailedIDs []string
	Response  json.RawMessage // nil with Err
	Err       error           // of the invocation; every message failed
}

// Replay invokes a function with an event that was recorded. The error is ErrNotAnEvent.
func Replay(ctx context.Context, f eventsource.Function, payload []byte) (Replayed, error) {
	var event events.SQSEvent
	if err := json.Unmarshal(payload, &event); err != nil || len(event.Records) == 0 {
		return Replayed{}, ErrNotAnEvent
	}
	r := Replayed{Messages: len(event.Records)}
	response, err := f.Invoke(context.WithoutCancel(ctx), payload)
	if err != nil {
		r.Err = err
		return r, nil
	}
	var answer events.SQSEventResponse
	if json.Unmarshal(response, &answer) != nil {
		r.Err = errors.New("its response is not a batch response")
		return r, nil
	}
	r.Response = response
	for _, failure := range answer.BatchItemFailures {
		r.FailedIDs = append(r.FailedIDs, failure.ItemIdentifier)
	}
	return r, nil
}

// Capture returns the event of the first batch that the mapping makes, or nil if ctx ends before. The
// messages stay on the queue; each has been received once more.
func Capture(ctx context.Context, m eventsource.Mapping) ([]byte, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c := &capture{stop: stop}
	m.Function = c
	_, err := m.Run(ctx)
	return c.event, err
}

// capture is a function that keeps its first event and fails. The mapping then gives all messages
// back at once.
type capture struct {
	event []byte
	stop  func()
}

var errCaptured = errors.New("captured")

// Invoke is called once, or twice if the next batch was ready by then, and never concurrently.
func (c *capture) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	if c.event == nil {
		c.event = bytes.Clone(payload)
	}
	c.stop()
	return nil, errCaptured
}
