// Package sqstest gives every test an SQS endpoint of its own, over the wire, and the few calls
// that tests make of it.
//
// The endpoint is pkg/local/sqsserver. Only tests import this package.
package sqstest

import (
	"crypto/rand"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sqs2pg/pkg/local/sqsserver"
	"sqs2pg/pkg/queue"
)

// Server is one test's own SQS. Its methods fail the test that is given to them, and are safe for
// concurrent use.
type Server struct {
	URL    string // the endpoint
	Client *sqs.Client
}

// Start starts a server without queues, and stops it when the test ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	endpoint, err := sqsserver.Listen("127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(endpoint.Close)
	config := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}
	return &Server{endpoint.URL, queue.NewClient(config, endpoint.URL)}
}

// CreateQueue returns the URL of a new queue. A name that ends in .fifo makes a FIFO queue.
func (s *Server) CreateQueue(tb testing.TB, name string, attributes map[string]string) (queueURL string) {
	tb.Helper()
	all := map[string]string{}
	if strings.HasSuffix(name, ".fifo") {
		all["FifoQueue"] = "true"
	}
	maps.Copy(all, attributes)
	out, err := s.Client.CreateQueue(tb.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: all})
	if err != nil {
		tb.Fatal(err)
	}
	return *out.QueueUrl
}

// CreateQueues makes a queue, and its dead-letter queue, which is called dead- and the queue's
// name. A message is dead after that many receives. attributes are the queue's.
func (s *Server) CreateQueues(tb testing.TB, name string, receives int, attributes map[string]string) (queueURL, deadURL string) {
	tb.Helper()
	deadURL = s.CreateQueue(tb, "dead-"+name, nil)
	all := map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead-%s","maxReceiveCount":%d}`, name, receives),
	}
	maps.Copy(all, attributes)
	return s.CreateQueue(tb, name, all), deadURL
}

// Count returns how many messages are on a queue: "3", or "3 in flight" where some are not visible.
func (s *Server) Count(tb testing.TB, queueURL string) string {
	tb.Helper()
	visible, hidden := s.Depth(tb, queueURL)
	if hidden > 0 {
		return fmt.Sprint(hidden, " in flight")
	}
	return strconv.Itoa(visible)
}

// Depth returns how many messages of a queue are visible, and how many are not.
func (s *Server) Depth(tb testing.TB, queueURL string) (visible, hidden int) {
	tb.Helper()
	out, err := s.Client.GetQueueAttributes(tb.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		tb.Fatal(err)
	}
	visible, _ = strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"])
	hidden, _ = strconv.Atoi(out.Attributes["ApproximateNumberOfMessagesNotVisible"])
	return visible, hidden
}

// Send sends bodies in order. On a FIFO queue they are in one message group.
func (s *Server) Send(tb testing.TB, queueURL string, bodies []string) {
	tb.Helper()
	s.send(tb, queueURL, bodies, func(int, *types.SendMessageBatchRequestEntry) {})
}

// SendAs sends bodies as events that have identities of their own, so that sending them again
// repeats the events. They were sent at 2026-03-01T12:00:00Z.
func (s *Server) SendAs(tb testing.TB, queueURL string, bodies []string, id func(i int) string) {
	tb.Helper()
	s.send(tb, queueURL, bodies, func(i int, e *types.SendMessageBatchRequestEntry) {
		e.MessageAttributes = map[string]types.MessageAttributeValue{"event-id": text(id(i)), "event-sent-at": text("2026-03-01T12:00:00Z")}
	})
}

func text(s string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
}

func (s *Server) send(tb testing.TB, queueURL string, bodies []string, complete func(i int, e *types.SendMessageBatchRequestEntry)) {
	tb.Helper()
	for start := 0; start < len(bodies); start += 10 {
		var entries []types.SendMessageBatchRequestEntry
		for i := start; i < min(start+10, len(bodies)); i++ {
			e := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &bodies[i]}
			if strings.HasSuffix(queueURL, ".fifo") {
				e.MessageGroupId, e.MessageDeduplicationId = aws.String("g"), aws.String(rand.Text())
			}
			complete(i, &e)
			entries = append(entries, e)
		}
		out, err := s.Client.SendMessageBatch(tb.Context(), &sqs.SendMessageBatchInput{QueueUrl: &queueURL, Entries: entries})
		if err != nil {
			tb.Fatal(err)
		}
		if len(out.Failed) > 0 {
			tb.Fatal("SQS refused a message: ", aws.ToString(out.Failed[0].Message))
		}
	}
}
