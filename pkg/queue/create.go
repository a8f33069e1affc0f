package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json"
)

// Settings are the attributes of a queue that the caller of Create chooses.
type Settings struct {
	VisibilityTimeout time.Duration // whole seconds, up to MaxVisibility
	MaxReceiveCount   int           // receives of a failing message before it is a dead letter; 1 to 1,000
}

// Created is what Create made and found.
type Created struct {
	Queue, Dead *Queue
	Made        []*Queue     // empty if both queues existed
	Differences []Difference // between a queue that existed and the settings; nothing is changed there
}

// Difference is an attribute of a queue that existed.
type Difference struct {
	Queue     *Queue
	Attribute string
	Have      string // "" if it is not set
	Want      string
}

// String names what differs: of a policy, the members.
func (d Difference) String() string {
	have, want, ok := policies(d.Have, d.Want)
	if !ok {
		return fmt.Sprintf("%s: %s is %s, not %s", d.Queue.Name(), d.Attribute, cmp.Or(d.Have, "not set"), d.Want)
	}
	var members []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !reflect.DeepEqual(have[name], want[name]) {
			members = append(members, fmt.Sprintf("%s is %v, not %v", name, cmp.Or(have[name], "not set"), want[name]))
		}
	}
	return fmt.Sprintf("%s: %s: %s", d.Queue.Name(), d.Attribute, strings.Join(members, ", "))
}

// DeadName returns the name of the dead-letter queue that Create makes for a queue.
func DeadName(name string) string {
	base, fifo := strings.CutSuffix(name, ".fifo")
	if fifo {
		return base + "-dlq.fifo"
	}
	return base + "-dlq"
}

// Create makes a queue and its dead-letter queue, as infra's template does: both encrypted, and
// messages kept for 4 days and 14 days. A name that ends in .fifo makes FIFO queues with high
// throughput. No other queue may use the dead-letter queue. Create may be called again: it makes what
// is missing, and compares what exists. A queue that exists keeps its own dead-letter queue. Errors
// are those of Find, and SQS's refusals.
func Create(ctx context.Context, client *sqs.Client, name string, s Settings) (Created, error) {
	var c Created
	deadName, err := deadName(ctx, client, name)
	if err != nil {
		return c, err
	}
	dead, deadARN, err := c.ensure(ctx, client, deadName, deadAttributes(name))
	if err != nil {
		return c, err
	}
	arn := strings.TrimSuffix(deadARN, deadName) + name // the name comes last in an ARN
	if err := c.allow(ctx, dead, name, arn); err != nil {
		return c, err
	}
	q, _, err := c.ensure(ctx, client, name, s.attributes(name, deadARN))
	c.Queue, c.Dead = q, dead
	return c, err
}

// deadName returns the name of the dead-letter queue that the queue has, or else is to have.
func deadName(ctx context.Context, client *sqs.Client, name string) (string, error) {
	q, err := Find(ctx, client, name)
	if errors.Is(err, ErrMissing) {
		return DeadName(name), nil
	}
	if err != nil {
		return "", err
	}
	a, err := q.Attributes(ctx)
	if err != nil || a.DeadLetterARN == "" {
		return DeadName(name), err
	}
	dead, err := FindARN(ctx, client, a.DeadLetterARN)
	if err != nil {
		return "", err
	}
	return dead.Name(), nil
}

// attributesOfBoth are those that a queue and its dead-letter queue share.
func attributesOfBoth(name string, kept time.Duration) map[string]string {
	a := map[string]string{
		"SqsManagedSseEnabled":   "true",
		"MessageRetentionPeriod": seconds(kept),
	}
	if strings.HasSuffix(name, ".fifo") {
		a["FifoQueue"] = "true"
	}
	return a
}

// deadAttributes keeps dead letters as long as SQS can: on a standard queue the age of a message
// counts from when it was first sent.
func deadAttributes(name string) map[string]string { return attributesOfBoth(name, 14*24*time.Hour) }

func (s Settings) attributes(name, deadARN string) map[string]string {
	a := attributesOfBoth(name, 4*24*time.Hour)
	a["VisibilityTimeout"] = seconds(s.VisibilityTimeout)
	a["RedrivePolicy"] = text(map[string]any{"deadLetterTargetArn": deadARN, "maxReceiveCount": strconv.Itoa(s.MaxReceiveCount)})
	if a["FifoQueue"] != "" {
		a["DeduplicationScope"], a["FifoThroughputLimit"] = "messageGroup", "perMessageGroupId"
	}
	return a
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// text writes JSON of strings and lists of strings, which cannot fail.
func text(v map[string]any) string {
	b, _ := json.Marshal(v, json.Deterministic(true))
	return string(b)
}

// ensure makes a queue, or compares one that exists. It returns its ARN, too.
func (c *Created) ensure(ctx context.Context, client *sqs.Client, name string, want map[string]string) (*Queue, string, error) {
	q, err := Find(ctx, client, name)
	made := errors.Is(err, ErrMissing)
	if made {
		q, err = create(ctx, client, name, want)
	}
	if err != nil {
		return nil, "", err
	}
	have, err := q.allAttributes(ctx)
	if err != nil {
		return nil, "", err
	}
	if made {
		c.Made = append(c.Made, q)
	} else {
		c.Differences = append(c.Differences, q.compare(have, want)...)
	}
	return q, have["QueueArn"], nil
}

func create(ctx context.Context, client *sqs.Client, name string, attributes map[string]string) (*Queue, error) {
	out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		return nil, fmt.Errorf("create: %w", explain(client, name, err))
	}
	return New(client, *out.QueueUrl), nil
}

// allow lets the queue with that name and ARN, and no other, use the dead-letter queue. Where the
// queue exists, this is a change for a person to make. Otherwise a Create was interrupted here.
func (c *Created) allow(ctx context.Context, dead *Queue, name, arn string) error {
	const attribute = "RedriveAllowPolicy"
	want := map[string]string{attribute: text(map[string]any{"redrivePermission": "byQueue", "sourceQueueArns": []string{arn}})}
	have, err := dead.allAttributes(ctx)
	if err != nil {
		return err
	}
	differences := dead.compare(have, want)
	_, err = Find(ctx, dead.Client, name)
	switch {
	case len(differences) == 0:
		return nil
	case err == nil || have[attribute] != "":
		c.Differences = append(c.Differences, differences...)
		return nil
	case !errors.Is(err, ErrMissing):
		return err
	}
	_, err = dead.Client.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &dead.URL, Attributes: want})
	return dead.Explain(err)
}

func (q *Queue) allAttributes(ctx context.Context) (map[string]string, error) {
	out, err := q.Client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return nil, q.Explain(err)
	}
	return out.Attributes, nil
}

// compare returns the attributes that differ, in the order of their names. A queue that is encrypted
// with a key of KMS is encrypted, too.
func (q *Queue) compare(have, want map[string]string) (differences []Difference) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if same(have[name], want[name]) || name == "SqsManagedSseEnabled" && have["KmsMasterKeyId"] != "" {
			continue
		}
		differences = append(differences, Difference{q, name, have[name], want[name]})
	}
	return differences
}

// same compares the text of two attributes. SQS returns a policy as it was given: with blanks, in
// any order.
func same(a, b string) bool {
	have, want, ok := policies(a, b)
	return ok && reflect.DeepEqual(have, want) || a == b
}

// policies reads two policies: JSON, where a number may stand for a string.
func policies(a, b string) (have, want map[string]any, ok bool) {
	if json.Unmarshal([]byte(a), &have) != nil || json.Unmarshal([]byte(b), &want) != nil {
		return nil, nil, false
	}
	for _, policy := range []map[string]any{have, want} {
		if n, ok := policy["maxReceiveCount"].(float64); ok {
			policy["maxReceiveCount"] = strconv.Itoa(int(n))
		}
	}
	return have, want, true
}
