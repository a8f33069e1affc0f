package sqsserver

// dedupInterval is the time for which a FIFO queue remembers sends and receives, in milliseconds
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html,
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html).
const dedupInterval = 5 * 60 * 1000

// A recent keeps values for the deduplication interval. The zero value is empty and ready for use.
type recent[K comparable, V any] struct {
	kept   map[K]recentEntry[K, V]
	oldest []recentEntry[K, V] // in order of time
}

type recentEntry[K comparable, V any] struct {
	key   K
	value *V
	at    int64
}

// get returns the latest value that was added under the key within the interval, or nil.
func (d *recent[K, V]) get(key K, now int64) *V {
	for len(d.oldest) > 0 && d.oldest[0].at+dedupInterval <= now {
		if old := d.oldest[0]; d.kept[old.key] == old {
			delete(d.kept, old.key)
		}
		d.oldest[0] = recentEntry[K, V]{}
		d.oldest = d.oldest[1:]
	}
	return d.kept[key].value
}

func (d *recent[K, V]) add(key K, value *V, now int64) {
	if d.kept == nil {
		d.kept = map[K]recentEntry[K, V]{}
	}
	m := recentEntry[K, V]{key, value, now}
	d.kept[key] = m
	d.oldest = append(d.oldest, m)
}

// Two sends with the same dedupKey are duplicates. The group is "" unless the queue's
// DeduplicationScope is messageGroup.
type dedupKey struct{ group, id string }

// An attempt is a receive with a ReceiveRequestAttemptId. A receiver that lost the answer can
// repeat it.
type attempt struct {
	got   []delivery
	until int64 // when its messages become visible
}

// replay returns the messages of an earlier attempt with the same id, and restarts their visibility
// timeout. It returns nil if one of them was deleted, became visible or had its timeout changed in
// the meantime. The caller holds the lock.
func (q *queue) replay(r receiveRequest, now int64) []delivery {
	if r.attempt == nil {
		return nil
	}
	earlier := q.attempts.get(*r.attempt, now)
	if earlier == nil {
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
	earlier.until = q.untilFor(r, now)
	for _, m := range messages {
		q.schedule.move(m, earlier.until)
	}
	return earlier.got
}
