package queue_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/queue"
)

var wanted = queue.Settings{VisibilityTimeout: time.Minute, MaxReceiveCount: 7}

// attributeOf returns an attribute as SQS says it.
func attributeOf(t *testing.T, q *queue.Queue, name string) string {
	t.Helper()
	out, err := q.Client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeName(name)}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes[name]
}

func set(t *testing.T, q *queue.Queue, attributes map[string]string) {
	t.Helper()
	if _, err := q.Client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &q.URL, Attributes: attributes}); err != nil {
		t.Fatal(err)
	}
}

func TestCreateMakesADeadLetterQueueForOneQueue(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"logins", "logins.fifo"} {
		c := client(t, nil)
		q, dead := create(t, c, name)
		for _, a := range []struct {
			queue      *queue.Queue
			name, want string
		}{
			{dead, "MessageRetentionPeriod", "1209600"},
			{dead, "SqsManagedSseEnabled", "true"},
			{dead, "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:` + name + `"]}`},
			{q, "SqsManagedSseEnabled", "true"},
		} {
			if got := attributeOf(t, a.queue, a.name); got != a.want {
				t.Errorf("%s of %s is %s, want %s", a.name, a.queue.Name(), got, a.want)
			}
		}
		policy := `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:` + dead.Name() + `","maxReceiveCount":"3"}`
		attributes := map[string]string{"RedrivePolicy": policy}
		if q.FIFO() {
			attributes["FifoQueue"] = "true"
		}
		other := "other-" + name
		if _, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &other, Attributes: attributes}); err == nil {
			t.Errorf("%s may use %s, too", other, dead.Name())
		}
	}
}

func TestCreateComparesWhatExists(t *testing.T) {
	t.Parallel()
	c := client(t, nil)
	q, dead := create(t, c, "logins")
	again := func() queue.Created {
		t.Helper()
		created, err := queue.Create(t.Context(), c, "logins", wanted)
		if err != nil || created.Queue.URL != q.URL || created.Dead.URL != dead.URL || len(created.Made) != 0 {
			t.Fatalf("%+v, %v, want the two queues that exist", created, err)
		}
		return created
	}
	// The same policy in other words, and another way to encrypt, are no differences.
	set(t, q, map[string]string{
		"RedrivePolicy":  `{"maxReceiveCount": 7, "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:logins-dlq"}`,
		"KmsMasterKeyId": "alias/mine",
	})
	if d := again().Differences; len(d) != 0 {
		t.Errorf("differences %v, want none", d)
	}

	set(t, q, map[string]string{
		"RedrivePolicy":     `{"maxReceiveCount":3,"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:logins-dlq"}`,
		"VisibilityTimeout": "30",
	})
	set(t, dead, map[string]string{"MessageRetentionPeriod": "345600", "SqsManagedSseEnabled": "false", "RedriveAllowPolicy": ""})
	const arn = "arn:aws:sqs:us-east-1:000000000000:logins"
	want := []string{
		"logins-dlq: MessageRetentionPeriod is 345600, not 1209600",
		"logins-dlq: SqsManagedSseEnabled is false, not true",
		`logins-dlq: RedriveAllowPolicy is not set, not {"redrivePermission":"byQueue","sourceQueueArns":["` + arn + `"]}`,
		"logins: RedrivePolicy: maxReceiveCount is 3, not 7",
		"logins: VisibilityTimeout is 30, not 60",
	}
	var got []string
	for _, d := range again().Differences {
		got = append(got, d.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if got := attributeOf(t, q, "VisibilityTimeout"); got != "30" {
		t.Errorf("VisibilityTimeout is %s now, want it unchanged", got)
	}
}

func TestCreateGoesOnWhereItWasInterrupted(t *testing.T) {
	t.Parallel()
	c := client(t, nil)
	name := "logins-dlq"
	made, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"MessageRetentionPeriod": "1209600"}})
	if err != nil {
		t.Fatal(err)
	}
	dead := queue.New(c, *made.QueueUrl)
	created, err := queue.Create(t.Context(), c, "logins", wanted)
	if err != nil || len(created.Differences) != 0 || len(created.Made) != 1 || created.Made[0].Name() != "logins" {
		t.Errorf("%+v, %v, want that the queue is made", created, err)
	}
	if attributeOf(t, dead, "RedriveAllowPolicy") == "" {
		t.Error("any queue may use the dead-letter queue")
	}
}

func TestCreateKeepsTheDeadLetterQueueOfAQueueThatExists(t *testing.T) {
	t.Parallel()
	c := client(t, nil)
	q, _ := create(t, c, "logins")
	graveyard, _ := create(t, c, "graveyard")
	set(t, q, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:graveyard","maxReceiveCount":"7"}`})
	created, err := queue.Create(t.Context(), c, "logins", wanted)
	if err != nil || created.Dead.URL != graveyard.URL || len(created.Made) != 0 {
		t.Errorf("%+v, %v, want the dead-letter queue that it has", created, err)
	}
	if !slices.ContainsFunc(created.Differences, func(d queue.Difference) bool {
		return d.Queue.URL == graveyard.URL && d.Attribute == "MessageRetentionPeriod"
	}) {
		t.Errorf("differences %v, want that it keeps messages for too short a time", created.Differences)
	}
}
