package eventsource

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	invokePath    = "/2015-03-31/functions/function/invocations"
	responseLimit = 6 << 20
	busyPause     = 50 * time.Millisecond
)

// URLFunction is a function behind the invoke call of an emulator: the Runtime Interface Emulator in a function's container
// image, or sam local start-lambda. It is safe for concurrent use, though the Runtime Interface Emulator is not: it refuses a
// second invocation with 400 and nothing else, or ends the connection, or itself. So that one, which knows its function by no
// other name than "function", gets one at a time; and whoever answers so all the same, because somebody else calls, is asked again.
//
// Emulators say with status 200 what Lambda says with a header, so the response is looked at: an object with errorMessage and
// without batchItemFailures, the plain text of a timeout, and no response at all are failed invocations. Lambda's own rules
// would take the first and the last for success, and delete messages that nobody has seen.
type URLFunction struct {
	url     string
	client  *http.Client
	timeout time.Duration
	turn    chan struct{} // holds one, of the only invocation there may be; nil: there may be many
}

// NewURLFunction takes the emulator's address, http://127.0.0.1:8080, which is completed with the path of the Runtime Interface
// Emulator, or the whole URL with a path, as sam local start-lambda needs it:
// http://127.0.0.1:3001/2015-03-31/functions/IngestFunction/invocations. An invocation is given up after timeout, which should
// leave time for a container to start. The error matches ErrMisuse.
func NewURLFunction(address string, timeout time.Duration) (*URLFunction, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%w: the invoke URL is not of the form http://127.0.0.1:3001", ErrMisuse)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = invokePath
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	f := &URLFunction{url: u.String(), client: &http.Client{Transport: transport}, timeout: timeout}
	if u.Path == invokePath {
		f.turn = make(chan struct{}, 1)
	}
	return f, nil
}

// Close ends the connections that are kept.
func (f *URLFunction) Close() { f.client.CloseIdleConnections() }

// Invoke returns the response. An error matches ErrNoFunction where nothing answers at the URL, or no function there has that
// name; every other one is a failed invocation.
func (f *URLFunction) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if f.turn != nil {
		select {
		case f.turn <- struct{}{}:
			defer func() { <-f.turn }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	for {
		answer, err := f.post(ctx, payload)
		if err != nil {
			return nil, err
		}
		if answer.status == http.StatusBadRequest && len(answer.body) == 0 { // it is busy
			if sleep(ctx, busyPause); ctx.Err() != nil {
				return nil, fmt.Errorf("the emulator was busy for %s; it takes one invocation at a time", f.timeout)
			}
			continue
		}
		return answer.body, answer.judge()
	}
}

func (f *URLFunction) post(ctx context.Context, payload []byte) (*urlAnswer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := f.client.Do(request)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("no response within %s", f.timeout)
	case dialFailed(err):
		return nil, fmt.Errorf("%w: nobody answers at %s (%w); is sam local start-lambda, or the container, running?", ErrNoFunction, f.url, rootCause(err))
	case err != nil:
		return nil, fmt.Errorf("invoke: %w", rootCause(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, responseLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the response broke off: %w", rootCause(err))
	case len(body) > responseLimit:
		return nil, fmt.Errorf("the response is larger than %d bytes", responseLimit)
	case response.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%w: there is no function at %s; with sam local start-lambda name the template's: .../2015-03-31/functions/IngestFunction/invocations", ErrNoFunction, f.url)
	}
	return &urlAnswer{response.StatusCode, response.Header.Get(functionErrorHeader), body}, nil
}

// urlAnswer is what an emulator answered.
type urlAnswer struct {
	status        int
	functionError string // the header that Lambda and SAM send
	body          []byte
}

const functionErrorHeader = "X-Amz-Function-Error"

// judge returns why the invocation failed, if it did.
func (a *urlAnswer) judge() error {
	text := bytes.TrimSpace(a.body)
	failed, isError := readFunctionError(text)
	switch {
	case isError || a.functionError != "":
		return failed
	case a.status != http.StatusOK:
		return fmt.Errorf("the emulator answered with status %d %s", a.status, http.StatusText(a.status))
	case bytes.HasPrefix(text, []byte("Task timed out")):
		return fmt.Errorf("%s", text)
	case len(a.body) == 0:
		return fmt.Errorf("the emulator gave no response; a function that has nothing to say answers null")
	}
	return nil
}

// FunctionFailure is an invocation that the function itself failed.
type FunctionFailure struct{ Type, Message string }

func (e *FunctionFailure) Error() string {
	return strings.TrimPrefix(e.Type+": "+e.Message, ": ")
}

// readFunctionError reads {"errorMessage", "errorType"} as every runtime writes it: without a text the message is null or not there. A
// response of the mapping's form is none, whatever else it has.
func readFunctionError(body []byte) (*FunctionFailure, bool) {
	var sent struct {
		Type     jsontext.Value `json:"errorType"`
		Message  jsontext.Value `json:"errorMessage"`
		Failures *any           `json:"batchItemFailures"`
	}
	if json.Unmarshal(body, &sent) != nil || sent.Message == nil && sent.Type == nil || sent.Failures != nil {
		return &FunctionFailure{Type: "Function error", Message: "without a text"}, false
	}
	return &FunctionFailure{Type: plainText(sent.Type), Message: cmp.Or(plainText(sent.Message), "without a text")}, true
}

// plainText is "" for what is no text.
func plainText(value jsontext.Value) string {
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return ""
	}
	return string(text)
}
