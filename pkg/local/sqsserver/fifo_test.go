package sqsserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var fifo = attributes{"FifoQueue": "true"}

func TestReceivesGroupInOrder(t *testing.T) {
	f := start(t)
	url := f.queue(fifo)
	want := strings.Split("a b c d e f g h i j k l", " ")
	f.sendGroup(url, "g", want...)
	var got []string
	last := ""
	for len(got) < len(want) {
		batch := f.receive(url, atMost(5))
		for _, m := range batch {
			if s := m.Attributes["SequenceNumber"]; len(s) < 20 || s <= last {
				t.Errorf("sequence number %q after %q", s, last)
			} else {
				last = s
			}
			if m.Attributes["MessageGroupId"] != "g" || m.Attributes["MessageDeduplicationId"] != "g"+*m.Body {
				t.Errorf("got %v", m.Attributes)
			}
		}
		got = append(got, bodies(batch)...)
		f.delete(url, batch...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-sent +received:\n%s", diff)
	}
}

func TestHoldsBackGroupWithMessageInFlight(t *testing.T) {
	f := start(t)
	url := f.queue(fifo)
	f.sendGroup(url, "g", "1", "2", "3")
	f.sendGroup(url, "other", "x")
	held := f.receive(url, atMost(1))
	if diff := cmp.Diff([]string{"1"}, bodies(held)); diff != "" {
		t.Fatalf("first receive, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"x"}, bodies(f.receive(url))); diff != "" {
		t.Errorf("while 1 is in flight, -want +got:\n%s", diff)
	}
	if got := f.receive(url, atOnce); len(got) != 0 {
		t.Errorf("received %q while both groups are held back", bodies(got))
	}
	f.show(url, held...)
	batch := f.receive(url)
	if diff := cmp.Diff([]string{"1", "2", "3"}, bodies(batch)); diff != "" {
		t.Fatalf("after 1 is visible again, -want +got:\n%s", diff)
	}
	f.delete(url, batch[0])
	if got := f.receive(url, atOnce); len(got) != 0 {
		t.Errorf("received %q while 2 and 3 are in flight", bodies(got))
	}
	f.show(url, batch[1], batch[2])
	if diff := cmp.Diff([]string{"2", "3"}, bodies(f.receive(url))); diff != "" {
		t.Errorf("in the end, -want +got:\n%s", diff)
	}
}

func TestReturnedMessageComesAfterOtherGroups(t *testing.T) {
	f := start(t)
	url := f.queue(fifo)
	f.sendGroup(url, "g", "1", "2")
	f.sendGroup(url, "other", "x")
	batch := f.receive(url, atMost(2))
	f.show(url, batch[0])
	if diff := cmp.Diff([]string{"x", "1"}, bodies(f.receive(url))); diff != "" {
		t.Errorf("1 is visible again and 2 is in flight, -want +got:\n%s", diff)
	}
}

func TestMessageInFlightHoldsBackLaterMessagesOnly(t *testing.T) {
	f := start(t)
	for hidden, want := range [][]string{{}, {"1"}, {"1", "2"}} {
		f.sub(fmt.Sprint("message ", hidden+1), func(f fixture) {
			url := f.queue(fifo)
			f.sendGroup(url, "g", "1", "2", "3")
			batch := f.receive(url)
			f.show(url, slices.Delete(slices.Clone(batch), hidden, hidden+1)...)
			if diff := cmp.Diff(want, bodies(f.receive(url, atOnce))); diff != "" {
				f.Errorf("-want +got:\n%s", diff)
			}
			f.show(url, batch[hidden])
		})
	}
}

func TestKeepsGroupInOrderWhenMessagesReturn(t *testing.T) {
	f := start(t)
	url := f.queue(fifo)
	f.sendGroup(url, "g", "1", "2", "3", "4")
	batch := f.receive(url, atMost(3))
	f.show(url, batch[2], batch[0], batch[1])
	if diff := cmp.Diff([]string{"1", "2", "3", "4"}, bodies(f.receive(url))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDropsDuplicates(t *testing.T) {
	f := start(t)
	message := func(body, group, id string) *sqs.SendMessageInput {
		in := &sqs.SendMessageInput{MessageBody: &body, MessageGroupId: &group}
		if id != "" {
			in.MessageDeduplicationId = &id
		}
		return in
	}
	byContent := attributes{"FifoQueue": "true", "ContentBasedDeduplication": "true"}
	byGroup := attributes{"FifoQueue": "true", "DeduplicationScope": "messageGroup"}
	for _, test := range []struct {
		name      string
		create    attributes
		a, b      *sqs.SendMessageInput
		duplicate bool
	}{
		{"the same id", fifo, message("x", "g", "1"), message("other", "g", "1"), true},
		{"the same id in another group", fifo, message("x", "g", "1"), message("x", "h", "1"), true},
		{"the same id in another group, deduplicated by group", byGroup, message("x", "g", "1"), message("x", "h", "1"), false},
		{"other ids", fifo, message("x", "g", "1"), message("x", "g", "2"), false},
		{"the same content", byContent, message("x", "g", ""), message("x", "g", ""), true},
		{"other content", byContent, message("x", "g", ""), message("y", "g", ""), false},
		{"the id overrides the content", byContent, message("x", "g", "1"), message("x", "g", "2"), false},
	} {
		f.sub(test.name, func(f fixture) {
			url := f.queue(test.create)
			a, b := *test.a, *test.b
			a.QueueUrl, b.QueueUrl = &url, &url
			first, err := f.SendMessage(f.Context(), &a)
			f.must(err)
			second, err := f.SendMessage(f.Context(), &b)
			f.must(err)
			if got := *first.MessageId == *second.MessageId; got != test.duplicate {
				f.Errorf("the same message id: %v, want %v", got, test.duplicate)
			}
			want := map[bool]string{true: "1", false: "2"}[test.duplicate]
			if got := f.counts(url)[0]; got != want {
				f.Errorf("%s messages in the queue, want %s", got, want)
			}
		})
	}
}

func TestDropsDuplicateOfDeletedMessage(t *testing.T) {
	f := start(t)
	url := f.queue(fifo)
	f.sendGroup(url, "g", "x")
	f.delete(url, f.one(f.receive(url)))
	f.sendGroup(url, "g", "x")
	if got := f.receive(url, atOnce); len(got) != 0 {
		t.Errorf("received %q", bodies(got))
	}
}

func TestFIFOHandleExpiresWithVisibilityTimeout(t *testing.T) {
	f := start(t)
	url := f.queue(fifo)
	f.sendGroup(url, "g", "x")
	m := f.one(f.receive(url))
	f.show(url, m)
	_, err := f.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
	f.refused(err, "InvalidParameterValue", "Value "+*m.ReceiptHandle+" for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.")
	f.one(f.receive(url))
}

func attempt(id string) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.ReceiveRequestAttemptId, in.WaitTimeSeconds = &id, 0 }
}

func TestAttemptIDRepeatsReceive(t *testing.T) {
	f := start(t)
	url := f.queue(fifo)
	f.sendGroup(url, "g", "1", "2", "3")
	got := f.receive(url, attempt("a"), atMost(2))
	if diff := cmp.Diff(got, f.receive(url, attempt("a"), atMost(2)), cmpopts.IgnoreUnexported(types.Message{}, types.MessageAttributeValue{})); diff != "" {
		t.Errorf("the same attempt, -first +second:\n%s", diff)
	}
	if other := f.receive(url, attempt("b")); len(other) != 0 {
		t.Errorf("another attempt received %q", bodies(other))
	}
	f.delete(url, got[0])
	if changed := f.receive(url, attempt("a")); len(changed) != 0 {
		t.Errorf("after a message was deleted the attempt received %q", bodies(changed))
	}
	f.delete(url, got[1])
	third := f.one(f.receive(url, attempt("c")))
	f.must(f.setVisibility(url, third, 100))
	if changed := f.receive(url, attempt("c")); len(changed) != 0 {
		t.Errorf("after its timeout was changed the attempt received %q", bodies(changed))
	}
	f.show(url, third)
	if diff := cmp.Diff([]string{"3"}, bodies(f.receive(url, attempt("a")))); diff != "" {
		t.Errorf("after both were deleted, -want +got:\n%s", diff)
	}
}

func TestRefusesAttemptID(t *testing.T) {
	f := start(t)
	f.sub("on a standard queue", func(f fixture) {
		url := f.queue(nil)
		_, err := f.ReceiveMessage(f.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, ReceiveRequestAttemptId: aws.String("a")})
		f.refused(err, "InvalidParameterValue", "Value a for parameter ReceiveRequestAttemptId is invalid. Reason: The request include parameter that is not valid for this queue type.")
	})
	f.sub("with a space", func(f fixture) {
		url := f.queue(fifo)
		_, err := f.ReceiveMessage(f.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, ReceiveRequestAttemptId: aws.String("a b")})
		f.refused(err, "InvalidParameterValue", "Value a b for parameter ReceiveRequestAttemptId is invalid. Reason: ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	})
}

func TestDelaysMessagesOfFIFOQueue(t *testing.T) {
	f := start(t)
	url := f.queue(attributes{"FifoQueue": "true", "DelaySeconds": "1"})
	f.sendGroup(url, "g", "1", "2")
	if got := f.receive(url, atOnce); len(got) != 0 {
		t.Errorf("received %q at once", bodies(got))
	}
	var got []types.Message
	for len(got) < 2 {
		batch := f.receive(url)
		f.delete(url, batch...)
		if got = append(got, batch...); len(batch) == 0 {
			break
		}
	}
	if diff := cmp.Diff([]string{"1", "2"}, bodies(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
