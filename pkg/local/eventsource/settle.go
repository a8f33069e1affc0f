package eventsource

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json"
)

const (
	settleMax      = 10 // entries in one call
	settlers       = 8  // calls at a time
	settleAttempts = 5
	settleCeiling  = time.Minute
)

// settle deletes the messages that succeeded and leaves the others, or makes them visible after RetryDelay.
func (r *run) settle(ctx context.Context, b *batch) {
	if b.untouched {
		r.tally.uninvoked(len(b.messages))
		r.giveBack(ctx, b.messages)
		return
	}
	var succeeded, failed []message
	for _, m := range b.messages {
		if b.outcome.whole || b.outcome.failed[m.id] {
			failed = append(failed, m)
		} else {
			succeeded = append(succeeded, m)
		}
	}
	undeleted := r.deleteAll(ctx, succeeded)
	back := r.queue.visibility
	if len(failed) > 0 && r.retriesEarly() {
		r.setVisibility(ctx, failed, r.RetryDelay)
		back = r.RetryDelay
	}
	r.tally.settled(b, failed, undeleted, back, r.queue.maxReceiveCount)
}

func (r *run) retriesEarly() bool {
	return r.RetryDelay >= 0 && (r.queue.maxReceiveCount > 0 || r.IdleTimeout == 0)
}

// giveBack makes messages that were never handed over visible at once.
func (r *run) giveBack(ctx context.Context, messages []message) {
	r.setVisibility(ctx, messages, 0)
	r.tally.gaveBack(len(messages))
}

// deleteAll returns how many could not be deleted. They will come again.
func (r *run) deleteAll(ctx context.Context, messages []message) int {
	return inChunks(ctx, messages, func(ctx context.Context, chunk []message) attempt {
		if got, ok := r.deletePlain(ctx, chunk); ok {
			return got
		}
		entries := make([]types.DeleteMessageBatchRequestEntry, len(chunk))
		for i := range chunk {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: &entryIDs[i], ReceiptHandle: &chunk[i].receipt}
		}
		out, err := r.Client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &r.QueueURL, Entries: entries})
		if err != nil {
			return unanswered(err, len(chunk))
		}
		return perEntry(out.Failed)
	})
}

func (r *run) deletePlain(ctx context.Context, chunk []message) (attempt, bool) {
	b := append(append([]byte(`{"QueueUrl":`), r.quotedURL...), `,"Entries":[`...)
	for i := range chunk {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"Id":"`...), entryIDs[i]...), `","ReceiptHandle":`...)
		b = append(appendQuoted(b, chunk[i].receipt), '}')
	}
	answer, ok := r.plain.post(ctx, "DeleteMessageBatch", append(b, `]}`...))
	if !ok {
		return attempt{}, false
	}
	var out struct {
		Failed []types.BatchResultErrorEntry
	}
	if json.Unmarshal(answer, &out) != nil {
		return attempt{}, false
	}
	return perEntry(out.Failed), true
}

// setVisibility returns how many could not be changed. They become visible when SQS lets them.
func (r *run) setVisibility(ctx context.Context, messages []message, d time.Duration) int {
	return inChunks(ctx, messages, func(ctx context.Context, chunk []message) attempt {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(chunk))
		for i := range chunk {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
				Id: &entryIDs[i], ReceiptHandle: &chunk[i].receipt, VisibilityTimeout: int32(d / time.Second),
			}
		}
		out, err := r.Client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &r.QueueURL, Entries: entries})
		if err != nil {
			return unanswered(err, len(chunk))
		}
		return perEntry(out.Failed)
	})
}
