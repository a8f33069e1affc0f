package sqsserver_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/sqsserver"
)

// post sends one request without the SDK.
func post(h http.Handler, operation, body string) *httptest.ResponseRecorder {
	return postContext(context.Background(), h, operation, body)
}

func postContext(ctx context.Context, h http.Handler, operation, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// fill sends n messages without the SDK, ten at a time.
func fill(tb testing.TB, h http.Handler, url string, n int) {
	tb.Helper()
	entry := `"MessageBody":"` + strings.Repeat("y", 300) + `"}`
	ids := strings.Split("0123456789", "")
	body := `{"QueueUrl":"` + url + `","Entries":[{"Id":"` + strings.Join(ids, `",`+entry+`,{"Id":"`) + `",` + entry + `]}`
	for range n / len(ids) {
		if w := post(h, "SendMessageBatch", body); w.Code != http.StatusOK {
			tb.Fatal(w.Body)
		}
	}
}

func TestWireAnswers(t *testing.T) {
	t.Parallel()
	const url = "http://sqs.eu-west-1.localhost.localstack.cloud:4566/000000000000/q"
	for _, test := range []struct {
		name, operation, body string
		code                  int
		answer, queryError    string
	}{
		{"an operation without output", "TagQueue", `{"QueueUrl":"` + url + `","Tags":{"a":"b"}}`, 200, ``, ""},
		{"a URL of another host and path", "SendMessage", `{"QueueUrl":"` + url + `","MessageBody":"x","MessageAttributes":{}}`, 200, `{"MD5OfMessageBody":"9dd4e461268c8034f5c8564e155c67a6","MessageId":"`, ""},
		{"an unknown member", "GetQueueUrl", `{"QueueName":"q","Colour":{"a":[1]}}`, 200, `{"QueueUrl":"http://example.com/000000000000/q"}`, ""},
		{"a member that is null", "ReceiveMessage", `{"QueueUrl":"` + url + `","WaitTimeSeconds":null}`, 200, `{}`, ""},
		{"an unknown operation", "Sing", `{}`, 400, `{"__type":"com.amazon.coral.service#UnknownOperationException"}`, ""},
		{"an empty body", "ListQueues", ``, 400, `{"__type":"com.amazon.coral.service#SerializationException","message":"The request is not the JSON that this operation takes."}`, ""},
		{"JSON cut off", "ListQueues", `{"QueueNamePrefix":"`, 400, `{"__type":"com.amazon.coral.service#SerializationException"`, ""},
		{"two JSON values", "ListQueues", `{}{}`, 400, `{"__type":"com.amazon.coral.service#SerializationException"`, ""},
		{"a lone surrogate", "SendMessage", `{"QueueUrl":"` + url + `","MessageBody":"\ud800"}`, 400, `{"__type":"com.amazon.coral.service#SerializationException"`, ""},
		{"a number for a string", "SendMessage", `{"QueueUrl":"` + url + `","MessageBody":5}`, 400, `{"__type":"com.amazon.coral.service#SerializationException","message":"The request is not the JSON that this operation takes at /MessageBody."}`, ""},
		{"a number of 30 digits", "ReceiveMessage", `{"QueueUrl":"` + url + `","WaitTimeSeconds":100000000000000000000000000000}`, 400, `{"__type":"com.amazon.coral.service#SerializationException"`, ""},
		{"a binary value that is not base64", "SendMessage", `{"QueueUrl":"` + url + `","MessageBody":"x","MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"?"}}}`, 400, `{"__type":"com.amazon.coral.service#SerializationException"`, ""},
		{"a body over the limit", "SendMessage", `{"MessageBody":"` + strings.Repeat("x", 9<<20) + `"}`, 413, `{"__type":"com.amazon.coral.service#RequestEntityTooLargeException"`, ""},
		{"no queue URL", "SendMessage", `{"MessageBody":"x"}`, 400, `{"__type":"com.amazon.coral.service#MissingRequiredParameterException","message":"The request must contain the parameter QueueUrl."}`, "MissingParameter;Sender"},
		{"the name of a missing queue instead of its URL", "PurgeQueue", `{"QueueUrl":"r"}`, 400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`, "AWS.SimpleQueueService.NonExistentQueue;Sender"},
		{"another account's queue", "PurgeQueue", `{"QueueUrl":"http://x/123456789012/q"}`, 400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`, "AWS.SimpleQueueService.NonExistentQueue;Sender"},
		{"no timeout in an entry", "ChangeMessageVisibilityBatch", `{"QueueUrl":"` + url + `","Entries":[{"Id":"a","ReceiptHandle":"b"}]}`, 200, `{"Failed":[{"Id":"a","SenderFault":true,"Code":"MissingParameter","Message":"The request must contain the parameter ChangeMessageVisibilityBatchRequestEntry.1.VisibilityTimeout."}]}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := sqsserver.New(sqsserver.Options{})
			defer s.Close()
			post(s, "CreateQueue", `{"QueueName":"q"}`)
			got := post(s, test.operation, test.body)
			answer := got.Body.String()
			if got.Code != test.code || !strings.HasPrefix(answer, test.answer) || answer != "" && test.answer == "" {
				t.Errorf("got %d %s\nwant %d %s", got.Code, answer, test.code, test.answer)
			}
			if diff := cmp.Diff(test.queryError, got.Header().Get("x-amzn-query-error")); diff != "" {
				t.Errorf("x-amzn-query-error, -want +got:\n%s", diff)
			}
			if got.Header().Get("x-amzn-RequestId") == "" || got.Header().Get("Content-Type") != "application/x-amz-json-1.0" {
				t.Errorf("headers %v", got.Header())
			}
		})
	}
}

func TestWireSignatureNamesRegion(t *testing.T) {
	t.Parallel()
	s := sqsserver.New(sqsserver.Options{})
	defer s.Close()
	signed := func(region, operation, body string) string {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20260101/"+region+"/sqs/aws4_request, SignedHeaders=host, Signature=0")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Body.String()
	}
	signed("eu-west-1", "CreateQueue", `{"QueueName":"q"}`)
	get := `{"QueueUrl":"http://x/000000000000/q","AttributeNames":["QueueArn"]}`
	if got, want := signed("eu-west-1", "GetQueueAttributes", get), `{"Attributes":{"QueueArn":"arn:aws:sqs:eu-west-1:000000000000:q"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := signed("us-east-1", "GetQueueAttributes", get); !strings.Contains(got, "QueueDoesNotExist") {
		t.Errorf("the queue is visible in another region: got %s", got)
	}
}

func TestWireCancelledPollTakesNoMessage(t *testing.T) {
	t.Parallel()
	s := sqsserver.New(sqsserver.Options{})
	defer s.Close()
	const url = `{"QueueUrl":"http://x/000000000000/q"`
	post(s, "CreateQueue", `{"QueueName":"q"}`)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		postContext(ctx, s, "ReceiveMessage", url+`,"WaitTimeSeconds":20}`)
	}()
	cancel()
	<-done
	post(s, "SendMessage", url+`,"MessageBody":"x"}`)
	if got := post(s, "ReceiveMessage", url+`}`).Body.String(); !strings.Contains(got, `"Body":"x"`) {
		t.Errorf("got %s", got)
	}
}

func TestWireClosedServerRefuses(t *testing.T) {
	t.Parallel()
	s := sqsserver.New(sqsserver.Options{})
	post(s, "CreateQueue", `{"QueueName":"q"}`)
	done := make(chan struct{})
	go func() {
		defer close(done)
		post(s, "ReceiveMessage", `{"QueueUrl":"http://x/000000000000/q","WaitTimeSeconds":20}`)
	}()
	s.Close()
	s.Close()
	<-done
	got := post(s, "ListQueues", `{}`)
	if code := got.Header().Get("x-amzn-query-error"); got.Code != http.StatusServiceUnavailable || code != "ServiceUnavailable;Receiver" {
		t.Errorf("got status %d and error %s, want 503 and ServiceUnavailable;Receiver", got.Code, code)
	}
}

func TestWireShutdownEndsLongPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sqsserver.New(sqsserver.Options{})
		post(s, "CreateQueue", `{"QueueName":"q"}`)
		here, there := net.Pipe()
		listener := oneConnection{make(chan net.Conn, 1), make(chan struct{})}
		listener.conns <- there
		server := &http.Server{Handler: s}
		server.RegisterOnShutdown(s.Close)
		go func() { _ = server.Serve(listener) }()
		body := `{"QueueUrl":"/000000000000/q","WaitTimeSeconds":20}`
		_, err := fmt.Fprintf(here, "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before := time.Now()
		stopped := make(chan error)
		go func() { stopped <- server.Shutdown(t.Context()) }()
		answer, err := http.ReadResponse(bufio.NewReader(here), nil)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("got %v, %v", answer, err)
		}
		if err := <-stopped; err != nil || time.Since(before) > time.Second {
			t.Errorf("shut down after %s: %v", time.Since(before), err)
		}
		_ = here.Close()
	})
}

// oneConnection is a net.Listener that accepts one connection.
type oneConnection struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l oneConnection) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l oneConnection) Close() error   { close(l.closed); return nil }
func (l oneConnection) Addr() net.Addr { return &net.TCPAddr{} }

func FuzzWire(f *testing.F) {
	const url = `{"QueueUrl":"http://x/000000000000/q"`
	for _, seed := range [][2]string{
		// requests that succeed
		{"CreateQueue", `{"QueueName":"r.fifo","Attributes":{"FifoQueue":"true","DelaySeconds":"1"},"tags":{"a":"b"}}`},
		{"SendMessage", url + `,"MessageBody":"x","DelaySeconds":0,"MessageGroupId":"g","MessageAttributes":{"a":{"DataType":"Number","StringValue":"1"}}}`},
		{"SendMessageBatch", url + `,"Entries":[{"Id":"a","MessageBody":"x"},{"Id":"b","MessageBody":"y","MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"z"}}}]}`},
		{"ReceiveMessage", url + `,"MaxNumberOfMessages":10,"VisibilityTimeout":0,"AttributeNames":["All"],"MessageAttributeNames":["a.*",".*"]}`},
		{"SetQueueAttributes", url + `,"Attributes":{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:q\",\"maxReceiveCount\":1}"}}`},
		{"SetQueueAttributes", url + `,"Attributes":{"RedriveAllowPolicy":"{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"a\"]}","Policy":"{}"}}`},
		{"AddPermission", url + `,"Label":"l","AWSAccountIds":["1"],"Actions":["*"]}`},
		{"RemovePermission", url + `,"Label":"l"}`},
		{"StartMessageMoveTask", `{"SourceArn":"arn:aws:sqs:us-east-1:000000000000:q","DestinationArn":"arn:aws:sqs:us-east-1:000000000000:q"}`},
		{"ListMessageMoveTasks", `{"SourceArn":"arn:aws:sqs:us-east-1:000000000000:q","MaxResults":10}`},
		{"CancelMessageMoveTask", `{"TaskHandle":"e30="}`},
		{"ListQueues", `{"MaxResults":1,"NextToken":"cQ=="}`},
		{"ListDeadLetterSourceQueues", url + `}`},
		{"GetQueueAttributes", url + `,"AttributeNames":["All"]}`},
		// receipt handles: too short, of another queue
		{"DeleteMessageBatch", url + `,"Entries":[{"Id":"a","ReceiptHandle":"AQEBAA=="},{"Id":"b","ReceiptHandle":"AQEBAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`},
		{"ChangeMessageVisibility", url + `,"ReceiptHandle":"","VisibilityTimeout":-1}`},
		// entries and members that are null
		{"SendMessageBatch", url + `,"Entries":[null,null]}`},
		{"SendMessage", url + `,"MessageBody":"x","MessageAttributes":{"a":null}}`},
		{"SetQueueAttributes", url + `,"Attributes":{"RedrivePolicy":"null"}}`},
		{"AddPermission", `null`},
		// addresses without parts
		{"PurgeQueue", `{"QueueUrl":"/"}`},
		{"DeleteQueue", `{"QueueUrl":"//"}`},
		// text at the edge of JSON and Unicode
		{"SendMessage", url + `,"MessageBody":"\ud83d\ude00\u0000\uffff"}`},
		{"CreateQueue", "{\"QueueName\":\"\xff\"}"},
	} {
		f.Add(seed[0], seed[1])
	}
	gone, cancel := context.WithCancel(f.Context())
	cancel() // the client has gone already, so no long poll waits
	f.Fuzz(func(t *testing.T, operation, body string) {
		s := sqsserver.New(sqsserver.Options{})
		defer s.Close()
		post(s, "CreateQueue", `{"QueueName":"q"}`)
		post(s, "SendMessage", url+`,"MessageBody":"x"}`)
		w := postContext(gone, s, operation, body)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s %s: %s", operation, body, w.Body)
		}
		if got := postContext(gone, s, "ReceiveMessage", url+`}`); got.Code >= 500 {
			t.Errorf("afterwards: %d %s", got.Code, got.Body)
		}
	})
}
