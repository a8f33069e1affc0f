package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sqs2pg/pkg/ingest"
	"sqs2pg/pkg/local/sqsserver"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/telemetry"
)

// direct hands requests to a server without a network: simulated time stops while a goroutine waits
// for one.
type direct struct{ server *sqsserver.Server }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	d.server.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

// outage is a database that cannot be reached until over. A patient write waits until its context
// ends; others fail at once.
type outage struct {
	ledger
	over    time.Time
	patient bool
	ended   time.Time // of the last patient write
}

func (o *outage) Stream(ctx context.Context, epoch int64, soFar iter.Seq[[]postgres.Event]) (postgres.Result, error) {
	if o.patient && time.Now().Before(o.over) {
		<-ctx.Done()
		o.ended = time.Now()
	}
	if time.Now().Before(o.over) {
		return postgres.Result{}, &postgres.Unavailable{Reason: "connection refused", Passing: true}
	}
	return o.ledger.Stream(ctx, epoch, soFar)
}

// TestBackoffSurvivesAnOutageOfAnHour plays the template's queue (visibility timeout 181 s,
// function timeout 30 s) with maxReceiveCount 10 in simulated time.
func TestBackoffSurvivesAnOutageOfAnHour(t *testing.T) {
	t.Parallel()
	c := loginContract(t)
	for name, tt := range map[string]struct {
		outage           time.Duration
		backoff, patient bool
		rows, dead, most int // most receives of a message
	}{
		"with backoff, refused at once":          {time.Hour, true, false, 50, 0, 9},
		"with backoff, waited for":               {time.Hour, true, true, 50, 0, 9},
		"without backoff all messages die":       {time.Hour, false, false, 0, 50, 10},
		"a short outage delays by half a minute": {20 * time.Second, true, false, 50, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(sent)) // simulated time begins before SQS did
				q := newSimulation(t)
				w := &outage{over: time.Now().Add(tt.outage), patient: tt.patient}
				h := handler(t, c, w)
				h.Now = time.Now
				if tt.backoff {
					h.Backoff = &queue.Queue{Client: q.client, URL: q.url}
				}
				most, ended := q.drain(t, &h, 50)
				if dead := q.count(t, "dead"); w.rows != tt.rows || dead != tt.dead || most > tt.most {
					t.Errorf("%d rows, %d dead letters, %d receives at most; want %d, %d, %d", w.rows, dead, most, tt.rows, tt.dead, tt.most)
				}
				if late := ended.Sub(w.over); tt.backoff && late > 20*time.Minute {
					t.Errorf("the last message is loaded %s after the outage", late)
				}
			})
		})
	}
}

// TestKeepsTimeToAnswer uses a database and an SQS that never answer. Simulated time is exact.
func TestKeepsTimeToAnswer(t *testing.T) {
	t.Parallel()
	c := loginContract(t)
	for _, test := range []struct {
		timeout    time.Duration
		backoff    bool
		forBackoff time.Duration // left when the database was given up
		toAnswer   time.Duration // left when SQS was given up, too
	}{
		{time.Second, true, 250 * time.Millisecond, 62500 * time.Microsecond},
		{3 * time.Second, true, 750 * time.Millisecond, 187500 * time.Microsecond},
		{9 * time.Second, true, 2250 * time.Millisecond, 500 * time.Millisecond},
		{30 * time.Second, true, 3 * time.Second, time.Second},
		{30 * time.Second, false, time.Second, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &outage{over: time.Now().Add(time.Hour), patient: true}
			h, metrics := handler(t, c, w), &bytes.Buffer{}
			h.Now, h.Metrics = time.Now, metrics
			if test.backoff {
				h.Backoff = &queue.Queue{Client: newClient(hanging{}), URL: "http://sqs.test/q"}
			}
			ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
			defer cancel()
			e := messages(standard, slices.Repeat([]string{login(nil)}, 100)...)
			if _, err := h.Invoke(ctx, payload(t, e)); err == nil {
				t.Error("no error")
			}
			deadline, _ := ctx.Deadline()
			if left := deadline.Sub(w.ended); left != test.forBackoff {
				t.Errorf("of %s there are %s left for the backoff, want %s", test.timeout, left, test.forBackoff)
			}
			if want := fmt.Sprintf(`"DatabaseTime":%d,`, (test.timeout - test.forBackoff).Milliseconds()); !strings.Contains(metrics.String(), want) {
				t.Errorf("the metrics lack %s: %s", want, metrics)
			}
			if left := time.Until(deadline); left != test.toAnswer {
				t.Errorf("of %s there are %s left to answer, want %s", test.timeout, left, test.toAnswer)
			}
		})
	}
}

func TestBackoffDoublesUpToAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	c := loginContract(t)
	for receives, least := range map[string]time.Duration{
		"": 30 * time.Second, "many": 30 * time.Second, "-5": 30 * time.Second, "1": 30 * time.Second, "2": time.Minute, "3": 2 * time.Minute,
		"5": 8 * time.Minute, "6": 15 * time.Minute, "7": 15 * time.Minute, "1000000": 15 * time.Minute,
	} {
		q := &countingSQS{}
		h := handler(t, c, &outage{over: time.Now().Add(time.Hour)})
		h.Backoff = q
		e := messages(standard, slices.Repeat([]string{login(nil)}, 100)...)
		for i := range e.Records {
			e.Records[i].Attributes["ApproximateReceiveCount"] = receives
		}
		if _, err := h.Invoke(t.Context(), payload(t, e)); err == nil {
			t.Error("no error")
		}
		if q.least < least || q.most > least+least/4 || q.least == q.most {
			t.Errorf("after %q receives messages are hidden for %s to %s, want times from %s to a quarter more", receives, q.least, q.most, least)
		}
	}
}

// hanging is a server that never answers.
type hanging struct{}

func (hanging) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func newClient(server sqs.HTTPClient) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://sqs.test"), HTTPClient: server,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
}

// simulation is the template's queue.
type simulation struct {
	client *sqs.Client
	url    string
}

func newSimulation(t *testing.T) *simulation {
	server := sqsserver.New(sqsserver.Options{})
	t.Cleanup(server.Close)
	s := &simulation{client: newClient(direct{server})}
	s.create(t, "dead", nil)
	s.url = s.create(t, "logins", map[string]string{
		"VisibilityTimeout": "181", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"10"}`,
	})
	return s
}

func (s *simulation) create(t *testing.T, name string, attributes map[string]string) string {
	t.Helper()
	out, err := s.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

func (s *simulation) count(t *testing.T, name string) (n int) {
	t.Helper()
	url := s.url[:len(s.url)-len("logins")] + name
	out, err := s.client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"} {
		part, _ := strconv.Atoi(out.Attributes[name])
		n += part
	}
	return n
}

// drain sends n messages and hands them to the function as Lambda does, until the queue is empty.
// It returns the most receives of a message, and when the queue was empty.
func (s *simulation) drain(t *testing.T, h *ingest.Handler, n int) (most int, ended time.Time) {
	t.Helper()
	for range n {
		if _, err := s.client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &s.url, MessageBody: aws.String(login(nil))}); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(4 * time.Hour); s.count(t, "logins") > 0; time.Sleep(time.Second) {
		if time.Now().After(end) {
			t.Fatal("the queue is not empty after 4 hours")
		}
		out, err := s.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &s.url, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, s.invoke(t, h, out.Messages))
	}
	return most, time.Now()
}

// invoke returns the most receives of a message.
func (s *simulation) invoke(t *testing.T, h *ingest.Handler, received []types.Message) (most int) {
	if len(received) == 0 {
		return 0
	}
	var e events.SQSEvent
	for _, m := range received {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, EventSourceARN: standard, Attributes: m.Attributes,
		})
		receives, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
		most = max(most, receives)
	}
	p, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := h.Invoke(ctx, p); err != nil {
		return most
	}
	for _, m := range received {
		if _, err := s.client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &s.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(fmt.Errorf("delete: %w", err))
		}
	}
	return most
}

// FuzzBackoff checks that each message that comes back is hidden once, for 30 s to 19 minutes,
// whatever the payload.
func FuzzBackoff(f *testing.F) {
	e := messages(standard, slices.Repeat([]string{login(nil)}, 25)...)
	for i, receives := range []string{"", "0", "-1", "1", "9", "1000000", "99999999999999999999", "many"} {
		e.Records[i].Attributes["ApproximateReceiveCount"] = receives
	}
	f.Add(payload(f, e))
	f.Add([]byte(`{"Records":[{"messageId":"m","receiptHandle":null,"attributes":null}]}`))
	f.Add([]byte(`{"Records":[{"messageId":"m","receiptHandle":1}]}`))
	f.Add([]byte(`{"Records":[{"messageId":"m","receiptHandle":"\ud800"},{"messageId":"n"}]}`))
	c := loginContract(f)
	f.Fuzz(func(t *testing.T, p []byte) {
		q := &countingSQS{}
		h := handler(t, c, &outage{over: time.Now().Add(time.Hour)})
		h.Backoff = q
		var unavailable *ingest.Unavailable
		if _, err := h.Invoke(t.Context(), p); !errors.As(err, &unavailable) {
			return
		}
		var sent struct {
			Records []struct{ ReceiptHandle string }
		}
		if json.Unmarshal(p, &sent) != nil {
			return // encoding/json is stricter in places
		}
		if q.n != len(sent.Records) {
			t.Errorf("%d of %d messages are hidden", q.n, len(sent.Records))
		}
		if q.n > 0 && (q.least < 30*time.Second || q.most > 19*time.Minute) {
			t.Errorf("messages are hidden for %s to %s", q.least, q.most)
		}
	})
}

func TestLogSaysHowManyMessagesAreNotHidden(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := handler(t, loginContract(t), &outage{over: time.Now().Add(time.Hour)})
	h.Log, h.Backoff = telemetry.NewLogger(&log, ""), refusing{}
	if _, err := h.Invoke(t.Context(), payload(t, messages(standard, slices.Repeat([]string{login(nil)}, 10)...))); err == nil {
		t.Error("no error")
	}
	if want := "7 of 10 messages keep the queue's visibility timeout"; !strings.Contains(log.String(), want) {
		t.Errorf("the log lacks %q:\n%s", want, &log)
	}
}

// refusing is an SQS that hides three messages and then refuses.
type refusing struct{}

func (refusing) ChangeVisibility(context.Context, []queue.Visibility) (int, error) {
	return 3, errors.New("AccessDenied")
}

// countingSQS hides every message.
type countingSQS struct {
	n           int
	least, most time.Duration
}

func (q *countingSQS) ChangeVisibility(_ context.Context, messages []queue.Visibility) (int, error) {
	q.n += len(messages)
	for _, m := range messages {
		if q.least == 0 || m.Timeout < q.least {
			q.least = m.Timeout
		}
		q.most = max(q.most, m.Timeout)
	}
	return len(messages), nil
}
