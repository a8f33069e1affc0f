package queue

import (
	"cmp"
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	callEntries = 10 // SQS's limit of a batch call
	callsAtOnce = 8
	attempts    = 5
	firstPause  = 100 * time.Millisecond // before the second attempt; twice as long before each further one
)

// entryIDs name the entries of a batch call by their place in it.
var entryIDs = [callEntries]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// Delete deletes messages by their receipt handles, ten a call and up to eight calls at a time. It
// tries entries that may yet succeed up to five times, while ctx lasts. It returns how many
// messages were deleted, and an error if not all were: one of the causes. To delete a message again
// is no error.
func (q *Queue) Delete(ctx context.Context, receiptHandles []string) (deleted int, err error) {
	return inBatches(ctx, receiptHandles, func(ctx context.Context, chunk []string) ([]types.BatchResultErrorEntry, error) {
		if failed, ok := q.direct.delete(ctx, chunk); ok {
			return failed, nil
		}
		entries := make([]types.DeleteMessageBatchRequestEntry, len(chunk))
		for i := range chunk {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: &entryIDs[i], ReceiptHandle: &chunk[i]}
		}
		out, err := q.Client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.URL, Entries: entries})
		if err != nil {
			return nil, err
		}
		return out.Failed, nil
	})
}

// Visibility says for how long from now a received message is to be invisible: whole seconds, 0 to
// MaxVisibility.
type Visibility struct {
	ReceiptHandle string
	Timeout       time.Duration
}

// ChangeVisibility sets the visibility timeout of received messages, in the way of Delete. It
// returns how many were changed; Code(err) says why not all. The others become visible when SQS
// lets them.
func (q *Queue) ChangeVisibility(ctx context.Context, messages []Visibility) (changed int, err error) {
	return inBatches(ctx, messages, func(ctx context.Context, chunk []Visibility) ([]types.BatchResultErrorEntry, error) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(chunk))
		for i := range chunk {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
				Id: &entryIDs[i], ReceiptHandle: &chunk[i].ReceiptHandle, VisibilityTimeout: int32(chunk[i].Timeout / time.Second),
			}
		}
		out, err := q.Client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.URL, Entries: entries})
		if err != nil {
			return nil, err
		}
		return out.Failed, nil
	})
}

// batchCall makes one call for up to ten entries. It returns the entries that SQS refused, or why
// the call failed as a whole.
type batchCall[E any] func(context.Context, []E) ([]types.BatchResultErrorEntry, error)

// inBatches makes a call for every ten entries, several at a time. It returns how many entries
// succeeded and one of the errors.
func inBatches[E any](ctx context.Context, entries []E, call batchCall[E]) (done int, err error) {
	var next, succeeded atomic.Int64
	var mu sync.Mutex
	var workers sync.WaitGroup
	work := func() {
		for {
			start := int(next.Add(callEntries)) - callEntries
			if start >= len(entries) {
				return
			}
			n, failure := persist(ctx, entries[start:min(start+callEntries, len(entries))], call)
			succeeded.Add(int64(n))
			if failure != nil {
				mu.Lock()
				err = cmp.Or(err, failure)
				mu.Unlock()
			}
		}
	}
	for range min(callsAtOnce, (len(entries)+callEntries-1)/callEntries) {
		workers.Go(work)
	}
	workers.Wait()
	return int(succeeded.Load()), err
}

// persist repeats the call for the entries that may yet succeed.
func persist[E any](ctx context.Context, entries []E, call batchCall[E]) (done int, err error) {
	var refusal error // of an entry that will never succeed
	for attempt := 1; ; attempt++ {
		if ctx.Err() != nil {
			return done, cmp.Or(refusal, err, ctx.Err())
		}
		failed, callErr := call(ctx, entries)
		if callErr != nil {
			if !Transient(callErr) {
				return done, cmp.Or(refusal, callErr)
			}
			err = callErr
		} else {
			done += len(entries) - len(failed)
			var refused error
			entries, refused, err = worthRetrying(entries, failed)
			refusal = cmp.Or(refusal, refused)
		}
		if len(entries) == 0 || attempt == attempts {
			return done, cmp.Or(refusal, err)
		}
		pause(ctx, firstPause<<(attempt-1))
	}
}

// worthRetrying returns the entries that may yet succeed, with the error of one of them, and the
// error of one that will not.
func worthRetrying[E any](entries []E, failed []types.BatchResultErrorEntry) (again []E, refused, err error) {
	for _, f := range failed {
		index := entryIndex(f, len(entries))
		e := &entryError{code: aws.ToString(f.Code), senderFault: f.SenderFault || index < 0}
		if e.senderFault {
			refused = e
			continue
		}
		again, err = append(again, entries[index]), e
	}
	return again, refused, err
}

// entryIndex is the place in the call of an entry that failed, -1 where the answer names none of
// the n entries.
func entryIndex(f types.BatchResultErrorEntry, n int) int {
	index, err := strconv.Atoi(aws.ToString(f.Id))
	if err != nil || index < 0 || index >= n {
		return -1
	}
	return index
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
