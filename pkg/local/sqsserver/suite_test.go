// This suite tests the behaviour of SQS with the AWS SDK, without knowledge of this package. It
// runs against a Server, or against the endpoint in SQS_TEST_ENDPOINT (LocalStack, moto, AWS).
// Where endpoints differ, AWS's documentation decides. The map differences lists the known
// differences of other endpoints; the suite skips those tests and prints the reason. The tests of
// time (TestTime*) and of the wire format (TestWire*, FuzzWire, FuzzQuery) run only against this
// package.
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

// endpoint is the endpoint under test; "" means a Server for each test.
var endpoint = os.Getenv("SQS_TEST_ENDPOINT")

// fixture is a test with its client.
type fixture struct {
	*testing.T
	*sqs.Client
}

// start returns the fixture of a parallel test. It skips the test if the endpoint is known to
// differ.
func start(t *testing.T) fixture {
	t.Helper()
	t.Parallel()
	skipKnown(t)
	return fixture{t, client(t)}
}

func skipKnown(t *testing.T) {
	t.Helper()
	if reason := differences[t.Name()]; endpoint != "" && reason != "" {
		t.Skip("this endpoint differs: " + reason)
	}
}

// sub runs a parallel subtest with the same client.
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

// ownBody sends a copy of the request's body. The SDK closes the original when the headers of the
// answer arrive. If the transport has not read the body to its end by then, it closes the
// connection, and the rest of the answer is lost. This happens only with a long answer of a server
// on the same machine.
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

// queue creates a queue that is deleted after the test, and returns its URL. FifoQueue in the
// attributes makes it FIFO.
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

// attributes returns the named attributes of a queue; without names, all.
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

// withDLQ creates a queue and its dead-letter queue. Both get the attributes, and the queue a
// redrive policy with that maxReceiveCount.
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

// sendGroup sends messages of one group to a FIFO queue. The deduplication id is group and body.
func (f fixture) sendGroup(url, group string, bodies ...string) {
	f.Helper()
	for _, body := range bodies {
		_, err := f.SendMessage(f.Context(), &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: aws.String(group + body),
		})
		f.must(err)
	}
}

// receive receives up to ten messages with all attributes. It waits up to five seconds for the
// first.
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

// one returns the only message of a receive, and fails the test if there is another number of
// messages.
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

// show makes messages visible again immediately.
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

// counts returns the numbers of visible, in-flight and delayed messages.
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

// refused checks that the call failed with the code. It compares AWS's text only if this package is
// under test, because other endpoints have their own texts.
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
