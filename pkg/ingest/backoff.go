package ingest

import (
	"bytes"
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
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A message that comes back stays invisible for firstDelay after its first receive, twice as long after each further one, up
// to lastDelay, and up to a quarter longer, by chance, so that a queue does not come back all at once. The shortest times are
//
//	receive  1   2    3    4    5     6     7     8     9     10
//	at       0s  30s  90s  210s 450s  930s  1830s 2730s 3630s 4530s
//
// so an outage of an hour takes 8 receives, and with a maxReceiveCount of 10 a message lives through 75 minutes. Without it every
// receive costs the queue's visibility timeout, 181 s by default: 10 receives are gone after 27 minutes. With
// maxReceiveCount 5 it is the other way round, 7 against 12 minutes: who turns this on should allow 10.
const (
	firstDelay = 30 * time.Second
	lastDelay  = 15 * time.Minute

	// backoffTime is kept of an invocation's time for the calls: 1,000 of them, eight at a time, for a batch of 10,000.
	backoffTime  = 2 * time.Second
	backoffCalls = 8
)

// VisibilityClient is what is called of SQS.
type VisibilityClient interface {
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// Backoff keeps messages whose batch could not be loaded invisible for longer each time, so that an outage of the database
// does not use up their receives. With ReportBatchItemFailures Lambda does not slow its polling by itself. Both fields are required.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
type Backoff struct {
	Client   VisibilityClient
	QueueURL string
}

// delivery is what the backoff needs of a record. It is read from the payload once more, only then: a batch that is loaded does not
// pay for it.
type delivery struct {
	ReceiptHandle string `json:"receiptHandle"`
	Attributes    struct {
		ApproximateReceiveCount string
	} `json:"attributes"`
}

func readDeliveries(payload []byte) (all []delivery) {
	d := jsontext.NewDecoder(bytes.NewReader(payload), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if !enterRecords(d) {
		return nil
	}
	for d.PeekKind() != ']' {
		var one delivery
		if json.UnmarshalDecode(d, &one) != nil {
			return all
		}
		all = append(all, one)
	}
	return all
}

// delay is how long a message is to be invisible: whole seconds, as SQS counts.
func (d *delivery) delay() time.Duration {
	receives, _ := strconv.Atoi(d.Attributes.ApproximateReceiveCount)
	least := min(firstDelay<<min(max(receives-1, 0), 10), lastDelay)
	return (least + rand.N(least/4)).Truncate(time.Second)
}

// postpone does what it can until ctx ends. What it cannot comes back after the queue's visibility timeout.
func (b *Backoff) postpone(ctx context.Context, payload []byte) error {
	deliveries := readDeliveries(payload)
	var next, postponed atomic.Int64
	var reason atomic.Value
	var workers sync.WaitGroup
	for range min(backoffCalls, (len(deliveries)+9)/10) {
		workers.Go(func() {
			for ctx.Err() == nil {
				start := int(next.Add(10)) - 10
				if start >= len(deliveries) {
					return
				}
				changed, refused := b.change(ctx, deliveries[start:min(start+10, len(deliveries))])
				postponed.Add(int64(changed))
				if refused != "" {
					reason.Store(refused)
				}
			}
		})
	}
	workers.Wait()
	if n := len(deliveries) - int(postponed.Load()); n > 0 {
		reason.CompareAndSwap(nil, "no time")
		return fmt.Errorf("%d of %d messages keep the queue's visibility timeout (%v): look at the route to SQS and sqs:ChangeMessageVisibility", n, len(deliveries), reason.Load())
	}
	return nil
}

// change is one call, for ten messages at most. It returns how many were changed, and a code of SQS if not all.
func (b *Backoff) change(ctx context.Context, some []delivery) (changed int, refused string) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(some))
	for i := range some {
		id := strconv.Itoa(i)
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: &id, ReceiptHandle: &some[i].ReceiptHandle, VisibilityTimeout: int32(some[i].delay() / time.Second),
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
