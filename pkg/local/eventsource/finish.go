package eventsource

import (
	"context"
	"time"

	"sqs2pg/pkg/queue"
)

// finishTimeout is for the calls that delete or release messages. They go on after the end of Run's
// context.
const finishTimeout = time.Minute

// finish deletes the messages that succeeded. The others it leaves, or makes visible after
// RetryDelay.
func (r *run) finish(ctx context.Context, b *batch) {
	if b.notInvoked {
		r.counts.notInvoked(len(b.messages))
		r.release(ctx, b.messages)
		return
	}
	var succeeded, failed []message
	for _, m := range b.messages {
		if b.outcome.fails(m.id) {
			failed = append(failed, m)
		} else {
			succeeded = append(succeeded, m)
		}
	}
	undeleted := r.delete(ctx, succeeded)
	back := r.settings.VisibilityTimeout
	if len(failed) > 0 && r.retriesEarly() {
		r.setVisibility(ctx, failed, r.RetryDelay)
		back = r.RetryDelay
	}
	r.counts.finished(b, failed, undeleted, back, r.settings.MaxReceiveCount)
}

func (r *run) retriesEarly() bool {
	return r.RetryDelay >= 0 && (r.settings.MaxReceiveCount > 0 || r.IdleTimeout == 0)
}

// release makes messages that were never handed over visible at once.
func (r *run) release(ctx context.Context, messages []message) {
	r.setVisibility(ctx, messages, 0)
	r.counts.released(len(messages))
}

// delete returns how many messages could not be deleted. They will come again.
func (r *run) delete(ctx context.Context, messages []message) (undeleted int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	handles := make([]string, len(messages))
	for i := range messages {
		handles[i] = messages[i].receipt
	}
	deleted, _ := r.Queue.Delete(ctx, handles)
	return len(handles) - deleted
}

// setVisibility changes what it can. The other messages become visible when SQS lets them.
func (r *run) setVisibility(ctx context.Context, messages []message, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	changes := make([]queue.Visibility, len(messages))
	for i := range messages {
		changes[i] = queue.Visibility{ReceiptHandle: messages[i].receipt, Timeout: d}
	}
	_, _ = r.Queue.ChangeVisibility(ctx, changes)
}
