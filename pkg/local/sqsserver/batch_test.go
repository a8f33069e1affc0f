package sqsserver_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

// batchCalls makes each of the three batch calls, with one entry for each id.
var batchCalls = map[string]func(ctx context.Context, c *sqs.Client, url string, ids ...string) error{
	"SendMessageBatch": func(ctx context.Context, c *sqs.Client, url string, ids ...string) error {
		in := &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{}}
		for _, id := range ids {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: aws.String("x")})
		}
		_, err := c.SendMessageBatch(ctx, in)
		return err
	},
	"DeleteMessageBatch": func(ctx context.Context, c *sqs.Client, url string, ids ...string) error {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{}}
		for _, id := range ids {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: aws.String("x")})
		}
		_, err := c.DeleteMessageBatch(ctx, in)
		return err
	},
	"ChangeMessageVisibilityBatch": func(ctx context.Context, c *sqs.Client, url string, ids ...string) error {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{}}
		for _, id := range ids {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: &id, ReceiptHandle: aws.String("x"), VisibilityTimeout: 1})
		}
		_, err := c.ChangeMessageVisibilityBatch(ctx, in)
		return err
	},
}

func TestRefusesWholeBatch(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	eleven := strings.Split("1,2,3,4,5,6,7,8,9,10,11", ",")
	const badID = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
	for call, run := range batchCalls {
		for _, test := range []struct {
			name       string
			ids        []string
			code, text string
		}{
			{"no entries", nil, "AWS.SimpleQueueService.EmptyBatchRequest", "There should be at least one " + call + "RequestEntry in the request."},
			{"eleven entries", eleven, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11."},
			{"an id twice", []string{"a", "b", "a"}, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id a repeated."},
			{"an empty id", []string{""}, "AWS.SimpleQueueService.InvalidBatchEntryId", badID},
			{"an id with a period", []string{"a.b"}, "AWS.SimpleQueueService.InvalidBatchEntryId", badID},
			{"an id of 81 characters", []string{strings.Repeat("a", 81)}, "AWS.SimpleQueueService.InvalidBatchEntryId", badID},
		} {
			f.sub(call+" with "+test.name, func(f fixture) {
				f.refused(run(f.Context(), f.Client, url, test.ids...), test.code, test.text)
			})
		}
	}
}

func TestRefusesBatchOverOneMebibyte(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	half := strings.Repeat("x", 1<<19)
	_, err := f.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("1"), MessageBody: &half}, {Id: aws.String("2"), MessageBody: aws.String(half + "x")},
	}})
	f.refused(err, "AWS.SimpleQueueService.BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.")
	_, err = f.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("1"), MessageBody: &half}, {Id: aws.String("2"), MessageBody: &half},
	}})
	f.must(err)
}

func TestRefusesWholeBatchIfAnEntryLacksItsGroupOrDeduplicationID(t *testing.T) {
	f := start(t)
	for _, test := range []struct {
		name, text string
		entry      types.SendMessageBatchRequestEntry
	}{
		{
			"no group", "The request must contain the parameter MessageGroupId.",
			types.SendMessageBatchRequestEntry{MessageDeduplicationId: aws.String("2")},
		},
		{
			"no deduplication id", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
			types.SendMessageBatchRequestEntry{MessageGroupId: aws.String("g")},
		},
	} {
		f.sub(test.name, func(f fixture) {
			url := f.queue(fifo)
			test.entry.Id, test.entry.MessageBody = aws.String("bad"), aws.String("x")
			_, err := f.SendMessageBatch(f.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
				{Id: aws.String("good"), MessageBody: aws.String("x"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("1")},
				test.entry,
			}})
			f.refused(err, "InvalidParameterValue", test.text)
			if got, want := f.counts(url), [3]string{"0", "0", "0"}; got != want {
				f.Errorf("messages afterwards: %v, want %v", got, want)
			}
		})
	}
}

func TestBatchFailsInPart(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	sent, err := f.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("good"), MessageBody: aws.String("x")},
		{Id: aws.String("bad"), MessageBody: aws.String("\x00")},
		{Id: aws.String("late"), MessageBody: aws.String("x"), DelaySeconds: 901},
	}})
	f.must(err)
	if diff := cmp.Diff([]string{"bad InvalidMessageContents true", "late InvalidParameterValue true"}, failures(sent.Failed)); diff != "" || len(sent.Successful) != 1 {
		t.Errorf("sending: %d succeeded; failed, -want +got:\n%s", len(sent.Successful), diff)
	}
	got := f.one(f.receive(url))
	changed, err := f.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: aws.String("good"), ReceiptHandle: got.ReceiptHandle, VisibilityTimeout: 30},
		{Id: aws.String("bad"), ReceiptHandle: aws.String("garbage"), VisibilityTimeout: 30},
		{Id: aws.String("long"), ReceiptHandle: got.ReceiptHandle, VisibilityTimeout: 43_201},
	}})
	f.must(err)
	if diff := cmp.Diff([]string{"bad ReceiptHandleIsInvalid true", "long InvalidParameterValue true"}, failures(changed.Failed)); diff != "" || len(changed.Successful) != 1 {
		t.Errorf("changing visibility: %d succeeded; failed, -want +got:\n%s", len(changed.Successful), diff)
	}
	deleted, err := f.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("good"), ReceiptHandle: got.ReceiptHandle}, {Id: aws.String("bad"), ReceiptHandle: aws.String("garbage")},
	}})
	f.must(err)
	if diff := cmp.Diff([]string{"bad ReceiptHandleIsInvalid true"}, failures(deleted.Failed)); diff != "" || len(deleted.Successful) != 1 {
		t.Errorf("deleting: %d succeeded; failed, -want +got:\n%s", len(deleted.Successful), diff)
	}
}

func failures(failed []types.BatchResultErrorEntry) []string {
	list := []string{}
	for _, e := range failed {
		list = append(list, *e.Id+" "+*e.Code+" "+strconv.FormatBool(e.SenderFault))
	}
	return list
}

func TestBatchKeepsOrderAndIDs(t *testing.T) {
	f := start(t)
	url := f.queue(attributes{"FifoQueue": "true", "ContentBasedDeduplication": "true"})
	in := &sqs.SendMessageBatchInput{QueueUrl: &url}
	want := []string{}
	for i := range 10 {
		body := strconv.Itoa(i)
		want = append(want, body)
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: &body, MessageBody: &body, MessageGroupId: aws.String("g")})
	}
	out, err := f.SendMessageBatch(t.Context(), in)
	f.must(err)
	ids := map[string]string{}
	for _, e := range out.Successful {
		ids[*e.MessageId] = *e.Id
	}
	got := f.receive(url)
	if diff := cmp.Diff(want, bodies(got)); diff != "" {
		t.Errorf("-sent +received:\n%s", diff)
	}
	for _, m := range got {
		if ids[*m.MessageId] != *m.Body {
			t.Errorf("message %s was sent as entry %s", *m.Body, ids[*m.MessageId])
		}
	}
}
