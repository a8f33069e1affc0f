package queue

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"
)

// Settings are the attributes of a queue that Create sets.
type Settings struct {
	VisibilityTimeout time.Duration // whole seconds, up to MaxVisibility
	MaxReceiveCount   int           // receives of a failing message before it is a dead letter; 1 to 1,000
}

// Create makes a queue and its dead-letter queue, NAME-dlq. A name that ends in .fifo makes both
// FIFO queues. It may be called again with the same settings; with others SQS refuses.
func Create(ctx context.Context, client *sqs.Client, name string, s Settings) (q, dead *Queue, err error) {
	base, fifo := strings.CutSuffix(name, ".fifo")
	suffix := strings.TrimPrefix(name, base)
	attributes := func() map[string]string {
		if fifo {
			return map[string]string{"FifoQueue": "true"}
		}
		return map[string]string{}
	}
	dead, err = create(ctx, client, base+"-dlq"+suffix, attributes())
	if err != nil {
		return nil, nil, err
	}
	deadAttributes, err := dead.Attributes(ctx)
	if err != nil {
		return nil, nil, err
	}
	policy, _ := json.Marshal(map[string]string{ // strings only: cannot fail
		"deadLetterTargetArn": deadAttributes.ARN,
		"maxReceiveCount":     strconv.Itoa(s.MaxReceiveCount),
	})
	own := attributes()
	own["RedrivePolicy"] = string(policy)
	own["VisibilityTimeout"] = strconv.Itoa(int(s.VisibilityTimeout / time.Second))
	q, err = create(ctx, client, name, own)
	return q, dead, err
}

func create(ctx context.Context, client *sqs.Client, name string, attributes map[string]string) (*Queue, error) {
	out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		return nil, fmt.Errorf("create: %w", explain(client, name, err))
	}
	return New(client, *out.QueueUrl), nil
}
