package sqsserver

// dedupInterval is how long a FIFO queue remembers sends and receives, in milliseconds
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html,
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html).
const dedupInterval = 5 * 60 * 1000

// A memory keeps what it is told for the deduplication interval.
type memory[K comparable, V any] struct {
	kept   map[K]memo[K, V]
	oldest []memo[K, V] // in order of time
}

type memo[K comparable, V any] struct {
	key   K
	value *V
	at    int64
}

// recall returns what was remembered last under the key within the interval, or nil.
func (d *memory[K, V]) recall(key K, now int64) *V {
	for len(d.oldest) > 0 && d.oldest[0].at+dedupInterval <= now {
		if old := d.oldest[0]; d.kept[old.key] == old {
			delete(d.kept, old.key)
		}
		d.oldest[0] = memo[K, V]{}
		d.oldest = d.oldest[1:]
	}
	return d.kept[key].value
}

func (d *memory[K, V]) remember(key K, value *V, now int64) {
	if d.kept == nil {
		d.kept = map[K]memo[K, V]{}
	}
	m := memo[K, V]{key, value, now}
	d.kept[key] = m
	d.oldest = append(d.oldest, m)
}

// A dedupKey is what makes two sends the same: the id, and the group where the queue says so.
type dedupKey struct{ group, id string }

// An attempt is a receive that can be made again with its ReceiveRequestAttemptId, by a receiver that lost the answer.
type attempt struct {
	got   []delivery
	until int64 // when its messages become visible
}

// replay gives the messages of an earlier attempt again and resets their visibility timeout, nil where one of them was
// deleted, became visible or had its timeout changed since. The caller holds the lock.
func (q *queue) replay(o order, now int64) []delivery {
	earlier := q.attempts.recall(o.attempt, now)
	if o.attempt == "" || earlier == nil {
		return nil
	}
	messages := make([]*message, len(earlier.got))
	for i, d := range earlier.got {
		m, _ := q.find(d.handle)
		if m == nil || m.due != earlier.until {
			return nil
		}
		messages[i] = m
	}
	earlier.until = q.untilFor(o, now)
	for _, m := range messages {
		q.schedule.move(m, earlier.until)
	}
	return earlier.got
}
