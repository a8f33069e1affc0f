package sqsserver_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestHidesMessageUntilVisibilityTimeout(t *testing.T) {
	f := start(t)
	for name, test := range map[string]struct {
		create attributes
		change func(*sqs.ReceiveMessageInput)
	}{
		"of the queue":   {attributes{"VisibilityTimeout": "1"}, func(*sqs.ReceiveMessageInput) {}},
		"of the receive": {nil, hiddenFor(1)},
	} {
		f.sub(name, func(f fixture) {
			url := f.queue(test.create)
			f.send(url, "x")
			first := f.one(f.receive(url, test.change))
			began := time.Now()
			if got := f.receive(url, atOnce); len(got) != 0 {
				f.Fatalf("received %q while it is hidden", bodies(got))
			}
			again := f.one(f.receive(url))
			if hidden := time.Since(began); hidden < 700*time.Millisecond || hidden > 3*time.Second {
				f.Errorf("visible again after %s, want about 1s", hidden)
			}
			if *first.ReceiptHandle == *again.ReceiptHandle || again.Attributes["ApproximateReceiveCount"] != "2" {
				f.Errorf("want a new handle and a receive count of 2, got %s", again.Attributes["ApproximateReceiveCount"])
			}
		})
	}
}

func TestChangesVisibilityTimeout(t *testing.T) {
	f := start(t)
	f.sub("to zero shows the message at once", func(f fixture) {
		url := f.queue(nil)
		f.send(url, "x")
		f.show(url, f.one(f.receive(url)))
		f.one(f.receive(url, atOnce))
	})
	f.sub("to a second counts from the change", func(f fixture) {
		url := f.queue(nil)
		f.send(url, "x")
		f.must(f.setVisibility(url, f.one(f.receive(url)), 1))
		if got := f.receive(url, atOnce); len(got) != 0 {
			f.Error("it is visible at once")
		}
		f.one(f.receive(url))
	})
	f.sub("to longer hides it longer", func(f fixture) {
		url := f.queue(attributes{"VisibilityTimeout": "1"})
		f.send(url, "x")
		f.must(f.setVisibility(url, f.one(f.receive(url)), 30))
		if got := f.receive(url, waiting(2)); len(got) != 0 {
			f.Error("it is visible before the new timeout")
		}
	})
	f.sub("in a batch", func(f fixture) {
		url := f.queue(nil)
		f.send(url, "x")
		m := f.one(f.receive(url))
		out, err := f.ChangeMessageVisibilityBatch(f.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("a"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0},
		}})
		f.must(err)
		if len(out.Failed) > 0 || len(out.Successful) != 1 {
			f.Fatalf("failed: %v", failures(out.Failed))
		}
		f.one(f.receive(url, atOnce))
	})
}

func TestRefusesVisibilityChanges(t *testing.T) {
	f := start(t)
	for _, test := range []struct {
		name    string
		seconds int32
		before  func(f fixture, url string, m types.Message)
		code    string
		text    func(handle string) string
	}{
		{
			"over twelve hours", 43_201, func(fixture, string, types.Message) {}, "InvalidParameterValue",
			func(string) string {
				return "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided."
			},
		},
		{
			"negative", -1, func(fixture, string, types.Message) {}, "InvalidParameterValue",
			func(string) string {
				return "Value -1 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided."
			},
		},
		{
			"of a message that is visible", 10, func(f fixture, url string, m types.Message) { f.show(url, m) },
			"AWS.SimpleQueueService.MessageNotInflight",
			func(string) string { return "" }, // the SDK drops the text, because the error has no member for it
		},
		{
			"of a message that is deleted", 10, func(f fixture, url string, m types.Message) { f.delete(url, m) },
			"InvalidParameterValue",
			func(handle string) string {
				return "Value " + handle + " for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change."
			},
		},
	} {
		f.sub(test.name, func(f fixture) {
			url := f.queue(nil)
			f.send(url, "x")
			m := f.one(f.receive(url))
			test.before(f, url, m)
			f.refused(f.setVisibility(url, m, test.seconds), test.code, test.text(*m.ReceiptHandle))
		})
	}
}

func TestDelaysMessage(t *testing.T) {
	f := start(t)
	for name, test := range map[string]struct {
		create attributes
		delay  int32
	}{
		"by the queue":                  {attributes{"DelaySeconds": "1"}, 0},
		"by the message":                {nil, 1},
		"by the message, not the queue": {attributes{"DelaySeconds": "600"}, 1},
	} {
		f.sub(name, func(f fixture) {
			url := f.queue(test.create)
			_, err := f.SendMessage(f.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x"), DelaySeconds: test.delay})
			f.must(err)
			if got := f.receive(url, atOnce); len(got) != 0 {
				f.Error("it is visible at once")
			}
			if got, want := f.counts(url), [3]string{"0", "0", "1"}; got != want {
				f.Errorf("visible, in flight and delayed: %v, want %v", got, want)
			}
			f.one(f.receive(url))
		})
	}
}
