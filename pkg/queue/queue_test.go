package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sqs2pg/pkg/local/sqsserver"
	"sqs2pg/pkg/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client serves SQS for one test, through the wrapper if there is one.
func client(t *testing.T, wrap func(http.Handler) http.Handler) *sqs.Client {
	t.Helper()
	handler := sqsserver.New(sqsserver.Options{})
	var served http.Handler = handler
	if wrap != nil {
		served = wrap(handler)
	}
	server := httptest.NewServer(served)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		handler.Close()
	})
	return clientOf(server.URL)
}

func clientOf(endpoint string) *sqs.Client {
	return queue.NewClient(aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}, endpoint)
}

// intercept answers the n-th call of one operation (1 is the first) after SQS has done it, or
// instead of it.
func intercept(operation string, answer func(n int32, h http.Handler, w http.ResponseWriter, r *http.Request)) func(http.Handler) http.Handler {
	var calls atomic.Int32
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Amz-Target") == "AmazonSQS."+operation {
				answer(calls.Add(1), h, w, r)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
}

func create(t *testing.T, c *sqs.Client, name string) (q, dead *queue.Queue) {
	t.Helper()
	created, err := queue.Create(t.Context(), c, name, wanted)
	if err != nil {
		t.Fatal(err)
	}
	return created.Queue, created.Dead
}

func bodies(all ...string) []queue.Message {
	messages := make([]queue.Message, len(all))
	for i := range all {
		messages[i].MessageBody = &all[i]
	}
	return messages
}

func numbered(n int) []queue.Message {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return bodies(all...)
}

func sendAll(t *testing.T, q *queue.Queue, messages []queue.Message) {
	t.Helper()
	for len(messages) > 0 {
		n, refused, err := q.Send(t.Context(), messages)
		if err != nil || len(refused) > 0 {
			t.Fatal(refused, err)
		}
		messages = messages[n:]
	}
}

// receive takes messages off the queue until it is empty, and returns their receipt handles.
func receive(t *testing.T, q *queue.Queue) (handles []string) {
	t.Helper()
	for {
		out, err := q.Client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.URL, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return handles
		}
		for _, m := range out.Messages {
			handles = append(handles, *m.ReceiptHandle)
		}
	}
}

func wantDepth(t *testing.T, q *queue.Queue, visible, inFlight int) {
	t.Helper()
	a, err := q.Attributes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a.Visible != visible || a.InFlight != inFlight {
		t.Errorf("%d visible and %d in flight, want %d and %d", a.Visible, a.InFlight, visible, inFlight)
	}
}

func TestCreateMakesTheQueueThatAttributesDescribe(t *testing.T) {
	t.Parallel()
	for name, dead := range map[string]string{"logins": "logins-dlq", "logins.fifo": "logins-dlq.fifo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, nil)
			q, d := create(t, c, name)
			again, _ := create(t, c, name)
			if q.Name() != name || d.Name() != dead || again.URL != q.URL || q.FIFO() != strings.HasSuffix(name, ".fifo") {
				t.Errorf("queues %s (FIFO %t), %s and %s", q.Name(), q.FIFO(), d.Name(), again.URL)
			}
			got, err := q.Attributes(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := queue.Attributes{
				ARN: "arn:aws:sqs:us-east-1:000000000000:" + name, Region: "us-east-1", Account: "000000000000",
				VisibilityTimeout: time.Minute, Retention: 4 * 24 * time.Hour, Encrypted: true,
				DeadLetterARN: "arn:aws:sqs:us-east-1:000000000000:" + dead, MaxReceiveCount: 7,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			found, err := queue.FindARN(t.Context(), c, got.DeadLetterARN)
			if err != nil || found.URL != d.URL {
				t.Errorf("found by its ARN: %v, %v; want %s", found, err, d.URL)
			}
		})
	}
}

// SQS returns a redrive policy as it was given: the count is a number for some and a string for
// others.
func TestAttributesTakeMaxReceiveCountAsNumberAndAsString(t *testing.T) {
	t.Parallel()
	c := client(t, nil)
	q, dead := create(t, c, "logins")
	a, err := dead.Attributes(t.Context())
	if err != nil || a.DeadLetterARN != "" || a.MaxReceiveCount != 0 {
		t.Errorf("without a policy: %+v, %v", a, err)
	}
	for _, count := range []string{`5`, `"5"`} {
		policy := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%s}`, a.ARN, count)
		if _, err := c.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &q.URL, Attributes: map[string]string{"RedrivePolicy": policy}}); err != nil {
			t.Fatal(err)
		}
		if got, err := q.Attributes(t.Context()); err != nil || got.MaxReceiveCount != 5 || got.DeadLetterARN != a.ARN {
			t.Errorf("count %s: %+v, %v", count, got, err)
		}
	}
}

func TestFindTakesNameAndURL(t *testing.T) {
	t.Parallel()
	c := client(t, nil)
	q, _ := create(t, c, "logins")
	for _, given := range []string{"logins", q.URL} {
		if found, err := queue.Find(t.Context(), c, given); err != nil || found.URL != q.URL {
			t.Errorf("%s: %v, %v; want %s", given, found, err, q.URL)
		}
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	c := client(t, nil)
	nowhere := clientOf("http://127.0.0.1:1")
	denied := client(t, intercept("GetQueueUrl", func(_ int32, _ http.Handler, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"__type":"com.amazonaws.sqs#AccessDeniedException","message":"sqs:GetQueueUrl is not allowed"}`)
	}))
	for name, tt := range map[string]struct {
		client *sqs.Client
		is     error
		want   string
	}{
		"no such queue": {c, queue.ErrMissing, "queue does not exist: logins at " + *c.Options().BaseEndpoint + ": correct the name, or make it with sqs2pg queue create logins --endpoint-url " + *c.Options().BaseEndpoint},
		"no SQS":        {nowhere, queue.ErrUnreachable, "SQS cannot be reached at http://127.0.0.1:1 (dial tcp 127.0.0.1:1: connect: connection refused): see whether it runs there"},
		"refused":       {denied, nil, "queue logins: api error AccessDeniedException: sqs:GetQueueUrl is not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := queue.Find(t.Context(), tt.client, "logins")
			if err == nil || err.Error() != tt.want || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v\nwant  %s", err, tt.want)
			}
		})
	}
}

func TestDeletesAndPostponesMoreThanOneCallTakes(t *testing.T) {
	t.Parallel()
	q, _ := create(t, client(t, nil), "logins")
	sendAll(t, q, numbered(95))
	handles := receive(t, q)
	visible := make([]queue.Visibility, 42)
	for i := range visible {
		visible[i] = queue.Visibility{ReceiptHandle: handles[i]}
	}
	if n, err := q.ChangeVisibility(t.Context(), visible); n != 42 || err != nil {
		t.Errorf("%d changed, %v", n, err)
	}
	wantDepth(t, q, 42, 53)
	if n, err := q.Delete(t.Context(), handles[42:]); n != 53 || err != nil {
		t.Errorf("%d deleted, %v", n, err)
	}
	wantDepth(t, q, 42, 0)
	if n, err := q.Delete(t.Context(), nil); n != 0 || err != nil {
		t.Errorf("no message: %d deleted, %v", n, err)
	}
}

// A batch call answers with status 200 although some of its entries failed.
func TestRetriesTheEntriesThatMaySucceed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer  string
		deleted int
		code    string
		calls   int32
	}{
		"the service's fault": {`{"Failed":[{"Id":"0","Code":"InternalError","SenderFault":false},{"Id":"2","Code":"InternalError","SenderFault":false}]}`, 4, "", 2},
		"the sender's fault":  {`{"Failed":[{"Id":"1","Code":"ReceiptHandleIsInvalid","SenderFault":true}]}`, 3, "ReceiptHandleIsInvalid", 1},
		"both":                {`{"Failed":[{"Id":"1","Code":"ReceiptHandleIsInvalid","SenderFault":true},{"Id":"3","Code":"InternalError","SenderFault":false}]}`, 3, "ReceiptHandleIsInvalid", 2},
		"an unknown entry":    {`{"Failed":[{"Id":"7","Code":"InternalError","SenderFault":false}]}`, 3, "InternalError", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			q, _ := create(t, client(t, intercept("DeleteMessageBatch", func(n int32, h http.Handler, w http.ResponseWriter, r *http.Request) {
				if calls.Store(n); n > 1 {
					h.ServeHTTP(w, r)
					return
				}
				h.ServeHTTP(httptest.NewRecorder(), r) // it is deleted, but the answer says otherwise
				io.WriteString(w, tt.answer)
			})), "logins")
			sendAll(t, q, numbered(4))
			deleted, err := q.Delete(t.Context(), receive(t, q))
			if deleted != tt.deleted || calls.Load() != tt.calls || (err != nil) != (tt.code != "") {
				t.Errorf("%d deleted in %d calls, %v; want %d in %d", deleted, calls.Load(), err, tt.deleted, tt.calls)
			}
			if err != nil && queue.Code(err) != tt.code {
				t.Errorf("code %s, want %s", queue.Code(err), tt.code)
			}
		})
	}
}

func TestChangesWhatItCanUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	q, _ := create(t, client(t, intercept("ChangeMessageVisibilityBatch", func(n int32, h http.Handler, w http.ResponseWriter, r *http.Request) {
		if n <= 2 {
			h.ServeHTTP(w, r)
			return
		}
		io.Copy(io.Discard, r.Body) // only then does the server notice that the client has gone
		if n == 10 {                // eight calls at a time: the tenth begins when the first two have been answered
			end()
		}
		<-r.Context().Done()
	})), "logins")
	sendAll(t, q, numbered(200))
	var all []queue.Visibility
	for _, handle := range receive(t, q) {
		all = append(all, queue.Visibility{ReceiptHandle: handle})
	}
	changed, err := q.ChangeVisibility(ctx, all)
	if changed != 20 || queue.Code(err) != "no time" {
		t.Errorf("%d changed, %v; want 20 and no time", changed, err)
	}
	wantDepth(t, q, 20, 180)
}

func TestGivesUpAtOnceWhereTheQueueIsGone(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	q, _ := create(t, client(t, intercept("DeleteMessageBatch", func(n int32, h http.Handler, w http.ResponseWriter, r *http.Request) {
		calls.Store(n)
		h.ServeHTTP(w, r)
	})), "logins")
	gone := &queue.Queue{Client: q.Client, URL: strings.Replace(q.URL, "logins", "gone", 1)}
	deleted, err := gone.Delete(t.Context(), []string{"handle"})
	if deleted != 0 || queue.Transient(err) || !errors.Is(gone.Explain(err), queue.ErrMissing) || calls.Load() != 1 {
		t.Errorf("%d deleted in %d calls, %v", deleted, calls.Load(), err)
	}
}

func TestSendTakesWhatFitsOneCall(t *testing.T) {
	t.Parallel()
	half := strings.Repeat("x", queue.MaxSize/2)
	withAttribute := bodies(half, half)
	withAttribute[1].MessageAttributes = attribute("name", "value")
	for name, tt := range map[string]struct {
		messages []queue.Message
		n        int
	}{
		"none":                    {nil, 0},
		"eleven small ones":       {numbered(11), 10},
		"two that fill a call":    {bodies(half, half, "x"), 2},
		"attributes count":        {withAttribute, 1},
		"one that is as large":    {bodies(half+half, "x"), 1},
		"a large one after small": {bodies("x", half+half), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, _ := create(t, client(t, nil), "logins")
			n, refused, err := q.Send(t.Context(), tt.messages)
			if n != tt.n || len(refused) > 0 || err != nil {
				t.Errorf("%d, refused %v, %v; want %d", n, refused, err, tt.n)
			}
			wantDepth(t, q, tt.n, 0)
		})
	}
}

func TestSendReportsWhatSQSRefuses(t *testing.T) {
	t.Parallel()
	q, _ := create(t, client(t, nil), "logins")
	n, refused, err := q.Send(t.Context(), bodies("a", "\x00", "b", "\x01"))
	if diff := cmp.Diff([]queue.Refusal{{1, "InvalidMessageContents"}, {3, "InvalidMessageContents"}}, refused); diff != "" || n != 4 || err != nil {
		t.Errorf("%d, %v, refused (-want +got):\n%s", n, err, diff)
	}
	n, refused, err = q.Send(t.Context(), bodies(strings.Repeat("x", queue.MaxSize+1), "c"))
	if len(refused) != 1 || refused[0].Index != 0 || !strings.HasSuffix(refused[0].Code, "BatchRequestTooLong") || n != 1 || err != nil {
		t.Errorf("too large: %d, refused %v, %v", n, refused, err)
	}
	wantDepth(t, q, 2, 0)
}

func TestSendRetriesWhatSQSFailedToStore(t *testing.T) {
	t.Parallel()
	var second []string
	q, _ := create(t, client(t, intercept("SendMessageBatch", func(n int32, h http.Handler, w http.ResponseWriter, r *http.Request) {
		if n == 1 { // nothing is stored
			io.WriteString(w, `{"Failed":[{"Id":"1","Code":"InternalError","SenderFault":false},{"Id":"2","Code":"InvalidMessageContents","SenderFault":true}]}`)
			return
		}
		text, _ := io.ReadAll(r.Body)
		var sent struct {
			Entries []struct{ MessageBody string }
		}
		json.Unmarshal(text, &sent)
		for _, e := range sent.Entries {
			second = append(second, e.MessageBody)
		}
		io.WriteString(w, `{"Successful":[]}`)
	})), "logins")
	n, refused, err := q.Send(t.Context(), numbered(3))
	if diff := cmp.Diff([]queue.Refusal{{2, "InvalidMessageContents"}}, refused); diff != "" || n != 3 || err != nil {
		t.Errorf("%d, %v, refused (-want +got):\n%s", n, err, diff)
	}
	if diff := cmp.Diff([]string{"1"}, second); diff != "" {
		t.Errorf("sent again (-want +got):\n%s", diff)
	}
}

func attribute(name, value string) map[string]types.MessageAttributeValue {
	return map[string]types.MessageAttributeValue{name: {DataType: aws.String("String"), StringValue: &value}}
}
