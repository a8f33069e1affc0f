package sending_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/sqsserver"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/queue/sending"
)

// newQueue makes a queue behind a handler that may lose calls.
func newQueue(t *testing.T, name string, wrap func(http.Handler) http.Handler) *queue.Queue {
	t.Helper()
	server := sqsserver.New(sqsserver.Options{})
	t.Cleanup(func() { server.Close() })
	web := httptest.NewServer(wrap(server))
	t.Cleanup(web.Close)
	client := queue.NewClient(aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}, web.URL)
	attributes := map[string]string{}
	if strings.HasSuffix(name, ".fifo") {
		attributes["FifoQueue"] = "true"
	}
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return queue.New(client, *out.QueueUrl)
}

// sends calls lose for each call that sends, with its number; a call that lose returns true for has no
// answer.
func sends(lose func(n int32, h http.Handler, w http.ResponseWriter, r *http.Request) bool) func(http.Handler) http.Handler {
	var n atomic.Int32
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessageBatch" || !lose(n.Add(1), h, w, r) {
				h.ServeHTTP(w, r)
				return
			}
			panic(http.ErrAbortHandler)
		})
	}
}

func numbered(n int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for i := range n {
			if !yield(fmt.Sprint(i), nil) {
				return
			}
		}
	}
}

// received are the bodies on a queue, sorted.
func received(t *testing.T, q *queue.Queue) (got []string) {
	t.Helper()
	for {
		out, err := q.Client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.URL, MaxNumberOfMessages: 10, VisibilityTimeout: 600})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			slices.Sort(got)
			return got
		}
		for _, m := range out.Messages {
			got = append(got, *m.Body)
			if _, err := q.Client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &q.URL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func want(n int, twice ...string) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(i))
	}
	all = append(all, twice...)
	slices.Sort(all)
	return all
}

func TestSendsAgainAfterAnOutage(t *testing.T) {
	t.Parallel()
	ten := want(20)[2:12] // the messages of the second call: 10 to 19
	for name, tt := range map[string]struct {
		queue string
		taken bool // SQS has taken the messages whose answer is lost
		want  []string
		sent  sending.Sent
	}{
		"calls that SQS did not get": {"logins", false, want(35), sending.Sent{Messages: 35, Unsure: 20}},
		"answers that were lost":     {"logins", true, want(35, slices.Concat(ten, ten)...), sending.Sent{Messages: 35, Unsure: 20}},
		"a FIFO queue":               {"logins.fifo", true, want(35), sending.Sent{Messages: 35}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(t, tt.queue, sends(func(n int32, h http.Handler, w http.ResponseWriter, r *http.Request) bool {
				lost := n == 2 || n == 3
				if lost && tt.taken {
					h.ServeHTTP(httptest.NewRecorder(), r)
				}
				return lost
			}))
			sent, err := (&sending.Job{Queue: q, Group: "g", Bodies: numbered(35), Total: 35, Screen: io.Discard}).Run(t.Context())
			if sent != tt.sent || err != nil {
				t.Errorf("%+v, %v, want %+v", sent, err, tt.sent)
			}
			if diff := cmp.Diff(tt.want, received(t, q)); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

// screen is a pipe in which somebody waits for a text.
type screen struct {
	at   string
	came func()

	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	if strings.Contains(string(p), s.at) {
		s.came()
	}
	return len(p), nil
}

func TestSaysSinceWhenSQSIsAwayAndWhatIsSentWhenStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	q := newQueue(t, "logins", sends(func(n int32, _ http.Handler, _ http.ResponseWriter, _ *http.Request) bool { return n > 2 }))
	pipe := &screen{at: "outage since", came: stop}
	sent, err := (&sending.Job{Queue: q, Bodies: numbered(35), Total: 35, Screen: pipe}).Run(ctx)
	if !errors.Is(err, sending.ErrStopped) || sent.Messages != 20 {
		t.Errorf("%+v, %v", sent, err)
	}
	if said := pipe.text.String(); !strings.Contains(said, "20 of 35 messages sent; outage since ") || !strings.Contains(said, ": SQS cannot be reached at ") {
		t.Errorf("says %q", said)
	}
}

func TestSavesTheCallInProgressWhenStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	q := newQueue(t, "logins", sends(func(n int32, _ http.Handler, _ http.ResponseWriter, _ *http.Request) bool {
		if n == 2 {
			stop()
		}
		return false
	}))
	sent, err := (&sending.Job{Queue: q, Bodies: numbered(35), Total: 35, Screen: io.Discard}).Run(ctx)
	if !errors.Is(err, sending.ErrStopped) || sent != (sending.Sent{Messages: 20}) {
		t.Errorf("%+v, %v", sent, err)
	}
	if got := received(t, q); len(got) != 20 {
		t.Errorf("the queue holds %d", len(got))
	}
}

func TestStopsAtTheFirstRefusal(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "logins", func(h http.Handler) http.Handler { return h })
	bodies := func(yield func(string, error) bool) {
		for i := range 30 {
			body := fmt.Sprint(i)
			if i == 14 {
				body = "\x00"
			}
			if !yield(body, nil) {
				return
			}
		}
	}
	sent, err := (&sending.Job{Queue: q, Bodies: bodies, Total: 30, Screen: io.Discard}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "message 15, with InvalidMessageContents") || sent.Messages != 19 {
		t.Errorf("%+v, %v", sent, err)
	}
}
