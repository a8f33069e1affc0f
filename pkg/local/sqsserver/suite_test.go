// The tests here know SQS's behaviour and nothing of this package: they drive the AWS SDK against New, or against any
// endpoint in SQS_TEST_ENDPOINT (LocalStack, moto, AWS itself). Where endpoints differ, AWS's documentation decides; what is
// known to be otherwise elsewhere is listed in differences, and skipped with its reason. The exceptions, which can only run
// against this package, are the tests of time (TestTime*) and of the wire (TestWire*, FuzzWire).
package sqsserver_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"sqs2pg/pkg/local/sqsserver"
)

// endpoint is where the suite runs; "" = a server of this package for each test.
var endpoint = os.Getenv("SQS_TEST_ENDPOINT")

// fixture is a client and the test it belongs to.
type fixture struct {
	*testing.T
	*sqs.Client
}

// start makes the fixture of a parallel test, or skips the test where the endpoint is known to differ.
func start(t *testing.T) fixture {
	t.Helper()
	t.Parallel()
	skipKnown(t)
	return fixture{t, client(t)}
}

func skipKnown(t *testing.T) {
	t.Helper()
	if reason := differences[t.Name()]; endpoint != "" && reason != "" {
		t.Skip("differs at this endpoint: " + reason)
	}
}

// sub runs a subtest with the same client.
func (f fixture) sub(name string, run func(fixture)) {
	f.Helper()
	f.Run(name, func(t *testing.T) {
		t.Parallel()
		skipKnown(t)
		run(fixture{t, f.Client})
	})
}

func client(tb testing.TB) *sqs.Client {
	tb.Helper()
	url := endpoint
	if url == "" {
		s := sqsserver.New(sqsserver.Options{})
		web := httptest.NewServer(s)
		tb.Cleanup(func() { s.Close(); web.Close() })
		url = web.URL
	}
	return sqs.New(sqs.Options{
		BaseEndpoint:     &url,
		Region:           cmp.Or(os.Getenv("AWS_REGION"), "us-east-1"),
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       ownBody{},
	})
}

// ownBody sends requests from a body of its own. The SDK closes the one it passes as soon as the head of the answer is here,
// which can be before the transport's last read of it: the transport then gives up the connection, and the rest of the answer
// with it. Only a server on the same machine with a long answer is quick enough for that.
type ownBody struct{}

func (ownBody) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultClient.Do(r)
}

type attributes = map[string]string

func newName() string { return "t-" + rand.Text() }

// queue creates a queue that is deleted after the test, and returns its URL. FifoQueue in the attributes makes it FIFO.
func (f fixture) queue(a attributes) string {
	f.Helper()
	return newQueue(f, f.Client, a)
}

func newQueue(tb testing.TB, c *sqs.Client, a attributes) string {
	tb.Helper()
	name := newName()
	if a["FifoQueue"] == "true" {
		name += ".fifo"
	}
	out, err := c.CreateQueue(tb.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: a})
	if err != nil {
		tb.Fatal(err)
	}
	deleteAfter(tb, c, *out.QueueUrl)
	return *out.QueueUrl
}

func deleteAfter(tb testing.TB, c *sqs.Client, url string) {
	tb.Cleanup(func() {
		_, _ = c.DeleteQueue(context.WithoutCancel(tb.Context()), &sqs.DeleteQueueInput{QueueUrl: &url})
	})
}

// attributes returns the attributes asked for, All by default.
func (f fixture) attributes(url string, names ...types.QueueAttributeName) attributes {
	f.Helper()
	if names == nil {
		names = []types.QueueAttributeName{"All"}
	}
	out, err := f.GetQueueAttributes(f.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	f.must(err)
	return out.Attributes
}

func (f fixture) arn(url string) string {
	f.Helper()
	return f.attributes(url, "QueueArn")["QueueArn"]
}

// withDLQ returns a queue, with the attributes besides its redrive policy, and its dead-letter queue.
func (f fixture) withDLQ(most int, a attributes) (url, dlq string) {
	f.Helper()
	all := attributes{}
	for name, value := range a {
		all[name] = value
	}
	dlq = f.queue(all)
	all["RedrivePolicy"] = redrivePolicy(f.arn(dlq), most)
	return f.queue(all), dlq
}

func redrivePolicy(arn string, most int) string {
	return `{"deadLetterTargetArn":"` + arn + `","maxReceiveCount":` + strconv.Itoa(most) + `}`
}

// send sends messages one by one.
func (f fixture) send(url string, bodies ...string) {
	f.Helper()
	for _, body := range bodies {
		_, err := f.SendMessage(f.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
		f.must(err)
	}
}

// sendGroup sends messages of a FIFO queue's group; each is its own deduplication id.
func (f fixture) sendGroup(url, group string, bodies ...string) {
	f.Helper()
	for _, body := range bodies {
		_, err := f.SendMessage(f.Context(), &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: aws.String(group + body),
		})
		f.must(err)
	}
}

// receive takes up to ten messages, with everything there is to know of them. It waits for the first.
func (f fixture) receive(url string, change ...func(*sqs.ReceiveMessageInput)) []types.Message {
	f.Helper()
	in := &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"},
	}
	for _, do := range change {
		do(in)
	}
	out, err := f.ReceiveMessage(f.Context(), in)
	f.must(err)
	return out.Messages
}

func atOnce(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = 0 }

func atMost(n int32) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = n }
}

func hiddenFor(seconds int32) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.VisibilityTimeout = seconds }
}

// one is the single message of a receive.
func (f fixture) one(got []types.Message) types.Message {
	f.Helper()
	if len(got) != 1 {
		f.Fatalf("received %d messages, want 1: %q", len(got), bodies(got))
	}
	return got[0]
}

func bodies(got []types.Message) []string {
	list := []string{}
	for _, m := range got {
		list = append(list, *m.Body)
	}
	return list
}

func (f fixture) delete(url string, got ...types.Message) {
	f.Helper()
	for _, m := range got {
		_, err := f.DeleteMessage(f.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
		f.must(err)
	}
}

// show makes messages visible again at once.
func (f fixture) show(url string, got ...types.Message) {
	f.Helper()
	for _, m := range got {
		f.must(f.setVisibility(url, m, 0))
	}
}

func (f fixture) setVisibility(url string, m types.Message, seconds int32) error {
	_, err := f.ChangeMessageVisibility(f.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds,
	})
	return err
}

// counts returns the visible, in-flight and delayed messages.
func (f fixture) counts(url string) [3]string {
	f.Helper()
	a := f.attributes(url)
	return [3]string{
		a["ApproximateNumberOfMessages"], a["ApproximateNumberOfMessagesNotVisible"], a["ApproximateNumberOfMessagesDelayed"],
	}
}

func (f fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// refused wants the call to have failed with the code, and with AWS's text where this package is under test: other endpoints
// word it in their own way.
func (f fixture) refused(err error, code, text string) {
	f.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		f.Fatalf("got error %v, want %s", err, code)
	}
	if e.ErrorCode() != code {
		f.Errorf("got error code %s (%s), want %s", e.ErrorCode(), e.ErrorMessage(), code)
	}
	if endpoint == "" && e.ErrorMessage() != text {
		f.Errorf("got error text %q, want %q", e.ErrorMessage(), text)
	}
}
