package sqsserver

import (
	"regexp"
	"strings"
)

// Queue names
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html).
var (
	standardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	fifoName     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,75}\.fifo$`)
)

// recreateAfter is the time in milliseconds after which the name of a deleted queue can be used
// again.
const recreateAfter = 60_000

type createQueueInput struct {
	Name       string            `json:"QueueName"`
	Attributes map[string]string `json:"Attributes"`
	Tags       map[string]string `json:"tags,case:ignore"` // the query protocol has "Tags"
}

type queueURLOutput struct {
	URL string `json:"QueueUrl"`
}

func (c *call) createQueue(in *createQueueInput) (*queueURLOutput, error) {
	fifo, err := checkName(in)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags, in.Name); err != nil {
		return nil, err
	}
	key := queueKey{c.region, in.Name}
	set, err := defaults(fifo).with(c, key, in.Attributes)
	if err != nil {
		return nil, err
	}
	existing, err := c.register(key, set, in.Tags)
	if err != nil {
		return nil, err
	}
	if existing != nil {
		if err := existing.sameAs(set, in.Attributes); err != nil {
			return nil, err
		}
	}
	return &queueURLOutput{c.url(in.Name)}, nil
}

func checkName(in *createQueueInput) (fifo bool, err error) {
	fifo = strings.EqualFold(in.Attributes["FifoQueue"], "true")
	switch {
	case in.Name == "":
		return false, missing("QueueName")
	case fifo && !fifoName.MatchString(in.Name):
		return false, invalidParameter.because("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	case !fifo && !standardName.MatchString(in.Name):
		return false, invalidParameter.because("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return fifo, nil
}

// register adds a queue, or returns the existing queue of that name.
func (c *call) register(key queueKey, set settings, tags map[string]string) (*queue, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q := c.queues[key]; q != nil {
		return q, nil
	}
	if at, ok := c.deletedAt[key]; ok && c.now() < at+recreateAfter {
		return nil, queueDeletedRecently.because("You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	delete(c.deletedAt, key)
	c.queues[key] = newQueue(c.Server, key, set, tags)
	return nil, nil
}

// sameAs returns an error if the queue differs from the settings in one of the given attributes.
func (q *queue) sameAs(set settings, given map[string]string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for name := range given {
		if q.settings.texts[name] != set.texts[name] {
			return queueNameExists.because("A queue already exists with the same name and a different value for attribute %s", name)
		}
	}
	return nil
}

type getQueueURLInput struct {
	Name  string `json:"QueueName"`
	Owner string `json:"QueueOwnerAWSAccountId"`
}

func (c *call) getQueueURL(in *getQueueURLInput) (*queueURLOutput, error) {
	if in.Name == "" {
		return nil, missing("QueueName")
	}
	if c.queue(queueKey{c.region, in.Name}) == nil || in.Owner != "" && in.Owner != account {
		return nil, errNoQueue
	}
	return &queueURLOutput{c.url(in.Name)}, nil
}

type queueInput struct {
	URL string `json:"QueueUrl"`
}

func (c *call) deleteQueue(in *queueInput) (*noOutput, error) {
	q, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	q.close()
	q.release(now)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.queues, q.queueKey)
	delete(c.moves, q.queueKey)
	c.deletedAt[q.queueKey] = now
	return nil, nil
}

// close removes all messages and ends the long polls with an empty answer. The caller holds the
// lock.
func (q *queue) close() {
	q.deleted = true
	q.clear()
	for e := q.waiters.Front(); e != nil; e = q.waiters.Front() {
		q.waiters.Remove(e).(*waiter).got <- nil
	}
}

// purgeEvery is the shortest time between two purges of a queue, in milliseconds.
const purgeEvery = 60_000

func (c *call) purgeQueue(in *queueInput) (*noOutput, error) {
	q, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	if now < q.purged+purgeEvery {
		return nil, purgeInProgress.because("Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	q.purged = now
	q.clear()
	return nil, nil
}
