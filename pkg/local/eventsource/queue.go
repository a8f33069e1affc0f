package eventsource

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json"
)

const maxVisibility = 12 * time.Hour

// queue is what the mapping must know of the queue's settings.
type queue struct {
	arn             string
	visibility      time.Duration
	maxReceiveCount int // 0: no redrive policy
}

func describeQueue(ctx context.Context, client *sqs.Client, url string) (queue, error) {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url,
		AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameQueueArn, types.QueueAttributeNameVisibilityTimeout, types.QueueAttributeNameRedrivePolicy,
		},
	})
	if err != nil {
		return queue{}, explain(client, url, err)
	}
	q := queue{arn: out.Attributes["QueueArn"]}
	seconds, _ := strconv.Atoi(out.Attributes["VisibilityTimeout"])
	q.visibility = time.Duration(seconds) * time.Second
	q.maxReceiveCount = readMaxReceiveCount(out.Attributes["RedrivePolicy"])
	return q, nil
}

// readMaxReceiveCount takes the count as a number or a string: producers of policies write both.
func readMaxReceiveCount(policy string) int {
	var p struct {
		MaxReceiveCount any `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(policy), &p) != nil {
		return 0
	}
	count, _ := strconv.Atoi(fmt.Sprint(p.MaxReceiveCount))
	return count
}

func (m *Mapping) fifo() bool { return strings.HasSuffix(m.QueueARN, ".fifo") }

// warnings tell what AWS would refuse or advise against when such a mapping is created.
func (m *Mapping) warnings(q queue) []string {
	switch {
	case m.FunctionTimeout > 0 && q.visibility < m.FunctionTimeout:
		return []string{fmt.Sprintf("the queue's visibility timeout (%s) is shorter than the function's timeout (%s): AWS refuses such a mapping, and a slow batch is delivered twice",
			q.visibility, m.FunctionTimeout)}
	case m.FunctionTimeout > 0 && q.visibility < m.FunctionTimeout+m.Window:
		return []string{fmt.Sprintf("the queue's visibility timeout (%s) is shorter than the function's timeout and the batching window together (%s): a slow batch is delivered twice",
			q.visibility, m.FunctionTimeout+m.Window)}
	}
	return nil
}

// explain turns an error of SQS into one that tells a person what to do.
func explain(client *sqs.Client, url string, err error) error {
	var missing *types.QueueDoesNotExist
	name := path.Base(url)
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("%w: %s; create it with: aws sqs create-queue --queue-name %s", ErrQueueMissing, url, name)
	case transient(err):
		return fmt.Errorf("%w at %s: %w", ErrUnreachable, endpointOf(client, url), rootCause(err))
	}
	return fmt.Errorf("queue %s: %w", name, rootCause(err))
}

func endpointOf(client *sqs.Client, url string) string {
	if endpoint := client.Options().BaseEndpoint; endpoint != nil {
		return aws.ToString(endpoint)
	}
	return url
}
