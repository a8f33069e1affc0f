package sqsserver

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A redrivePolicy says that a message goes to the dead-letter queue after Max receives.
type redrivePolicy struct {
	Target string `json:"deadLetterTargetArn"`
	Max    int    `json:"maxReceiveCount"`

	to queueKey
}

const (
	allowAll = "allowAll"
	denyAll  = "denyAll"
	byQueue  = "byQueue"
)

// A redriveAllowPolicy says which queues may name this one as their dead-letter queue.
type redriveAllowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitempty"` // for byQueue: 1 to 10
}

// A transfer is a message that leaves for another queue.
type transfer struct {
	to      *queue
	message *message
}

// deadLetterQueue returns the queue that the message must go to, or nil if it may be received.
func (q *queue) deadLetterQueue(m *message) *queue {
	if p := q.settings.redrive; p != nil && m.tries >= p.Max {
		return q.server.queue(p.to)
	}
	return nil
}

// moveToDeadLetters moves a message to the dead-letter queue. The message keeps its id and receive
// count. On a standard queue the retention period continues; on a FIFO queue it starts again
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html).
func (q *queue) moveToDeadLetters(m *message, to *queue, now int64) {
	q.remove(m)
	dead := &message{content: m.content, enqueued: m.enqueued, firstSeen: m.firstSeen, receives: m.receives}
	dead.source = q.arn()
	if q.fifo {
		dead.enqueued = now
	}
	q.outgoing = append(q.outgoing, transfer{to, dead})
}

// parseRedrivePolicy also returns the text that GetQueueAttributes shows. An empty text means no
// policy.
func (c *call) parseRedrivePolicy(queue queueKey, fifo bool, text string) (*redrivePolicy, string, error) {
	if text == "" {
		return nil, "", nil
	}
	refuse := func(reason string) (*redrivePolicy, string, error) {
		return nil, "", invalid(text, "RedrivePolicy", reason)
	}
	var doc struct {
		Target *string        `json:"deadLetterTargetArn"`
		Max    jsontext.Value `json:"maxReceiveCount"`
	}
	switch err := json.Unmarshal([]byte(text), &doc); {
	case err != nil:
		return refuse("Amazon SQS can't create the redrive policy, as it's in an unsupported format.")
	case doc.Target == nil:
		return refuse("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	case doc.Max == nil:
		return refuse("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	most, err := strconv.Atoi(unquoted(doc.Max))
	if err != nil || most < 1 || most > 1000 {
		return refuse("Invalid value for maxReceiveCount: " + unquoted(doc.Max) + ", valid values are from 1 to 1000 both inclusive.")
	}
	policy := &redrivePolicy{Target: *doc.Target, Max: most}
	if reason := c.checkTarget(policy, queue, fifo); reason != "" {
		return refuse(reason)
	}
	return policy, compact(policy), nil
}

// checkTarget returns the reason why the policy's target cannot be the source's dead-letter queue;
// "" if it can.
func (c *call) checkTarget(policy *redrivePolicy, source queueKey, fifo bool) string {
	to, owner, ok := parseARN(policy.Target)
	if !ok {
		return "Invalid value for deadLetterTargetArn."
	}
	if owner != account || to.region != source.region {
		return "Dead letter target owner should be same as the source."
	}
	policy.to = to
	target := c.queue(to)
	switch {
	case target == nil:
		return "Dead letter target does not exist."
	case target.fifo != fifo:
		return "Dead-letter queue must be same type of queue as the source."
	case !target.accepts(source.arn()):
		return "The dead-letter queue's RedriveAllowPolicy does not permit this source queue."
	}
	return ""
}

// accepts reports whether the queue may be the dead-letter queue of the source, an ARN.
func (q *queue) accepts(source string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	allow := q.settings.allow
	if allow.Permission != byQueue {
		return allow.Permission == allowAll
	}
	return slices.Contains(allow.Sources, source)
}

func parseRedriveAllowPolicy(text string) (redriveAllowPolicy, string, error) {
	policy := redriveAllowPolicy{Permission: allowAll}
	if text == "" {
		return policy, "", nil
	}
	err := json.Unmarshal([]byte(text), &policy)
	listed := len(policy.Sources)
	known := policy.Permission == allowAll || policy.Permission == denyAll || policy.Permission == byQueue
	if err != nil || !known || listed > 10 || (listed > 0) != (policy.Permission == byQueue) {
		return policy, "", invalid(text, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy, as it's in an unsupported format.")
	}
	return policy, compact(policy), nil
}

// checkPolicy accepts any JSON object, because the server shows policies and does not enforce them.
func checkPolicy(text string) error {
	if v := jsontext.Value(text); text != "" && (!v.IsValid() || v.Kind() != '{') {
		return invalidAttributeValue.because("Invalid value for the parameter Policy.")
	}
	return nil
}

// unquoted returns a JSON number or string as text. AWS's console writes maxReceiveCount as a
// number, many tools write it as a string.
func unquoted(v jsontext.Value) string {
	var text string
	if json.Unmarshal(v, &text) == nil {
		return text
	}
	return string(v)
}

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // cannot happen: v consists of strings and numbers from valid JSON
	}
	return string(text)
}
