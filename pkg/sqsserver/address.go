package sqsserver

import (
	"strings"
)

// arn names a queue (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html).
func arn(region, name string) string {
	return "arn:aws:sqs:" + region + ":" + account + ":" + name
}

// parseARN returns what arn was made from.
func parseARN(text string) (key queueKey, owner string, ok bool) {
	parts := strings.Split(text, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" || parts[5] == "" {
		return queueKey{}, "", false
	}
	return queueKey{parts[3], parts[5]}, parts[4], true
}

func (c *call) url(name string) string { return c.base + "/" + account + "/" + name }

// at finds the queue of a URL, of which only the account and the name count: clients reach one server by many hosts.
func (c *call) at(url string) (*queue, error) {
	if url == "" {
		return nil, missing("QueueUrl")
	}
	parts := strings.Split(strings.TrimSuffix(url, "/"), "/")
	if len(parts) < 2 {
		return nil, invalidAddress.because("The address %s is not valid for this endpoint.", url)
	}
	q := c.queue(c.region, parts[len(parts)-1])
	if q == nil || parts[len(parts)-2] != account {
		return nil, errNoQueue
	}
	return q, nil
}
