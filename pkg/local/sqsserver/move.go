package sqsserver

import (
	"context"
	"encoding/base64"
	"slices"
	"time"
)

// maxTasks is the number of tasks that are kept and listed for each queue.
const maxTasks = 10

// A moveTask moves the messages of a dead-letter queue back to the queues that they came from, or
// to another queue
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html).
// The server's lock guards the fields that change.
type moveTask struct {
	handle      string
	source      queueKey
	destination *queueKey // nil: each message goes back to its own source
	perSecond   int       // 0: no limit
	started     int64
	toMove      int
	cancel      context.CancelFunc

	status  string
	moved   int
	failure string
}

const (
	running    = "RUNNING"
	completed  = "COMPLETED"
	cancelling = "CANCELLING"
	cancelled  = "CANCELLED"
	failed     = "FAILED"
)

type startMoveInput struct {
	Source      string `json:"SourceArn"`
	Destination string `json:"DestinationArn"`
	PerSecond   *int   `json:"MaxNumberOfMessagesPerSecond"`
}

type startMoveOutput struct {
	Handle string `json:"TaskHandle"`
}

func (c *call) startMessageMoveTask(in *startMoveInput) (*startMoveOutput, error) {
	source, err := c.byARN(in.Source, "SourceArn")
	if err != nil {
		return nil, err
	}
	if per := orDefault(in.PerSecond, 1); per < 1 || per > 500 {
		return nil, invalid(per, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
	}
	if !slices.ContainsFunc(c.list(nil), func(q *queue) bool { return q.feeds(source) }) {
		return nil, invalidParameter.because("Source queue must be configured as a Dead Letter Queue.")
	}
	t := &moveTask{source: source.queueKey, status: running, started: c.now(), perSecond: orDefault(in.PerSecond, 0)}
	if in.Destination != "" {
		to, err := c.byARN(in.Destination, "DestinationArn")
		if err != nil {
			return nil, err
		}
		if to == source || to.fifo != source.fifo {
			return nil, invalid(in.Destination, "DestinationArn", "Must be another queue of the same type as the source queue.")
		}
		key := to.queueKey
		t.destination = &key
	}
	t.toMove = source.count(visible)
	t.handle = base64.StdEncoding.EncodeToString([]byte(compact(taskHandle{newID(), source.arn()})))
	if err := c.begin(t, source); err != nil {
		return nil, err
	}
	return &startMoveOutput{t.handle}, nil
}

type taskHandle struct {
	ID     string `json:"taskId"`
	Source string `json:"sourceArn"`
}

// byARN finds a queue of this region. Its errors name the parameter.
func (c *call) byARN(text, parameter string) (*queue, error) {
	if text == "" {
		return nil, missing(parameter)
	}
	key, owner, ok := parseARN(text)
	if !ok {
		return nil, invalidParameter.because("You must use this format to specify the %s: arn:<partition>:<service>:<region>:<account-id>:<resource-id>", parameter)
	}
	if q := c.queue(key); q != nil && key.region == c.region && owner == account {
		return q, nil
	}
	return nil, resourceNotFound.because("The resource that you specified for the %s parameter doesn't exist.", parameter)
}

// begin starts the task unless another task of the same source is running.
func (s *Server) begin(t *moveTask, source *queue) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Err() != nil {
		return errClosed
	}
	earlier := s.moves[t.source]
	if len(earlier) > 0 && (earlier[0].status == running || earlier[0].status == cancelling) {
		return invalidParameter.because("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	}
	earlier = slices.Insert(earlier, 0, t)
	s.moves[t.source] = earlier[:min(len(earlier), maxTasks)]
	var ctx context.Context
	ctx, t.cancel = context.WithCancel(s.closing)
	s.tasks.Go(func() {
		defer t.cancel()
		s.run(ctx, t, source)
	})
	return nil
}

// run moves as many messages as were visible at the start. So it ends even if consumers fail the
// moved messages again and they return to the source.
func (s *Server) run(ctx context.Context, t *moveTask, source *queue) {
	failure := ""
	for range t.toMove {
		if ctx.Err() != nil {
			break
		}
		var done bool
		if done, failure = s.moveOne(t, source); !done {
			break
		}
		s.progress(t)
		if t.perSecond > 0 {
			pause(ctx, time.Second/time.Duration(t.perSecond))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case failure != "":
		t.status, t.failure = failed, failure
	case ctx.Err() != nil:
		t.status = cancelled
	default:
		t.status = completed
	}
}

func (s *Server) progress(t *moveTask) {
	s.mu.Lock()
	t.moved++
	s.mu.Unlock()
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// moveOne moves the first visible message, as a new message with a new id and no receives. It
// returns false if no message is left. It also returns false, with a failure, if the first message
// has no destination; that message stays.
func (s *Server) moveOne(t *moveTask, source *queue) (done bool, failure string) {
	now, err := source.lock()
	if err != nil {
		return false, queueDoesNotExist.code
	}
	defer source.release(now)
	m := source.first()
	if m == nil {
		return false, ""
	}
	to := t.destination
	if to == nil {
		origin, _, ok := parseARN(m.source)
		if !ok {
			return false, "CouldNotDetermineMessageSource"
		}
		to = &origin
	}
	q := s.queue(*to)
	if q == nil {
		return false, queueDoesNotExist.code
	}
	source.remove(m)
	source.outgoing = append(source.outgoing, transfer{q, m.asNew(now)})
	return true, ""
}

// asNew returns a copy of the message as if it had just been sent.
func (m *message) asNew(now int64) *message {
	fresh := &message{content: m.content, enqueued: now}
	fresh.id, fresh.sent, fresh.source = newID(), now, ""
	if m.sequence != "" {
		fresh.sequence = nextSequence()
	}
	return fresh
}
