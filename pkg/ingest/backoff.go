package ingest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"sqs2pg/pkg/message"
	"sqs2pg/pkg/queue"
)

// A message that comes back stays invisible for firstDelay after its first receive and twice as
// long after each further one, up to lastDelay. A random quarter at most is added, so that a queue
// does not come back all at once. The shortest times are
//
//	receive  1   2    3    4    5     6     7     8     9     10
//	at       0s  30s  90s  210s 450s  930s  1830s 2730s 3630s 4530s
//
// so an outage of an hour takes 8 receives, and with a maxReceiveCount of 10 a message survives 75
// minutes. Without backoff a message comes back after the queue's visibility timeout, 181 s by
// default: 10 receives are used up after 27 minutes. With a maxReceiveCount of 5 backoff is worse,
// 7 minutes against 12: a queue with backoff should allow 10.
const (
	firstDelay = 30 * time.Second
	lastDelay  = 15 * time.Minute

	// backoffTime is reserved of an invocation's time for the calls: 1,000 for a batch of 10,000.
	backoffTime = 2 * time.Second
)

// Queue hides messages that were received from it; *queue.Queue is one.
type Queue interface {
	ChangeVisibility(context.Context, []queue.Visibility) (changed int, err error)
}

// delay is how long a message is hidden after so many receives. A count that is not a number is the
// first.
func delay(receiveCount string) time.Duration {
	receives, _ := strconv.Atoi(receiveCount)
	return scatter(min(firstDelay<<min(max(receives-1, 0), 10), lastDelay))
}

// longestDelay is how long a message is hidden if only a repair helps, however often it was
// received.
func longestDelay(string) time.Duration { return scatter(lastDelay) }

// scatter adds a random quarter at most. The result is in whole seconds, as SQS counts.
func scatter(least time.Duration) time.Duration {
	return (least + rand.N(least/4)).Truncate(time.Second)
}

// postpone hides as many messages as it can until ctx ends. The others come back after the queue's
// visibility timeout.
func postpone(ctx context.Context, q Queue, records []message.Record, wait func(receiveCount string) time.Duration) error {
	messages := make([]queue.Visibility, len(records))
	for i := range records {
		messages[i] = queue.Visibility{ReceiptHandle: records[i].ReceiptHandle(), Timeout: wait(records[i].Attributes.ApproximateReceiveCount)}
	}
	changed, err := q.ChangeVisibility(ctx, messages)
	if err != nil {
		return fmt.Errorf("%d of %d messages keep the queue's visibility timeout (%s): check the route to SQS, and grant sqs:ChangeMessageVisibility",
			len(messages)-changed, len(messages), queue.Code(err))
	}
	return nil
}
