// Package remote invokes functions that run elsewhere: behind the invoke call of an emulator, or
// through Lambda's API.
//
// Emulators differ from Lambda in how they say that an invocation failed, and a failure that is
// taken for success deletes messages that no function has seen. So this package knows what each of
// them answers. Its functions are for a mapping of pkg/local/eventsource.
package remote

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

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/queue"
)

const (
	invokePath    = "/2015-03-31/functions/function/invocations"
	responseLimit = 6 << 20
	busyPause     = 50 * time.Millisecond
)

// URLFunction is a function behind the invoke call of an emulator: the Runtime Interface Emulator
// in a function's container image, or sam local start-lambda. It is safe for concurrent use.
//
// The Runtime Interface Emulator is not: it answers a second invocation with 400 and no body, or
// closes the connection, or ends. It knows its function only by the name "function", so a URL with
// that name gets one invocation at a time. A 400 without a body, which other callers may cause, is
// tried again.
//
// Where Lambda sets a header, emulators answer with status 200. So this type reads the response: an
// object with errorMessage and without batchItemFailures, the plain text of a timeout, and an empty
// response are failed invocations. By Lambda's rules the first and the last would be success, and
// messages that no function has seen would be deleted.
type URLFunction struct {
	url     string
	client  *http.Client
	timeout time.Duration
	turn    chan struct{} // full during an invocation; nil if there may be several at a time
}

// NewURLFunction takes the emulator's URL. An address without a path, http://127.0.0.1:8080, gets
// the path of the Runtime Interface Emulator. For sam local start-lambda give the path too:
// http://127.0.0.1:3001/2015-03-31/functions/IngestFunction/invocations. An invocation fails after
// timeout, which should leave time for a container to start. The error matches ErrMisuse.
func NewURLFunction(address string, timeout time.Duration) (*URLFunction, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%w: the invoke URL is not of the form http://127.0.0.1:3001", eventsource.ErrMisuse)
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

// Close closes idle connections.
func (f *URLFunction) Close() { f.client.CloseIdleConnections() }

// Invoke returns the response. An error matches ErrNoFunction if no emulator answers at the URL, or
// if it knows no function of that name. Any other error is a failed invocation.
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
		if answer.status == http.StatusBadRequest && len(answer.body) == 0 { // busy
			select {
			case <-time.After(busyPause):
			case <-ctx.Done():
				return nil, fmt.Errorf("the emulator was busy for %s: it takes one invocation at a time", f.timeout)
			}
			continue
		}
		return answer.body, answer.failure()
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
		return nil, fmt.Errorf("%w: no answer at %s (%w): start sam local start-lambda, or the container", eventsource.ErrNoFunction, f.url, queue.Cause(err))
	case err != nil:
		return nil, fmt.Errorf("invoke: %w", queue.Cause(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, responseLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the response broke off: %w", queue.Cause(err))
	case len(body) > responseLimit:
		return nil, fmt.Errorf("the response is larger than %d bytes", responseLimit)
	case response.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%w: no function at %s: with sam local start-lambda use the name in the template, .../2015-03-31/functions/IngestFunction/invocations", eventsource.ErrNoFunction, f.url)
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

// failure returns why the invocation failed, or nil.
func (a *urlAnswer) failure() error {
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
		return fmt.Errorf("the emulator gave an empty response: a function that returns nothing must answer null")
	}
	return nil
}

// FunctionFailure is an error that the function itself returned.
type FunctionFailure struct{ Type, Message string }

func (e *FunctionFailure) Error() string {
	return strings.TrimPrefix(e.Type+": "+e.Message, ": ")
}

// readFunctionError reads {"errorMessage", "errorType"}, as every runtime writes it. An error
// without a text has a null message or no message. A response with batchItemFailures is not an
// error, whatever other members it has.
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

// plainText is "" for anything but a string.
func plainText(value jsontext.Value) string {
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return ""
	}
	return string(text)
}
