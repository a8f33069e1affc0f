// Package deadletter looks at the dead letters of a queue, explains them, and puts them back on the
// queue.
//
// SQS can move dead letters back by itself (StartMessageMoveTask), but then each is a new message:
// its id and its time are new, and an event that was written before it died would become a second
// row. This package sends each dead letter with the identity that it had. It also says what the
// contract has against a message, and leaves messages whose time the table does not take.
package deadletter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/message"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/queue"
)

// LookTime is how long a dead letter is invisible to others while this package looks at it or moves
// it.
const LookTime = time.Minute

// ErrNoRedrivePolicy means that a queue has no dead-letter queue.
var ErrNoRedrivePolicy = errors.New("the queue has no redrive policy, and so no dead-letter queue")

// Letters are the dead letters of a queue. The methods may be called concurrently, but two that run
// at the same time see different letters.
type Letters struct {
	Source *queue.Queue // the queue on which the messages failed
	Queue  *queue.Queue // its dead-letter queue

	// The state of the dead-letter queue when it was opened.
	Visible int // letters that can be looked at and moved
	Hidden  int // letters that are in flight, because another program has received them, or delayed

	// MaxReceiveCount is after how many receives a message of the source queue is a dead letter.
	MaxReceiveCount int

	// windows has, by the contract's name, the times that the contract's table takes.
	windows map[string]message.Window
}

// Open finds the dead-letter queue of a queue, which may belong to another account. Errors match
// ErrNoRedrivePolicy, or are those of queue.Find.
func Open(ctx context.Context, source *queue.Queue) (*Letters, error) {
	a, err := source.Attributes(ctx)
	if err != nil {
		return nil, err
	}
	if a.DeadLetterARN == "" {
		return nil, fmt.Errorf("%w: %s; if it is a dead-letter queue itself, name the queue that it serves", ErrNoRedrivePolicy, source.Name())
	}
	dead, err := queue.FindARN(ctx, source.Client, a.DeadLetterARN)
	if err != nil {
		return nil, fmt.Errorf("the redrive policy of %s: %w", source.Name(), err)
	}
	l := &Letters{Source: source, Queue: dead, MaxReceiveCount: a.MaxReceiveCount}
	a, err = dead.Attributes(ctx)
	l.Visible, l.Hidden = a.Visible, a.InFlight+a.Delayed
	return l, err
}

// AskWindows asks the database which events its tables take by their time. A redrive then leaves the
// others, which would come back at once. Its error is a *postgres.Unavailable; without the answer no
// letter is too old. Call it before the methods that look at letters.
func (l *Letters) AskWindows(ctx context.Context, pool *postgres.Pool, set *routes.Set) error {
	l.windows = map[string]message.Window{}
	for _, c := range set.Contracts() {
		known, err := registry.Look(ctx, pool, c.Table())
		if err != nil {
			return err
		}
		if known.Table != nil {
			l.windows[c.Name()] = known.Table.Window.At(time.Now())
		}
	}
	return nil
}

// Look shows dead letters to f, each once, until f returns false or no other letter is visible. It
// then makes all of them visible again. Each letter has been received once more.
//
// Of a FIFO queue it shows at most ten letters of each message group: the others wait behind them.
func (l *Letters) Look(ctx context.Context, f func(*Letter) (more bool)) error {
	h := &held{queue: l.Queue, known: map[string]bool{}, renewed: time.Now()}
	defer h.release(ctx)
	for more := true; more; {
		letters, err := l.receive(ctx)
		if err != nil {
			return err
		}
		fresh := h.add(letters)
		for _, letter := range fresh {
			if more = more && f(letter); !more {
				break
			}
		}
		more = more && len(fresh) > 0
		h.renew(ctx)
	}
	return nil
}

// Find returns the letter with that message id, or nil if it is not visible now. Errors are those of
// Look.
func (l *Letters) Find(ctx context.Context, id string) (found *Letter, err error) {
	err = l.Look(ctx, func(letter *Letter) bool {
		if letter.ID() == id {
			found = letter
		}
		return found == nil
	})
	return found, err
}

// receive returns up to ten letters. An empty result means that no letter is visible now.
func (l *Letters) receive(ctx context.Context) ([]*Letter, error) {
	out, err := l.Queue.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &l.Queue.URL, MaxNumberOfMessages: 10, VisibilityTimeout: int32(LookTime / time.Second), WaitTimeSeconds: 1,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		return nil, l.Queue.Explain(err)
	}
	letters := make([]*Letter, len(out.Messages))
	for i := range out.Messages {
		letters[i] = &Letter{out.Messages[i]}
	}
	return letters, nil
}
