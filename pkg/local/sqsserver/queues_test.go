package sqsserver_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

func TestCreatesExistingQueueAgain(t *testing.T) {
	f := start(t)
	url := f.queue(attributes{"VisibilityTimeout": "7"})
	name := url[strings.LastIndex(url, "/")+1:]
	for _, test := range []struct {
		name string
		with attributes
		ok   bool
	}{
		{"with equal attributes returns its URL", attributes{"VisibilityTimeout": "7"}, true},
		{"with no attributes returns its URL", nil, true},
		{"with an explicit default returns its URL", attributes{"DelaySeconds": "0"}, true},
		{"with another value is refused", attributes{"VisibilityTimeout": "8"}, false},
	} {
		f.sub(test.name, func(f fixture) {
			out, err := f.CreateQueue(f.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: test.with})
			if !test.ok {
				f.refused(err, "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute VisibilityTimeout")
				return
			}
			f.must(err)
			if *out.QueueUrl != url {
				f.Errorf("got URL %s, want %s", *out.QueueUrl, url)
			}
		})
	}
}

func TestRefusesQueueNames(t *testing.T) {
	f := start(t)
	const rule = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
	const fifoRule = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."
	for _, test := range []struct {
		name, queue string
		with        attributes
		text        string
	}{
		{"a space", "a b", nil, rule},
		{"a slash", "a/b", nil, rule},
		{"81 characters", strings.Repeat("q", 81), nil, rule},
		{"a letter that is not ASCII", "ü", nil, rule},
		{"the FIFO ending on a standard queue", "q.fifo", nil, rule},
		{"no FIFO ending on a FIFO queue", "q", attributes{"FifoQueue": "true"}, fifoRule},
		{"81 characters on a FIFO queue", strings.Repeat("q", 76) + ".fifo", attributes{"FifoQueue": "true"}, fifoRule},
	} {
		f.sub(test.name, func(f fixture) {
			_, err := f.CreateQueue(f.Context(), &sqs.CreateQueueInput{QueueName: &test.queue, Attributes: test.with})
			f.refused(err, "InvalidParameterValue", test.text)
		})
	}
}

func TestCallsReportMissingQueue(t *testing.T) {
	f := start(t)
	url := strings.TrimSuffix(f.queue(nil), "/") + "-gone"
	ctx := t.Context()
	entry := aws.String("1")
	for name, call := range map[string]func() error{
		"GetQueueUrl": func() error {
			_, err := f.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("nowhere-at-all")})
			return err
		},
		"GetQueueAttributes": func() error {
			_, err := f.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url})
			return err
		},
		"SendMessage": func() error {
			_, err := f.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: entry})
			return err
		},
		"SendMessageBatch": func() error {
			_, err := f.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{{Id: entry, MessageBody: entry}}})
			return err
		},
		"ReceiveMessage": func() error {
			_, err := f.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url})
			return err
		},
		"DeleteQueue": func() error {
			_, err := f.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url})
			return err
		},
		"PurgeQueue": func() error {
			_, err := f.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &url})
			return err
		},
		"ListQueueTags": func() error {
			_, err := f.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})
			return err
		},
	} {
		f.sub(name, func(f fixture) {
			f.refused(call(), "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
		})
	}
}

func TestDeletesQueueWithItsMessages(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	f.send(url, "lost")
	_, err := f.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &url})
	f.must(err)
	_, err = f.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
	f.refused(err, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

func TestRefusesNameForAMinuteAfterDeletion(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	_, err := f.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &url})
	f.must(err)
	_, err = f.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(url[strings.LastIndex(url, "/")+1:])})
	f.refused(err, "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
}

func TestDeletingQueueEndsItsLongPolls(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	done := make(chan error)
	go func() {
		_, err := f.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
		done <- err
	}()
	f.receive(url, func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = 1 }) // until the other poll is open
	began := time.Now()
	_, err := f.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &url})
	f.must(err)
	<-done
	if waited := time.Since(began); waited > 5*time.Second {
		t.Errorf("the long poll lasted %s after the queue was deleted", waited)
	}
}

func TestFindsQueueURLByName(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	out, err := f.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(url[strings.LastIndex(url, "/")+1:])})
	f.must(err)
	if *out.QueueUrl != url {
		t.Errorf("got %s, want %s", *out.QueueUrl, url)
	}
}

func TestListsQueues(t *testing.T) {
	f := start(t)
	prefix := newName()
	var want []string
	for i := range 5 {
		out, err := f.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(fmt.Sprint(prefix, "-", i))})
		f.must(err)
		deleteAfter(t, f.Client, *out.QueueUrl)
		want = append(want, *out.QueueUrl)
	}
	f.sub("by prefix", func(f fixture) {
		out, err := f.ListQueues(f.Context(), &sqs.ListQueuesInput{QueueNamePrefix: &prefix})
		f.must(err)
		if diff := cmp.Diff(want, out.QueueUrls); diff != "" || out.NextToken != nil {
			f.Errorf("-want +got:\n%s", diff)
		}
	})
	f.sub("in pages of two", func(f fixture) {
		pages := sqs.NewListQueuesPaginator(f.Client, &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: aws.Int32(2)})
		var got []string
		var sizes []int
		for pages.HasMorePages() {
			out, err := pages.NextPage(f.Context())
			f.must(err)
			got, sizes = append(got, out.QueueUrls...), append(sizes, len(out.QueueUrls))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			f.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff([]int{2, 2, 1}, sizes); diff != "" {
			f.Errorf("sizes of the pages, -want +got:\n%s", diff)
		}
	})
	f.sub("by a prefix that no queue has", func(f fixture) {
		out, err := f.ListQueues(f.Context(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String("no-such-prefix")})
		f.must(err)
		if len(out.QueueUrls) != 0 {
			f.Errorf("got %q", out.QueueUrls)
		}
	})
	f.sub("1001 at once is refused", func(f fixture) {
		_, err := f.ListQueues(f.Context(), &sqs.ListQueuesInput{MaxResults: aws.Int32(1001)})
		f.refused(err, "InvalidParameterValue", "Value 1001 for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000, if provided")
	})
}

func TestPurgesQueue(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	f.send(url, "a", "b", "c")
	f.one(f.receive(url, atMost(1))) // a purge also removes messages in flight
	_, err := f.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &url})
	f.must(err)
	if got, want := f.counts(url), [3]string{"0", "0", "0"}; got != want {
		t.Errorf("after the purge: %v messages, want %v", got, want)
	}
	f.send(url, "after")
	if got := *f.one(f.receive(url)).Body; got != "after" {
		t.Errorf("got %q", got)
	}
	t.Run("again within a minute is refused", func(t *testing.T) { // at once: a parallel subtest may start a minute later
		skipKnown(t)
		f := fixture{t, f.Client}
		_, err = f.PurgeQueue(f.Context(), &sqs.PurgeQueueInput{QueueUrl: &url})
		f.refused(err, "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on "+url[strings.LastIndex(url, "/")+1:]+" is allowed every 60 seconds.")
	})
}

func TestPurgeForgetsDeduplicationIDs(t *testing.T) {
	f := start(t)
	url := f.queue(fifo)
	f.sendGroup(url, "g", "x")
	_, err := f.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &url})
	f.must(err)
	f.sendGroup(url, "g", "x")
	f.one(f.receive(url))
}

func TestAcceptsNameInsteadOfURL(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	f.send(url[strings.LastIndex(url, "/")+1:], "x")
	f.one(f.receive(url))
}

// TestRefusesActionsOfTheAccountAtQueueURL sends requests of the query protocol without the SDK,
// which sends none of these to the URL of a queue.
func TestRefusesActionsOfTheAccountAtQueueURL(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	for _, action := range []string{"CreateQueue&QueueName=" + newName(), "ListQueues"} {
		name, _, _ := strings.Cut(action, "&")
		f.sub(name, func(f fixture) {
			request, err := http.NewRequestWithContext(f.Context(), http.MethodGet, url+"?Action="+action, nil)
			f.must(err)
			response, err := http.DefaultClient.Do(request)
			f.must(err)
			defer response.Body.Close()
			answer, err := io.ReadAll(response.Body)
			f.must(err)
			if want := "<Code>InvalidAction</Code><Message>The action " + name + " is not valid for this endpoint.</Message>"; response.StatusCode != http.StatusBadRequest || !strings.Contains(string(answer), want) {
				f.Errorf("got %s %s, want 400 and %s", response.Status, answer, want)
			}
		})
	}
}

func TestChangesTags(t *testing.T) {
	f := start(t)
	out, err := f.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(newName()), Tags: attributes{"team": "a", "old": "x"}})
	f.must(err)
	url := out.QueueUrl
	deleteAfter(t, f.Client, *url)
	_, err = f.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: url, Tags: attributes{"team": "b", "cost": ""}})
	f.must(err)
	_, err = f.UntagQueue(t.Context(), &sqs.UntagQueueInput{QueueUrl: url, TagKeys: []string{"old", "never there"}})
	f.must(err)
	tags, err := f.ListQueueTags(t.Context(), &sqs.ListQueueTagsInput{QueueUrl: url})
	f.must(err)
	if diff := cmp.Diff(attributes{"team": "b", "cost": ""}, tags.Tags); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestChangesPermissions(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	add := func(f fixture, label string, actions ...string) error {
		_, err := f.AddPermission(f.Context(), &sqs.AddPermissionInput{QueueUrl: &url, Label: &label, AWSAccountIds: []string{"123456789012"}, Actions: actions})
		return err
	}
	f.must(add(f, "one", "SendMessage"))
	policy := f.attributes(url)["Policy"]
	for _, part := range []string{`"one"`, `"SQS:SendMessage"`, "arn:aws:iam::123456789012:root"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy %s does not contain %s", policy, part)
		}
	}
	f.refused(add(f, "one", "SendMessage"), "InvalidParameterValue", "Value one for parameter Label is invalid. Reason: Already exists.")
	_, err := f.RemovePermission(t.Context(), &sqs.RemovePermissionInput{QueueUrl: &url, Label: aws.String("one")})
	f.must(err)
	if policy := f.attributes(url)["Policy"]; policy != "" {
		t.Errorf("the last permission was removed, but the policy is %s", policy)
	}
	_, err = f.RemovePermission(t.Context(), &sqs.RemovePermissionInput{QueueUrl: &url, Label: aws.String("one")})
	f.refused(err, "InvalidParameterValue", "Value one for parameter Label is invalid. Reason: can't find label.")
	f.sub("an owner's action is refused", func(f fixture) {
		f.refused(add(f, "two", "DeleteQueue"), "InvalidParameterValue", "Value SQS:DeleteQueue for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke this action.")
	})
}
