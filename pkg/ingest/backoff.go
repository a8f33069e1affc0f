package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"sqs2pg/pkg/message"
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

	// backoffTime is reserved of an invocation's time for the calls: 1,000 calls, eight at a time,
	// for a batch of 10,000.
	backoffTime  = 2 * time.Second
	backoffCalls = 8
)

// VisibilityClient is the part of SQS's client that Backoff calls.
type VisibilityClient interface {
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// Backoff hides the messages of a batch that could not be loaded, for longer each time, so that an
// outage of the database does not use up their receives. With ReportBatchItemFailures Lambda does
// not slow its polling by itself. Both fields are required.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
type Backoff struct {
	Client   VisibilityClient
	QueueURL string
}

// delay is how long a message is hidden after so many receives, in whole seconds as SQS counts. A
// count that is not a number is the first.
func delay(receiveCount string) time.Duration {
	receives, _ := strconv.Atoi(receiveCount)
	least := min(firstDelay<<min(max(receives-1, 0), 10), lastDelay)
	return (least + rand.N(least/4)).Truncate(time.Second)
}

// postpone hides as many messages as it can until ctx ends. The others come back after the queue's
// visibility timeout.
func (b *Backoff) postpone(ctx context.Context, records []message.Record) error {
	var next, postponed atomic.Int64
	var reason atomic.Value
	var workers sync.WaitGroup
	for range min(backoffCalls, (len(records)+9)/10) {
		workers.Go(func() {
			for ctx.Err() == nil {
				start := int(next.Add(10)) - 10
				if start >= len(records) {
					return
				}
				changed, refused := b.change(ctx, records[start:min(start+10, len(records))])
				postponed.Add(int64(changed))
				if refused != "" {
					reason.Store(refused)
				}
			}
		})
	}
	workers.Wait()
	if n := len(records) - int(postponed.Load()); n > 0 {
		reason.CompareAndSwap(nil, "no time")
		return fmt.Errorf("%d of %d messages keep the queue's visibility timeout (%v): check the route to SQS, and grant sqs:ChangeMessageVisibility", n, len(records), reason.Load())
	}
	return nil
}

// change makes one call, for ten messages at most. It returns how many were changed, and a code of
// SQS if some were not.
func (b *Backoff) change(ctx context.Context, some []message.Record) (changed int, refused string) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(some))
	for i := range some {
		id, handle := strconv.Itoa(i), some[i].ReceiptHandle()
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: &id, ReceiptHandle: &handle, VisibilityTimeout: int32(delay(some[i].Attributes.ApproximateReceiveCount) / time.Second),
		}
	}
	out, err := b.Client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &b.QueueURL, Entries: entries})
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		return 0, api.ErrorCode()
	case err != nil:
		return 0, "no answer"
	case len(out.Failed) > 0:
		refused = aws.ToString(out.Failed[0].Code)
	}
	return len(out.Successful), refused
}
