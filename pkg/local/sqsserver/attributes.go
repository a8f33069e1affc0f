package sqsserver

import (
	"container/heap"
	"maps"
	"strconv"
)

type getQueueAttributesInput struct {
	URL   string   `json:"QueueUrl"`
	Names []string `json:"AttributeNames"`
}

type getQueueAttributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

func (c *call) getQueueAttributes(in *getQueueAttributesInput) (*getQueueAttributesOutput, error) {
	q, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	all := q.attributes()
	q.release(now)
	out := &getQueueAttributesOutput{map[string]string{}}
	for _, name := range in.Names {
		switch value, ok := all[name]; {
		case name == "All":
			return &getQueueAttributesOutput{all}, nil
		case ok:
			out.Attributes[name] = value
		case !knownAttribute(name):
			return nil, invalidAttributeName.because("Unknown Attribute %s.", name)
		}
	}
	return out, nil
}

// attributes returns all attributes that have a value. The caller holds the lock.
func (q *queue) attributes() map[string]string {
	all := maps.Clone(q.settings.texts)
	all["QueueArn"] = q.arn()
	all["CreatedTimestamp"] = strconv.FormatInt(q.created/1000, 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(q.modified/1000, 10)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(q.counts[visible])
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(q.counts[inFlight])
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(q.counts[delayed])
	return all
}

// knownAttribute reports whether a queue can have the attribute. A client may ask for a known
// attribute that has no value.
func knownAttribute(name string) bool {
	_, number := numeric[name]
	_, choice := choices[name]
	return number || choice || name == "Policy" || name == "RedrivePolicy" || name == "RedriveAllowPolicy" || name == "KmsMasterKeyId"
}

type setQueueAttributesInput struct {
	URL        string            `json:"QueueUrl"`
	Attributes map[string]string `json:"Attributes"`
}

func (c *call) setQueueAttributes(in *setQueueAttributesInput) (*noOutput, error) {
	if len(in.Attributes) == 0 {
		return nil, missing("Attribute.Name")
	}
	c.configuring.Lock()
	defer c.configuring.Unlock()
	q, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	current := q.settings
	q.release(now) // with locks the dead-letter queue, and no two queues may be locked at once
	changed, err := current.with(c, q.queueKey, in.Attributes)
	if err != nil {
		return nil, err
	}
	if now, err = q.lock(); err != nil {
		return nil, err
	}
	q.configure(changed, now)
	q.release(now)
	return nil, nil
}

// configure applies new settings. A new retention period applies to existing messages. A new delay
// applies to existing messages of a FIFO queue, but only to new messages of a standard queue.
func (q *queue) configure(changed settings, now int64) {
	was := q.settings
	q.settings, q.modified = changed, now
	for _, m := range q.schedule {
		switch {
		case m.state == visible:
			m.due = m.enqueued + changed.retention()
		case m.state == delayed && q.fifo:
			m.due += int64(changed.numbers["DelaySeconds"]-was.numbers["DelaySeconds"]) * 1000
		}
	}
	heap.Init(&q.schedule)
	q.advance(now)
}
