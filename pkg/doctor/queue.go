package doctor

import (
	"context"
	"fmt"
	"time"

	"sqs2pg/pkg/queue"
)

const (
	fewestReceives = 5                   // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
	longestKept    = 14 * 24 * time.Hour // the most that SQS keeps a message
)

// Queue checks a queue, its redrive policy and its dead-letter queue, for a function whose
// invocations may take timeout and whose mapping gathers a batch for up to window. kept is how long
// the queue keeps a message, 0 if that is not known. list is the command that lists dead letters.
func Queue(ctx context.Context, q *queue.Queue, timeout, window time.Duration, list string) (found []Finding, kept time.Duration) {
	a, err := q.Attributes(ctx)
	if err != nil {
		return []Finding{Failed("queue", err)}, 0
	}
	found = []Finding{finding(OK, "queue", "%s at %s: %d messages, %d in flight", q.Name(), queue.Endpoint(q.Client), a.Visible, a.InFlight)}
	found = append(found, visibility(q, a.VisibilityTimeout, timeout, window))
	if !a.Encrypted {
		found = append(found, finding(Note, "encryption", "SQS stores the messages of %s as plain text: set SqsManagedSseEnabled=true, with aws sqs set-queue-attributes", q.Name()))
	}
	switch {
	case a.DeadLetterARN == "":
		return append(found, finding(Fix, "redrive", "%s has no redrive policy, so a bad message comes back until it expires: give it a dead-letter queue and maxReceiveCount %d", q.Name(), fewestReceives)), a.Retention
	case a.MaxReceiveCount < fewestReceives:
		found = append(found, finding(Fix, "redrive", "maxReceiveCount is %d, so an outage of the database kills good messages: set it to %d or more, as AWS advises", a.MaxReceiveCount, fewestReceives))
	default:
		found = append(found, finding(OK, "redrive", "dead after %d receives", a.MaxReceiveCount))
	}
	return append(found, deadLetters(ctx, q, a, list)), a.Retention
}

// visibility holds AWS's rule: six times the function's timeout, plus the batch window.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func visibility(q *queue.Queue, have, timeout, window time.Duration) Finding {
	want, rule := 6*timeout+window, fmt.Sprintf("6 times the function's %s", timeout)
	if window > 0 {
		rule += fmt.Sprintf(" and the batch window of %s", window)
	}
	if have < want {
		return finding(Fix, "visibility", "%.0f s is less than %s: set VisibilityTimeout=%.0f on %s, with aws sqs set-queue-attributes",
			have.Seconds(), rule, want.Seconds(), q.Name())
	}
	return finding(OK, "visibility", "%.0f s, at least %s", have.Seconds(), rule)
}

func deadLetters(ctx context.Context, q *queue.Queue, a queue.Attributes, list string) Finding {
	dead, err := queue.FindARN(ctx, q.Client, a.DeadLetterARN)
	if err != nil {
		return Failed("dead letters", err)
	}
	d, err := dead.Attributes(ctx)
	switch {
	case err != nil:
		return Failed("dead letters", err)
	case d.Retention <= a.Retention && d.Retention < longestKept:
		return finding(Fix, "dead letters", "%s keeps messages for %.0f s, no longer than %s does, and the time counts from when a message was first sent: set MessageRetentionPeriod=%.0f",
			dead.Name(), d.Retention.Seconds(), q.Name(), longestKept.Seconds())
	case d.Visible > 0:
		return finding(Fix, "dead letters", "%d in %s: see %s", d.Visible, dead.Name(), list)
	}
	return finding(OK, "dead letters", "none in %s", dead.Name())
}
