package sqsserver_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

func TestRefusesReceive(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	for _, test := range []struct {
		name       string
		in         sqs.ReceiveMessageInput
		code, text string
	}{
		{"eleven messages", sqs.ReceiveMessageInput{MaxNumberOfMessages: 11}, "InvalidParameterValue", "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
		{"a negative number of messages", sqs.ReceiveMessageInput{MaxNumberOfMessages: -1}, "InvalidParameterValue", "Value -1 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
		{"a wait of 21 seconds", sqs.ReceiveMessageInput{WaitTimeSeconds: 21}, "InvalidParameterValue", "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."},
		{"a visibility timeout over twelve hours", sqs.ReceiveMessageInput{VisibilityTimeout: 43_201}, "InvalidParameterValue", "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided."},
		{"an unknown attribute", sqs.ReceiveMessageInput{MessageSystemAttributeNames: []types.MessageSystemAttributeName{"Colour"}}, "InvalidAttributeName", "Unknown Attribute Colour."},
	} {
		f.sub(test.name, func(f fixture) {
			test.in.QueueUrl = &url
			_, err := f.ReceiveMessage(f.Context(), &test.in)
			f.refused(err, test.code, test.text)
		})
	}
}

func TestPollsEmptyQueue(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	began := time.Now()
	if got := f.receive(url, atOnce); len(got) != 0 || time.Since(began) > time.Second {
		t.Errorf("a short poll of an empty queue returned %d messages after %s", len(got), time.Since(began))
	}
	began = time.Now()
	if got := f.receive(url, waiting(1)); len(got) != 0 || time.Since(began) < 900*time.Millisecond {
		t.Errorf("a long poll of 1 s returned %d messages after %s", len(got), time.Since(began))
	}
}

func waiting(seconds int32) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = seconds }
}

func TestQueueSetsWaitTime(t *testing.T) {
	f := start(t)
	url := f.queue(attributes{"ReceiveMessageWaitTimeSeconds": "1"})
	began := time.Now()
	if got := f.receive(url, atOnce); len(got) != 0 || time.Since(began) < 900*time.Millisecond { // the SDK leaves a wait of 0 out
		t.Errorf("returned %d messages after %s", len(got), time.Since(began))
	}
}

func TestLongPollEndsAtOnceWhen(t *testing.T) {
	f := start(t)
	for _, test := range []struct {
		name   string
		create attributes
		before func(f fixture, url string) types.Message
		then   func(f fixture, url string, m types.Message)
	}{
		{
			"a message is sent", nil,
			func(fixture, string) types.Message { return types.Message{} },
			func(f fixture, url string, _ types.Message) { f.send(url, "x") },
		},
		{
			"a message is made visible", nil,
			func(f fixture, url string) types.Message {
				f.send(url, "x")
				return f.one(f.receive(url))
			},
			func(f fixture, url string, m types.Message) { f.show(url, m) },
		},
		{
			"the message in flight of a group is deleted", attributes{"FifoQueue": "true"},
			func(f fixture, url string) types.Message {
				f.sendGroup(url, "g", "first", "x")
				return f.one(f.receive(url, atMost(1)))
			},
			func(f fixture, url string, m types.Message) { f.delete(url, m) },
		},
	} {
		f.sub(test.name, func(f fixture) {
			url := f.queue(test.create)
			m := test.before(f, url)
			type result struct {
				got []types.Message
				at  time.Time
			}
			poll := make(chan result)
			go func() {
				out, err := f.ReceiveMessage(f.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
				if err != nil {
					f.Error(err)
					out = &sqs.ReceiveMessageOutput{}
				}
				poll <- result{out.Messages, time.Now()}
			}()
			time.Sleep(300 * time.Millisecond) // until the poll is open, which no event shows from outside
			began := time.Now()
			test.then(f, url, m)
			r := <-poll
			if f.one(r.got); r.at.Sub(began) > time.Second {
				f.Errorf("the long poll ended %s after the change", r.at.Sub(began))
			}
		})
	}
}

func TestLongPollsShareMessages(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	got := make(chan []types.Message)
	for range 4 {
		go func() {
			out, err := f.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 5, MaxNumberOfMessages: 1})
			if err != nil {
				t.Error(err)
				out = &sqs.ReceiveMessageOutput{}
			}
			got <- out.Messages
		}()
	}
	f.send(url, "a", "b", "c", "d")
	seen := []string{}
	for range 4 {
		seen = append(seen, bodies(<-got)...)
	}
	slices.Sort(seen)
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, seen); diff != "" {
		t.Errorf("-sent +received by four polls together:\n%s", diff)
	}
}

func TestReceiveReturnsRequestedAttributes(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	_, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x"), MessageAttributes: map[string]types.MessageAttributeValue{
		"a.one": text("1"), "a.two": text("2"), "b": text("3"),
	}})
	f.must(err)
	receive := func(names []string, system ...types.MessageSystemAttributeName) types.Message {
		m := f.one(f.receive(url, func(in *sqs.ReceiveMessageInput) {
			in.MessageAttributeNames, in.MessageSystemAttributeNames = names, system
		}))
		f.show(url, m)
		return m
	}
	for _, test := range []struct {
		name  string
		names []string
		want  []string
	}{
		{"none asked for", nil, nil},
		{"All", []string{"All"}, []string{"a.one", "a.two", "b"}},
		{"all as .*", []string{".*"}, []string{"a.one", "a.two", "b"}},
		{"by name", []string{"b", "missing"}, []string{"b"}},
		{"by prefix", []string{"a.*"}, []string{"a.one", "a.two"}},
		{"no part of a name", []string{"a"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			skipKnown(t)
			got := receive(test.names)
			var names []string
			for name := range got.MessageAttributes {
				names = append(names, name)
			}
			slices.Sort(names)
			if diff := cmp.Diff(test.want, names); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if (got.MD5OfMessageAttributes != nil) != (len(test.want) > 0) {
				t.Errorf("MD5 of the attributes %q", aws.ToString(got.MD5OfMessageAttributes))
			}
		})
	}
	t.Run("system attributes by name", func(t *testing.T) {
		skipKnown(t)
		if got := receive(nil, "SenderId", "SequenceNumber").Attributes; len(got) != 1 || got["SenderId"] == "" {
			t.Errorf("got %v, want only the sender, because the message has no sequence number", got)
		}
		if got := receive(nil).Attributes; len(got) != 0 {
			t.Errorf("got %v, want none", got)
		}
	})
	t.Run("system attributes by the older parameter", func(t *testing.T) {
		skipKnown(t)
		m := f.one(f.receive(url, func(in *sqs.ReceiveMessageInput) {
			in.MessageSystemAttributeNames = nil
			//lint:ignore SA1019 older clients send nothing else
			in.AttributeNames = []types.QueueAttributeName{"SentTimestamp"}
		}))
		if len(m.Attributes) != 1 || m.Attributes["SentTimestamp"] == "" {
			t.Errorf("got %v, want only the time of sending", m.Attributes)
		}
	})
}

func TestDeletesMessage(t *testing.T) {
	f := start(t)
	for name, run := range map[string]func(f fixture, url string, m types.Message){
		"once": func(f fixture, url string, m types.Message) { f.delete(url, m) },
		"twice is no error": func(f fixture, url string, m types.Message) {
			f.delete(url, m, m)
		},
		"by the newest of two handles": func(f fixture, url string, m types.Message) {
			f.show(url, m)
			f.delete(url, f.one(f.receive(url)))
		},
		"that is visible again": func(f fixture, url string, m types.Message) {
			f.show(url, m)
			f.delete(url, m)
		},
	} {
		f.sub(name, func(f fixture) {
			url := f.queue(nil)
			f.send(url, "x")
			run(f, url, f.one(f.receive(url)))
			if got, want := f.counts(url), [3]string{"0", "0", "0"}; got != want {
				f.Errorf("messages afterwards: %v, want %v", got, want)
			}
		})
	}
}

func TestOldReceiptHandleDeletesNothing(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	f.send(url, "x")
	old := f.one(f.receive(url))
	f.show(url, old)
	again := f.one(f.receive(url))
	if *old.ReceiptHandle == *again.ReceiptHandle || *old.MessageId != *again.MessageId {
		t.Error("want another handle for the same message")
	}
	f.delete(url, old) // no error
	if got, want := f.counts(url), [3]string{"0", "1", "0"}; got != want {
		t.Errorf("messages afterwards: %v, want %v", got, want)
	}
}

func TestRefusesReceiptHandles(t *testing.T) {
	f := start(t)
	url, other := f.queue(nil), f.queue(nil)
	f.send(other, "x")
	foreign := *f.one(f.receive(other)).ReceiptHandle
	for name, handle := range map[string]string{"garbage": "garbage", "base64 garbage": "AQEBAGdhcmJhZ2U=", "of another queue": foreign} {
		f.sub(name, func(f fixture) {
			text := `The input receipt handle "` + handle + `" is not a valid receipt handle.`
			_, err := f.DeleteMessage(f.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: &handle})
			f.refused(err, "ReceiptHandleIsInvalid", text)
			f.refused(f.setVisibility(url, types.Message{ReceiptHandle: &handle}, 1), "ReceiptHandleIsInvalid", text)
		})
	}
}

func TestCountsMessages(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	f.send(url, "a", "b", "c", "d")
	_, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("e"), DelaySeconds: 60})
	f.must(err)
	f.receive(url, atMost(1))
	f.delete(url, f.receive(url, atMost(1))...)
	if got, want := f.counts(url), [3]string{"2", "1", "1"}; got != want {
		t.Errorf("visible, in flight and delayed: %v, want %v", got, want)
	}
}

func TestServesManyClientsAtOnce(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	const each, clients = 50, 4
	arrived := make(chan string, 2*each*clients)
	var work sync.WaitGroup
	for c := range clients {
		work.Go(func() {
			for i := range each {
				if _, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(fmt.Sprint(c, "-", i))}); err != nil {
					t.Error(err)
				}
			}
		})
		work.Go(func() { f.drain(url, arrived) })
	}
	work.Wait()
	close(arrived)
	times := map[string]int{}
	for body := range arrived {
		times[body]++
	}
	for body, n := range times {
		if n != 1 {
			t.Errorf("%s arrived %d times", body, n)
		}
	}
	if len(times) != each*clients {
		t.Errorf("%d messages arrived, want %d", len(times), each*clients)
	}
	if got, want := f.counts(url), [3]string{"0", "0", "0"}; got != want {
		t.Errorf("messages afterwards: %v, want %v", got, want)
	}
}

// drain receives and deletes messages until none has arrived for two seconds. It may run outside
// the test's goroutine.
func (f fixture) drain(url string, arrived chan<- string) {
	for {
		out, err := f.ReceiveMessage(f.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 3, WaitTimeSeconds: 2})
		if err != nil {
			f.Error(err)
			return
		}
		if len(out.Messages) == 0 {
			return
		}
		for _, m := range out.Messages {
			arrived <- *m.Body
			if _, err := f.DeleteMessage(f.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				f.Error(err)
			}
		}
	}
}

func TestDeliversThousandMessagesOnce(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	want := map[string]bool{}
	for i := range 100 {
		in := &sqs.SendMessageBatchInput{QueueUrl: &url}
		for j := range 10 {
			body := strconv.Itoa(i*10 + j)
			want[body] = true
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: &body, MessageBody: &body})
		}
		_, err := f.SendMessageBatch(t.Context(), in)
		f.must(err)
	}
	got := map[string]bool{}
	for len(got) < len(want) {
		batch := f.receive(url)
		if len(batch) == 0 {
			t.Fatalf("the queue is empty after %d messages", len(got))
		}
		for _, m := range batch {
			if got[*m.Body] {
				t.Errorf("message %s arrived twice", *m.Body)
			}
			got[*m.Body] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-sent +received:\n%s", diff)
	}
}
