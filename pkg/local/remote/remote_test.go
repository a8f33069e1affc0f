package remote_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/remote"
	"sqs2pg/pkg/local/sqsserver/sqstest"
	"sqs2pg/pkg/queue"
)

func emulator(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

// numbered are bodies "0", "1", ...
func numbered(n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprint(i)
	}
	return bodies
}

func run(t *testing.T, m eventsource.Mapping) eventsource.Summary {
	t.Helper()
	m.IdleTimeout = 100 * time.Millisecond
	summary, err := m.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

func wantDepth(t *testing.T, server *sqstest.Server, queueURL string, visible, hidden int) {
	t.Helper()
	if v, h := server.Depth(t, queueURL); v != visible || h != hidden {
		t.Errorf("the queue has %d visible and %d hidden messages, want %d and %d", v, h, visible, hidden)
	}
}

func urlFunction(t *testing.T, address string, timeout time.Duration) *remote.URLFunction {
	t.Helper()
	f, err := remote.NewURLFunction(address, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// Each case is an emulator's answer, and the response or the error that it means.
func TestReadsAnswersOfEmulators(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status   int
		header   string // X-Amz-Function-Error
		body     string
		response string
		failed   string // part of the error; empty: none
	}{
		"a batch response": {200, "", `{"batchItemFailures":[]}`, `{"batchItemFailures":[]}`, ""},
		"null":             {200, "", `null`, `null`, ""},
		"a batch response that has an errorMessage too":    {200, "", `{"batchItemFailures":[{"itemIdentifier":"x"}],"errorMessage":"one failed"}`, `{"batchItemFailures":[{"itemIdentifier":"x"}],"errorMessage":"one failed"}`, ""},
		"a function error with status 200":                 {200, "", `{"errorMessage":"no database","errorType":"Unavailable"}`, "", "Unavailable: no database"},
		"a function error with a stack trace":              {200, "", `{"errorMessage":"x","errorType":"T","stackTrace":[]}`, "", "T: x"},
		"a function error whose text is null":              {200, "", `{"errorMessage":null,"errorType":"java.lang.NullPointerException"}`, "", "java.lang.NullPointerException"},
		"a function error with a type alone":               {200, "", `{"errorType":"KeyError"}`, "", "KeyError"},
		"a function error without a type":                  {200, "", `{"errorMessage":"no database"}`, "", "no database"},
		"SAM's header with a body that looks like success": {200, "Unhandled", `{}`, "", "Function error: without a text"},
		"a timeout as plain text":                          {200, "", `Task timed out after 3.00 seconds`, "", "Task timed out after 3.00 seconds"},
		"an empty response, as after SAM's timeout":        {200, "", ``, "", "empty response"},
		"a panic":                 {502, "", `{"errorMessage":"index out of range","errorType":"runtime.boundsError"}`, "", "runtime.boundsError: index out of range"},
		"a process that exited":   {502, "", ``, "", "status 502 Bad Gateway"},
		"a fault of the emulator": {500, "", `oops`, "", "status 500"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := emulator(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path != "/2015-03-31/functions/function/invocations" || r.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%s %s of %s", r.Method, r.URL, r.Header.Get("Content-Type"))
				}
				if test.header != "" {
					w.Header().Set("x-amz-function-error", test.header)
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			})
			response, err := urlFunction(t, url, time.Minute).Invoke(t.Context(), []byte(`{}`))
			if test.failed == "" && (err != nil || string(response) != test.response) {
				t.Errorf("%s, %v, want %s", response, err, test.response)
			}
			if test.failed != "" && (err == nil || !strings.Contains(err.Error(), test.failed)) {
				t.Errorf("error %v, want one with %q", err, test.failed)
			}
		})
	}
}

// A function with the name "function" may be the emulator in an image, which a second invocation at
// the same time can end: it gets one at a time. Other names get several. A 400 without a body is
// tried again, so that no message is lost.
func TestLimitsInvocationsOfEmulator(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path      string
		concurred bool
	}{
		"the Runtime Interface Emulator": {"", false},
		"the same, its path written out": {"/2015-03-31/functions/function/invocations", false},
		"sam local start-lambda":         {"/2015-03-31/functions/IngestFunction/invocations", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var one sync.Mutex
			var refused, taken atomic.Int32
			url := emulator(t, func(w http.ResponseWriter, r *http.Request) {
				if !one.TryLock() {
					refused.Add(1)
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				defer one.Unlock()
				taken.Add(1)
				time.Sleep(20 * time.Millisecond) // the function's work
				io.WriteString(w, "null")
			})
			server := sqstest.Start(t)
			queueURL := server.CreateQueue(t, "at-a-time", nil)
			server.Send(t, queueURL, numbered(12))
			got := run(t, eventsource.Mapping{Queue: queue.New(server.Client, queueURL), Function: urlFunction(t, url+test.path, time.Minute), BatchSize: 2, Concurrency: 3})
			if got.Succeeded != 12 || got.Failed != 0 || taken.Load() != int32(got.Invocations) || (refused.Load() > 0) != test.concurred {
				t.Errorf("%+v, %d taken, %d refused", got, taken.Load(), refused.Load())
			}
			wantDepth(t, server, queueURL, 0, 0)
		})
	}
}

func TestGivesUpInvocationOfEmulator(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"that never answers": func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // so that the end of the connection is seen
			<-r.Context().Done()
		},
		"that is always busy": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := urlFunction(t, emulator(t, answer), 200*time.Millisecond).Invoke(t.Context(), []byte(`{}`))
			if err == nil || !strings.Contains(err.Error(), "200ms") || errors.Is(err, eventsource.ErrNoFunction) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// lambdaAPI is Lambda's API with one function, ingest.
func lambdaAPI(t *testing.T, invoke http.HandlerFunc) *lambda.Client {
	t.Helper()
	url := emulator(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.Contains(r.URL.Path, "/functions/ingest"):
			w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"Type":"User","message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:other"}`)
		case strings.HasSuffix(r.URL.Path, "/configuration"):
			io.WriteString(w, `{"FunctionName":"ingest","Timeout":45}`)
		default:
			invoke(w, r)
		}
	})
	return lambdaClient(url)
}

func lambdaClient(url string) *lambda.Client {
	config := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}
	return lambda.NewFromConfig(config, func(o *lambda.Options) {
		o.BaseEndpoint = &url
		o.RetryMaxAttempts = 1
	})
}

func TestInvokesFunctionByName(t *testing.T) {
	t.Parallel()
	api := lambdaAPI(t, func(w http.ResponseWriter, r *http.Request) {
		payload, _ := io.ReadAll(r.Body)
		switch {
		case bytes.Contains(payload, []byte("unhandled")):
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			io.WriteString(w, `{"errorMessage":"no database","errorType":"Unavailable"}`)
		case bytes.Contains(payload, []byte("throttled")):
			w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
			w.WriteHeader(http.StatusTooManyRequests)
			io.WriteString(w, `{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}`)
		default:
			w.Write(payload)
		}
	})
	f, err := remote.NewNamedFunction(t.Context(), api, "ingest")
	if err != nil {
		t.Fatal(err)
	}
	if f.Timeout != 45*time.Second {
		t.Errorf("timeout %s, want the function's own", f.Timeout)
	}
	if response, err := f.Invoke(t.Context(), []byte(`{"a":1}`)); err != nil || string(response) != `{"a":1}` {
		t.Errorf("%s, %v", response, err)
	}
	var failed *remote.FunctionFailure
	if _, err := f.Invoke(t.Context(), []byte(`"unhandled"`)); !errors.As(err, &failed) || failed.Type != "Unavailable" || failed.Message != "no database" {
		t.Errorf("error %v", err)
	}
	if _, err := f.Invoke(t.Context(), []byte(`"throttled"`)); err == nil || errors.Is(err, eventsource.ErrNoFunction) || !strings.Contains(err.Error(), "TooManyRequestsException") {
		t.Errorf("error %v", err)
	}
	for name, client := range map[string]*lambda.Client{"other": api, "ingest": lambdaClient("http://127.0.0.1:1")} {
		if _, err := remote.NewNamedFunction(t.Context(), client, name); !errors.Is(err, eventsource.ErrNoFunction) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// The run ends with an error, and the messages are on the queue as they were.
func TestEndsWithoutUsingUpReceivesWhenFunctionIsMissing(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, test := range map[string]struct{ url, says string }{
		"nobody answers":     {gone.URL, "no answer at " + gone.URL},
		"no such function":   {emulator(t, http.NotFound), "no function at"},
		"not a URL":          {"127.0.0.1:3001", "http://127.0.0.1:3001"},
		"not one for a call": {"ftp://127.0.0.1", "http://127.0.0.1:3001"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sqstest.Start(t)
			queueURL, dead := server.CreateQueues(t, "no-function", 1, nil)
			server.Send(t, queueURL, numbered(25))
			var summary eventsource.Summary
			f, err := remote.NewURLFunction(test.url, time.Minute)
			if err == nil {
				defer f.Close()
				m := eventsource.Mapping{Queue: queue.New(server.Client, queueURL), Function: f, BatchSize: 5, Concurrency: 2}
				summary, err = m.Run(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one with %q", err, test.says)
			}
			if summary.Received != summary.Released || summary.Failed != 0 || summary.Invocations != 0 {
				t.Errorf("%+v, want all that was received released", summary)
			}
			wantDepth(t, server, queueURL, 25, 0)
			wantDepth(t, server, dead, 0, 0)
		})
	}
}

// An emulator answers a timeout with status 200. The batch must fail even where the mapping ignores
// the response.
func TestTimeoutOfEmulatorFailsBatchInEveryMapping(t *testing.T) {
	t.Parallel()
	server := sqstest.Start(t)
	queueURL := server.CreateQueue(t, "emulator-timeout", nil)
	server.Send(t, queueURL, numbered(3))
	url := emulator(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "Task timed out after 3.00 seconds") })
	got := run(t, eventsource.Mapping{
		Queue: queue.New(server.Client, queueURL), Function: urlFunction(t, url, time.Minute), IgnoreBatchItemFailures: true, RetryDelay: -1,
	})
	if got.FailedBatches != 1 || got.Failed != 3 || got.LastError != "Task timed out after 3.00 seconds" {
		t.Errorf("%+v", got)
	}
	wantDepth(t, server, queueURL, 0, 3)
}
