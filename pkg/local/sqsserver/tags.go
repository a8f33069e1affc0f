package sqsserver

import "maps"

// maxTags is the largest number of tags of a queue
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-tags.html).
const maxTags = 50

type tagQueueInput struct {
	queueInput
	Tags map[string]string
}

func (c *call) tagQueue(in *tagQueueInput) (*noOutput, error) {
	if len(in.Tags) == 0 {
		return nil, missing("Tags")
	}
	q, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	tags := maps.Clone(q.tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, in.Tags)
	if err := checkTags(tags, q.name); err != nil {
		return nil, err
	}
	q.tags = tags
	return nil, nil
}

func checkTags(tags map[string]string, name string) error {
	if len(tags) > maxTags {
		return invalidParameter.because("Too many tags added for queue %s.", name)
	}
	for key, value := range tags {
		if key == "" || len(key) > 128 || len(value) > 256 {
			return invalidParameter.because("Tag keys must be between 1 and 128 characters in length, tag values at most 256.")
		}
	}
	return nil
}

type untagQueueInput struct {
	queueInput
	Keys []string `json:"TagKeys"`
}

func (c *call) untagQueue(in *untagQueueInput) (*noOutput, error) {
	if len(in.Keys) == 0 {
		return nil, missing("TagKeys")
	}
	q, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	for _, key := range in.Keys {
		delete(q.tags, key)
	}
	return nil, nil
}

type listQueueTagsOutput struct {
	Tags map[string]string `json:",omitempty"`
}

func (c *call) listQueueTags(in *queueInput) (*listQueueTagsOutput, error) {
	q, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	return &listQueueTagsOutput{maps.Clone(q.tags)}, nil
}
