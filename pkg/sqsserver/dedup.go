package sqsserver

// dedupInterval is how long a FIFO queue remembers what was sent, in milliseconds
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html).
const dedupInterval = 5 * 60 * 1000

type dedupKey struct{ group, id string }

// A memory holds what was sent to a FIFO queue within the deduplication interval, whether or not it is still there.
type memory struct {
	sent   map[dedupKey]*letter
	oldest []dedupEntry // in order of time
}

type dedupEntry struct {
	key dedupKey
	at  int64
}

// recall returns what was sent under the key within the interval, or nil.
func (d *memory) recall(key dedupKey, now int64) *letter {
	for len(d.oldest) > 0 && d.oldest[0].at+dedupInterval <= now {
		delete(d.sent, d.oldest[0].key)
		d.oldest[0] = dedupEntry{}
		d.oldest = d.oldest[1:]
	}
	return d.sent[key]
}

func (d *memory) remember(key dedupKey, l *letter, now int64) {
	if d.sent == nil {
		d.sent = map[dedupKey]*letter{}
	}
	d.sent[key] = &letter{id: l.id, sequence: l.sequence}
	d.oldest = append(d.oldest, dedupEntry{key, now})
}
