package eventsource_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json"
	"go.uber.org/goleak"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/sqsserver"
	"sqs2pg/pkg/queue"
)

func TestMain(m *testing.M) {
	if os.Getenv("SQS_TEST_ENDPOINT") != "" {
		prefix = fmt.Sprintf("run%d-", time.Now().UnixMilli())
	}
	goleak.VerifyTestMain(m)
}

func config() aws.Config {
	return aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

// prefix makes the names of queues unique to a run of the tests, for an endpoint that outlives it.
var prefix string

// endpoint serves SQS for one test, through the wrapper if there is one. Without a wrapper and with
// SQS_TEST_ENDPOINT set, that endpoint is used, for example LocalStack's.
func endpoint(tb testing.TB, wrap func(http.Handler) http.Handler) *sqs.Client {
	tb.Helper()
	if other := os.Getenv("SQS_TEST_ENDPOINT"); other != "" && wrap == nil {
		return queue.NewClient(config(), other)
	}
	handler := sqsserver.New(sqsserver.Options{})
	var served http.Handler = handler
	if wrap != nil {
		served = wrap(handler)
	}
	server := httptest.NewServer(served)
	tb.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		handler.Close()
	})
	return queue.NewClient(config(), server.URL)
}

func newQueue(tb testing.TB, client *sqs.Client, name string, attributes map[string]string) string {
	tb.Helper()
	if strings.HasSuffix(name, ".fifo") {
		attributes["FifoQueue"] = "true"
	}
	name = prefix + name
	out, err := client.CreateQueue(tb.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		tb.Fatal(err)
	}
	return *out.QueueUrl
}

// withRedrive makes a queue and its dead-letter queue.
func withRedrive(tb testing.TB, client *sqs.Client, name string, maxReceiveCount int, attributes map[string]string) (url, dead string) {
	tb.Helper()
	deadName := "dead-" + name
	dead = newQueue(tb, client, deadName, map[string]string{})
	if attributes == nil {
		attributes = map[string]string{}
	}
	attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":%d}`, prefix+deadName, maxReceiveCount)
	return newQueue(tb, client, name, attributes), dead
}

// depth is the number of messages on the queue, visible or not.
func depth(tb testing.TB, client *sqs.Client, url string) (visible, hidden string) {
	tb.Helper()
	out, err := client.GetQueueAttributes(context.WithoutCancel(tb.Context()), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		tb.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"], out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func wantDepth(tb testing.TB, client *sqs.Client, url string, visible, hidden int) {
	tb.Helper()
	v, h := depth(tb, client, url)
	if v != fmt.Sprint(visible) || h != fmt.Sprint(hidden) {
		tb.Errorf("the queue has %s visible and %s hidden messages, want %d and %d", v, h, visible, hidden)
	}
}

// numbered are bodies "0", "1", ...
func numbered(n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprint(i)
	}
	return bodies
}

func send(tb testing.TB, client *sqs.Client, url string, bodies []string) {
	tb.Helper()
	for chunk := range slices.Chunk(bodies, 10) {
		entries := make([]types.SendMessageBatchRequestEntry, len(chunk))
		for i, body := range chunk {
			entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &body}
		}
		out, err := client.SendMessageBatch(tb.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
		if err != nil || len(out.Failed) > 0 {
			tb.Fatal(err, out)
		}
	}
}

// function keeps the events that it is invoked with.
type function struct {
	answer func(e events.SQSEvent) ([]byte, error)

	mu     sync.Mutex
	events []events.SQSEvent
	sizes  []int
}

func (f *function) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.events = append(f.events, e)
	f.sizes = append(f.sizes, len(payload))
	f.mu.Unlock()
	if f.answer == nil {
		return nil, nil
	}
	return f.answer(e)
}

// bodies are the bodies of all events, in the order of the invocations.
func (f *function) bodies() []string {
	var bodies []string
	for _, e := range f.events {
		for _, m := range e.Records {
			bodies = append(bodies, m.Body)
		}
	}
	return bodies
}

// failing reports the messages with these bodies as failed.
func failing(bodies ...string) func(events.SQSEvent) ([]byte, error) {
	return func(e events.SQSEvent) ([]byte, error) {
		response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, m := range e.Records {
			if slices.Contains(bodies, m.Body) {
				response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return json.Marshal(response)
	}
}

func run(tb testing.TB, m eventsource.Mapping) eventsource.Summary {
	tb.Helper()
	if m.IdleTimeout == 0 {
		m.IdleTimeout = 100 * time.Millisecond
	}
	summary, err := m.Run(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return summary
}
