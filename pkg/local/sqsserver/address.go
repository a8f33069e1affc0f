package sqsserver

import "strings"

// arn returns the queue's ARN
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html).
func (k queueKey) arn() string {
	return "arn:aws:sqs:" + k.region + ":" + account + ":" + k.name
}

// parseARN returns the queue and the account of an ARN. ok is false if it is not the ARN of a
// queue.
func parseARN(text string) (key queueKey, owner string, ok bool) {
	parts := strings.Split(text, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" || parts[5] == "" {
		return queueKey{}, "", false
	}
	return queueKey{parts[3], parts[5]}, parts[4], true
}

func (c *call) url(name string) string { return c.base + "/" + account + "/" + name }

// at finds the queue of a URL. It looks only at the account and the name in the URL, because
// clients reach one server by many host names. Like AWS, it also accepts the name alone.
func (c *call) at(url string) (*queue, error) {
	if url == "" {
		return nil, missing("QueueUrl")
	}
	parts := strings.Split(strings.TrimSuffix(url, "/"), "/")
	last := len(parts) - 1
	q := c.queue(queueKey{c.region, parts[last]})
	if q == nil || last > 0 && parts[last-1] != account {
		return nil, errNoQueue
	}
	return q, nil
}

// open finds the queue of a URL and locks it. The caller must release it.
func (c *call) open(url string) (q *queue, now int64, err error) {
	if q, err = c.at(url); err != nil {
		return nil, 0, err
	}
	now, err = q.lock()
	return q, now, err
}
