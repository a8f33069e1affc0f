package eventsource_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/queue"
)

func TestRunRefusesWrongMapping(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url, fifo := newQueue(t, client, "misuse", nil), newQueue(t, client, "misuse.fifo", map[string]string{})
	nowhere := queue.NewClient(config(), "http://127.0.0.1:1")
	f := &function{}
	tests := map[string]struct {
		mapping eventsource.Mapping
		is      error
		says    string
	}{
		"nothing given":           {eventsource.Mapping{}, eventsource.ErrMisuse, "a queue and a function"},
		"batch size too large":    {eventsource.Mapping{Queue: queue.New(client, url), Function: f, BatchSize: 10_001}, eventsource.ErrMisuse, "10001 is not between 1 and 10000"},
		"negative batch size":     {eventsource.Mapping{Queue: queue.New(client, url), Function: f, BatchSize: -1}, eventsource.ErrMisuse, "-1 is not between"},
		"FIFO batch too large":    {eventsource.Mapping{Queue: queue.New(client, fifo), Function: f, BatchSize: 11}, eventsource.ErrMisuse, "11 on a FIFO queue, which allows 10"},
		"FIFO with a window":      {eventsource.Mapping{Queue: queue.New(client, fifo), Function: f, Window: time.Second}, eventsource.ErrMisuse, "allows no batching window"},
		"window too long":         {eventsource.Mapping{Queue: queue.New(client, url), Function: f, Window: 301 * time.Second}, eventsource.ErrMisuse, "window 5m1s"},
		"retry delay too long":    {eventsource.Mapping{Queue: queue.New(client, url), Function: f, RetryDelay: 13 * time.Hour}, eventsource.ErrMisuse, "13h0m0s is above"},
		"no such queue":           {eventsource.Mapping{Queue: queue.New(client, strings.Replace(url, "misuse", "missing", 1)), Function: f}, queue.ErrMissing, "sqs2pg queue create " + prefix + "missing"},
		"nobody at this endpoint": {eventsource.Mapping{Queue: queue.New(nowhere, url), Function: f}, queue.ErrUnreachable, "http://127.0.0.1:1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := test.mapping.Run(t.Context())
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %v with %q", err, test.is, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

func TestEndsWhenQueueIsDeleted(t *testing.T) {
	t.Parallel()
	var gone atomic.Bool
	client := endpoint(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if gone.Load() && calls(r, "ReceiveMessage") {
				refuse(w, 400, "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue;Sender")
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	url := newQueue(t, client, "deleted", nil)
	gone.Store(true)
	m := eventsource.Mapping{Queue: queue.New(client, url), Function: &function{}}
	if _, err := m.Run(t.Context()); !errors.Is(err, queue.ErrMissing) {
		t.Errorf("error %v", err)
	}
}

func calls(r *http.Request, operation string) bool {
	return r.Header.Get("X-Amz-Target") == "AmazonSQS."+operation
}

func refuse(w http.ResponseWriter, status int, kind, query string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("x-amzn-query-error", query)
	w.WriteHeader(status)
	io.WriteString(w, `{"__type":"`+kind+`","message":"refused by the test"}`)
}

// Every seventh call is throttled, every ninth is answered with 503, every eleventh is cut off. All
// messages arrive and are deleted.
func TestLosesNothingOnBadNetwork(t *testing.T) {
	t.Parallel()
	var count atomic.Int32
	client := endpoint(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if calls(r, "ReceiveMessage") || calls(r, "DeleteMessageBatch") {
				switch n := count.Add(1); {
				case n%7 == 0:
					refuse(w, 400, "com.amazonaws.sqs#RequestThrottled", "RequestThrottled;Sender")
					return
				case n%9 == 0:
					w.WriteHeader(503)
					return
				case n%11 == 0:
					panic(http.ErrAbortHandler)
				}
			}
			h.ServeHTTP(w, r)
		})
	})
	url := newQueue(t, client, "bad-network", nil)
	send(t, client, url, numbered(200))
	got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: &function{}, BatchSize: 50, IdleTimeout: time.Second})
	if got.Succeeded != 200 || got.Undeleted != 0 {
		t.Errorf("%+v", got)
	}
	wantDepth(t, client, url, 0, 0)
}

// A batch call answers 200 although some of its entries failed.
func TestDeletesFailedEntriesAgain(t *testing.T) {
	t.Parallel()
	var deletes atomic.Int32
	tests := map[string]struct {
		answer    string
		undeleted int
		calls     int32
	}{
		"the service's fault": {`{"Successful":[],"Failed":[{"Id":"0","Code":"InternalError","SenderFault":false},{"Id":"2","Code":"InternalError","SenderFault":false}]}`, 0, 2},
		"the sender's fault":  {`{"Successful":[],"Failed":[{"Id":"1","Code":"ReceiptHandleIsInvalid","SenderFault":true}]}`, 1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			deletes.Store(0)
			client := endpoint(t, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if calls(r, "DeleteMessageBatch") && deletes.Add(1) == 1 {
						h.ServeHTTP(httptest.NewRecorder(), r) // it is deleted, but the answer says otherwise
						io.WriteString(w, test.answer)
						return
					}
					h.ServeHTTP(w, r)
				})
			})
			url := newQueue(t, client, "entries", nil)
			send(t, client, url, numbered(4))
			got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: &function{}})
			if got.Succeeded != 4 || got.Undeleted != test.undeleted || deletes.Load() != test.calls {
				t.Errorf("%+v after %d calls, want %d undeleted after %d", got, deletes.Load(), test.undeleted, test.calls)
			}
		})
	}
}

// The function never gets a body that was damaged on the way. The mapping receives it again.
func TestReceivesDamagedBodyAgain(t *testing.T) {
	t.Parallel()
	var damaged atomic.Bool
	client := endpoint(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !calls(r, "ReceiveMessage") || damaged.Swap(true) {
				h.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, r)
			w.Write(bytes.Replace(answer.Body.Bytes(), []byte(`"Body":"true`), []byte(`"Body":"fals`), 1))
		})
	})
	url := newQueue(t, client, "damaged", map[string]string{"VisibilityTimeout": "1"})
	send(t, client, url, []string{"true"})
	f := &function{}
	got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, IdleTimeout: 2 * time.Second})
	if diff := cmp.Diff([]string{"true"}, f.bodies()); diff != "" || got.Received != 1 {
		t.Errorf("bodies (-want +got):\n%s%+v", diff, got)
	}
}

func TestWarnsOfSettingsThatAWSRefuses(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "warnings", map[string]string{"VisibilityTimeout": "30"})
	tests := map[string]struct {
		timeout, window time.Duration
		says            string
	}{
		"visibility below the timeout":        {31 * time.Second, 0, "visibility timeout (30s) is shorter than the function's timeout (31s)"},
		"visibility below timeout and window": {25 * time.Second, 6 * time.Second, "together (31s)"},
		"visibility above both":               {25 * time.Second, 5 * time.Second, ""},
		"an unknown timeout":                  {0, 5 * time.Second, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: &function{}, FunctionTimeout: test.timeout, Window: test.window})
			if text := strings.Join(got.Warnings, "\n"); (test.says == "") != (text == "") || !strings.Contains(text, test.says) {
				t.Errorf("warnings %q, want %q", text, test.says)
			}
		})
	}
}

func TestObserveGetsEveryChange(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "observe", nil)
	send(t, client, url, numbered(20))
	var last eventsource.Progress
	most := 0
	got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: &function{}, Observe: func(p eventsource.Progress) {
		if p.Received < last.Received || p.Succeeded < last.Succeeded || p.Elapsed < last.Elapsed {
			t.Errorf("%+v after %+v", p, last)
		}
		most = max(most, p.InFlight)
		last = p
	}})
	last.Elapsed = got.Elapsed
	if diff := cmp.Diff(got, last.Summary); diff != "" || last.InFlight != 0 || most < 10 {
		t.Errorf("last progress and summary differ (-summary +progress):\n%s in flight %d, most %d", diff, last.InFlight, most)
	}
}
