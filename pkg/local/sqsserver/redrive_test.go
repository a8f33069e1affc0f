package sqsserver_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

func TestMovesMessageAfterMaxReceiveCount(t *testing.T) {
	f := start(t)
	for name, create := range map[string]attributes{"standard": nil, "FIFO": {"FifoQueue": "true", "ContentBasedDeduplication": "true"}} {
		f.sub(name, func(f fixture) {
			url, dlq := f.withDLQ(2, create)
			in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("poison"), MessageAttributes: map[string]types.MessageAttributeValue{"k": text("v")}}
			if create != nil {
				in.MessageGroupId = aws.String("g")
			}
			_, err := f.SendMessage(f.Context(), in)
			f.must(err)
			first := f.one(f.receive(url))
			f.show(url, first)
			f.show(url, f.one(f.receive(url)))
			if got := f.receive(url, waiting(1)); len(got) != 0 {
				f.Fatalf("the third receive returned %q", bodies(got))
			}
			dead := f.one(f.receive(dlq))
			if *dead.MessageId != *first.MessageId || *dead.Body != "poison" || dead.MessageAttributes["k"].StringValue == nil {
				f.Errorf("got message %s %q %v, want %s as it was", *dead.MessageId, *dead.Body, dead.MessageAttributes, *first.MessageId)
			}
			want := map[string]string{
				"ApproximateReceiveCount": "3", "DeadLetterQueueSourceArn": f.arn(url),
				"SentTimestamp": first.Attributes["SentTimestamp"], "MessageGroupId": first.Attributes["MessageGroupId"],
			}
			got := map[string]string{}
			for name := range want {
				got[name] = dead.Attributes[name]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				f.Errorf("attributes of the dead letter, -want +got:\n%s", diff)
			}
		})
	}
}

func TestDeadLetterReleasesItsGroup(t *testing.T) {
	f := start(t)
	url, dlq := f.withDLQ(1, fifo)
	f.sendGroup(url, "g", "1", "2", "3")
	f.show(url, f.one(f.receive(url, atMost(1))))
	if diff := cmp.Diff([]string{"2", "3"}, bodies(f.receive(url))); diff != "" {
		t.Errorf("the receive that moves 1 returns the next of its group, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1"}, bodies(f.receive(dlq))); diff != "" {
		t.Errorf("dead-letter queue, -want +got:\n%s", diff)
	}
}

func TestDeadLetterEndsLongPoll(t *testing.T) {
	f := start(t)
	url, dlq := f.withDLQ(1, attributes{"VisibilityTimeout": "1"})
	f.send(url, "x")
	f.one(f.receive(url))
	arrived := make(chan []types.Message)
	go func() {
		out, err := f.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &dlq, WaitTimeSeconds: 20})
		if err != nil {
			t.Error(err)
			out = &sqs.ReceiveMessageOutput{}
		}
		arrived <- out.Messages
	}()
	if got := f.receive(url, waiting(2)); len(got) != 0 {
		t.Errorf("received %q", bodies(got))
	}
	f.one(<-arrived)
}

func TestRefusesRedrivePolicies(t *testing.T) {
	f := start(t)
	standard, ordered := f.arn(f.queue(nil)), f.arn(f.queue(fifo))
	for _, test := range []struct{ name, policy, reason string }{
		{"not JSON", `{`, "Amazon SQS can't create the redrive policy, as it's in an unsupported format."},
		{"no target", `{"maxReceiveCount":3}`, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."},
		{"no count", `{"deadLetterTargetArn":"` + standard + `"}`, "Redrive policy does not contain mandatory attribute: maxReceiveCount."},
		{"a count of 0", redrivePolicy(standard, 0), "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."},
		{"a count of 1001", redrivePolicy(standard, 1001), "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive."},
		{"a target that does not exist", redrivePolicy(standard+"-gone", 3), "Dead letter target does not exist."},
		{"a target in another region", redrivePolicy(strings.Replace(standard, ":us-", ":eu-", 1), 3), "Dead letter target owner should be same as the source."},
		{"a FIFO target of a standard queue", redrivePolicy(ordered, 3), "Dead-letter queue must be same type of queue as the source."},
	} {
		f.sub(test.name, func(f fixture) {
			_, err := f.CreateQueue(f.Context(), &sqs.CreateQueueInput{QueueName: aws.String(newName()), Attributes: attributes{"RedrivePolicy": test.policy}})
			f.refused(err, "InvalidParameterValue", "Value "+test.policy+" for parameter RedrivePolicy is invalid. Reason: "+test.reason)
		})
	}
}

func TestShowsAndRemovesRedrivePolicy(t *testing.T) {
	f := start(t)
	arn := f.arn(f.queue(nil))
	url := f.queue(attributes{"RedrivePolicy": `{"maxReceiveCount":"5", "deadLetterTargetArn":"` + arn + `"}`})
	if got, want := f.attributes(url)["RedrivePolicy"], redrivePolicy(arn, 5); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err := f.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributes{"RedrivePolicy": ""}})
	f.must(err)
	if got, ok := f.attributes(url)["RedrivePolicy"]; ok {
		t.Errorf("got %s after it was removed", got)
	}
}

func TestChecksRedriveAllowPolicy(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	arn := f.arn(url)
	for _, test := range []struct {
		name, policy string
		ok           bool
	}{
		{"all are allowed", `{"redrivePermission":"allowAll"}`, true},
		{"no queue is allowed", `{"redrivePermission":"denyAll"}`, false},
		{"this queue is allowed", `{"redrivePermission":"byQueue","sourceQueueArns":["` + arn + `"]}`, true},
		{"another queue is allowed", `{"redrivePermission":"byQueue","sourceQueueArns":["` + arn + `-other"]}`, false},
	} {
		f.sub(test.name, func(f fixture) {
			dlq := f.queue(attributes{"RedriveAllowPolicy": test.policy})
			_, err := f.SetQueueAttributes(f.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributes{"RedrivePolicy": redrivePolicy(f.arn(dlq), 3)}})
			if (err == nil) != test.ok {
				f.Errorf("got error %v", err)
			}
		})
	}
	f.sub("nonsense is refused", func(f fixture) {
		_, err := f.SetQueueAttributes(f.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributes{"RedriveAllowPolicy": `{"redrivePermission":"some"}`}})
		f.refused(err, "InvalidParameterValue", `Value {"redrivePermission":"some"} for parameter RedriveAllowPolicy is invalid. Reason: Amazon SQS can't create the redrive allow policy, as it's in an unsupported format.`)
	})
}

func TestListsDeadLetterSourceQueues(t *testing.T) {
	f := start(t)
	dlq := f.queue(nil)
	policy := attributes{"RedrivePolicy": redrivePolicy(f.arn(dlq), 3)}
	want := []string{f.queue(policy), f.queue(policy)}
	f.queue(nil)
	out, err := f.ListDeadLetterSourceQueues(t.Context(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dlq})
	f.must(err)
	slices.Sort(want)
	slices.Sort(out.QueueUrls)
	if diff := cmp.Diff(want, out.QueueUrls); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// deadLetter sends a message to a queue with a maxReceiveCount of 1 and receives it until it moves
// to the dead-letter queue. It returns the message id.
func (f fixture) deadLetter(url, body string) (id string) {
	f.Helper()
	f.send(url, body)
	m := f.one(f.receive(url))
	f.show(url, m)
	if got := f.receive(url, atOnce); len(got) != 0 {
		f.Fatalf("received %q", bodies(got))
	}
	return *m.MessageId
}

func TestMovesDeadLettersBack(t *testing.T) {
	f := start(t)
	for _, name := range []string{"to their source", "to another queue"} {
		f.sub(name, func(f fixture) {
			url, dlq := f.withDLQ(1, nil)
			id := f.deadLetter(url, "x")
			in := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(f.arn(dlq))}
			to := url
			if name == "to another queue" {
				to = f.queue(nil)
				in.DestinationArn = aws.String(f.arn(to))
			}
			_, err := f.StartMessageMoveTask(f.Context(), in)
			f.must(err)
			m := f.one(f.receive(to))
			if *m.MessageId == id || *m.Body != "x" || m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["DeadLetterQueueSourceArn"] != "" {
				f.Errorf("want a new message, got %s (was %s) %v", *m.MessageId, id, m.Attributes)
			}
			task := f.awaitTask(*in.SourceArn, "COMPLETED")
			if task.ApproximateNumberOfMessagesMoved != 1 || aws.ToInt64(task.ApproximateNumberOfMessagesToMove) != 1 || task.TaskHandle != nil {
				f.Errorf("got %d of %d moved, handle %v", task.ApproximateNumberOfMessagesMoved, aws.ToInt64(task.ApproximateNumberOfMessagesToMove), task.TaskHandle)
			}
		})
	}
}

// awaitTask waits until the latest move task of a queue has the status, and returns it.
func (f fixture) awaitTask(arn, status string) types.ListMessageMoveTasksResultEntry {
	f.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // SQS reports a status only when asked
		out, err := f.ListMessageMoveTasks(f.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: &arn})
		f.must(err)
		if len(out.Results) == 1 && *out.Results[0].Status == status {
			return out.Results[0]
		}
		if time.Now().After(deadline) {
			f.Fatalf("no task of status %s within 10 s: %d tasks", status, len(out.Results))
		}
	}
}

func TestCancelsMove(t *testing.T) {
	f := start(t)
	url, dlq := f.withDLQ(1, nil)
	for _, body := range []string{"1", "2", "3", "4", "5"} {
		f.deadLetter(url, body)
	}
	arn := f.arn(dlq)
	started, err := f.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: &arn, MaxNumberOfMessagesPerSecond: aws.Int32(1)})
	f.must(err)
	f.one(f.receive(url)) // the first message has moved; the next moves after a second
	_, err = f.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: &arn})
	f.refused(err, "InvalidParameterValue", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	_, err = f.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: started.TaskHandle})
	f.must(err)
	moved := f.awaitTask(arn, "CANCELLED").ApproximateNumberOfMessagesMoved
	if moved < 1 || moved > 3 {
		t.Errorf("%d moved, want one or two", moved)
	}
}

func TestRefusesMoves(t *testing.T) {
	f := start(t)
	_, dlq := f.withDLQ(1, nil)
	plain, dead := f.arn(f.queue(nil)), f.arn(dlq)
	for _, test := range []struct{ name, from, to, code, text string }{
		{"from a queue that is not a dead-letter queue", plain, "", "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."},
		{"from a queue that does not exist", plain + "-gone", "", "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist."},
		{"to a queue that does not exist", dead, plain + "-gone", "ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist."},
	} {
		f.sub(test.name, func(f fixture) {
			in := &sqs.StartMessageMoveTaskInput{SourceArn: &test.from}
			if test.to != "" {
				in.DestinationArn = &test.to
			}
			_, err := f.StartMessageMoveTask(f.Context(), in)
			f.refused(err, test.code, test.text)
		})
	}
	f.sub("cancelling a task that does not exist", func(f fixture) {
		_, err := f.CancelMessageMoveTask(f.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: aws.String("bm9uZQ==")})
		if notFound := (*types.ResourceNotFoundException)(nil); errors.As(err, &notFound) || err == nil {
			f.Errorf("an invalid handle: got %v, want InvalidParameterValue", err)
		}
	})
}
