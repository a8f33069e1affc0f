package sqsserver

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxRequest bounds the body of a request: 1 MiB of messages, every character of it escaped in JSON, and their attributes.
const maxRequest = 8 << 20

// A call is the part of a request that all operations share, whatever the protocol.
type call struct {
	*Server
	ctx    context.Context
	region string
	base   string // scheme and host, as the client sees them
	trace  string // X-Ray trace of the request, for the messages it sends
}

// An operation reads its input by the protocol's decoder and returns its output, nil for none.
type operation func(c *call, decode func(any) error) (any, error)

func op[In any, Out any](run func(*call, *In) (*Out, error)) operation {
	return func(c *call, decode func(any) error) (any, error) {
		in := new(In)
		if err := decode(in); err != nil {
			return nil, err
		}
		out, err := run(c, in)
		if err != nil || out == nil {
			return nil, err
		}
		return out, nil
	}
}

// none is the output of operations that have none.
type none struct{}

var operations = map[string]operation{
	"CreateQueue":                op((*call).createQueue),
	"DeleteQueue":                op((*call).deleteQueue),
	"ListQueues":                 op((*call).listQueues),
	"GetQueueUrl":                op((*call).getQueueURL),
	"GetQueueAttributes":         op((*call).getQueueAttributes),
	"SetQueueAttributes":         op((*call).setQueueAttributes),
	"PurgeQueue":                 op((*call).purgeQueue),
	"TagQueue":                   op((*call).tagQueue),
	"UntagQueue":                 op((*call).untagQueue),
	"ListQueueTags":              op((*call).listQueueTags),
	"ListDeadLetterSourceQueues": op((*call).listDeadLetterSourceQueues),
	"AddPermission":              op((*call).addPermission),
	"RemovePermission":           op((*call).removePermission),

	"SendMessage":                  op((*call).sendMessage),
	"SendMessageBatch":             op((*call).sendMessageBatch),
	"ReceiveMessage":               op((*call).receiveMessage),
	"DeleteMessage":                op((*call).deleteMessage),
	"DeleteMessageBatch":           op((*call).deleteMessageBatch),
	"ChangeMessageVisibility":      op((*call).changeMessageVisibility),
	"ChangeMessageVisibilityBatch": op((*call).changeMessageVisibilityBatch),

	"StartMessageMoveTask":  op((*call).startMessageMoveTask),
	"ListMessageMoveTasks":  op((*call).listMessageMoveTasks),
	"CancelMessageMoveTask": op((*call).cancelMessageMoveTask),
}

// ServeHTTP answers one request at any path: of the AWS JSON 1.0 protocol
// (https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html) where it names its operation in the header X-Amz-Target,
// of the query protocol otherwise.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := newID()
	w.Header().Set("x-amzn-RequestId", id)
	if r.Header["X-Amz-Target"] == nil {
		s.serveQuery(w, r, id)
		return
	}
	s.serveJSON(w, r)
}

func (s *Server) serveJSON(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	buffer := buffers.Get().(*bytes.Buffer)
	defer putBuffer(buffer)
	if _, err := buffer.ReadFrom(http.MaxBytesReader(w, r.Body, maxRequest)); err != nil {
		writeError(w, readError(err))
		return
	}
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	if err := s.perform(name, buffer, r, decodeJSON); err != nil {
		writeError(w, err)
		return
	}
	_, _ = w.Write(buffer.Bytes()) // an error here is a client that went away
}

// perform makes a call. The buffer holds the input as JSON, and afterwards the output, nothing where the operation has none.
func (s *Server) perform(name string, buffer *bytes.Buffer, r *http.Request, decode func([]byte, any) error) error {
	operation := operations[name]
	switch {
	case s.closing.Err() != nil:
		return errClosed
	case operation == nil:
		return unknownOperation.because("")
	}
	c := &call{Server: s, ctx: r.Context(), region: regionOf(r), base: baseOf(r), trace: r.Header.Get("X-Amzn-Trace-Id")}
	out, err := operation(c, func(in any) error { return decode(buffer.Bytes(), in) })
	buffer.Reset()
	if err != nil || out == nil {
		return err
	}
	return json.MarshalWrite(buffer, out, jsontext.AllowInvalidUTF8(true)) // the Host header is in it
}

func readError(err error) error {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return requestTooLarge.because("Request size exceeded the limit of %d bytes.", tooLarge.Limit)
	}
	return serialization.because("The request body ended early.")
}

func decodeJSON(body []byte, in any) error {
	if err := json.Unmarshal(body, in); err != nil {
		return serialization.because("The request is not the JSON that this operation takes%s.", where(err))
	}
	return nil
}

func where(err error) string {
	if at := (*json.SemanticError)(nil); errors.As(err, &at) {
		return " at " + string(at.JSONPointer)
	}
	return ""
}

// asAPIError is the error as a client sees it. A failure that is not an apiError is a defect of this package.
func asAPIError(err error) *apiError {
	if e := (*apiError)(nil); errors.As(err, &e) {
		return e
	}
	return &apiError{fault{generic + "InternalFailure", "InternalFailure", http.StatusInternalServerError}, "internal failure"}
}

func writeError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	if e.code != "" {
		w.Header().Set("x-amzn-query-error", e.code+";Sender")
	}
	body, _ := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message,omitempty"`
	}{e.shape, e.message}, jsontext.AllowInvalidUTF8(true))
	w.WriteHeader(e.status)
	_, _ = w.Write(body)
}

// regionOf reads the region from the credential scope of the signature: key/date/REGION/sqs/aws4_request. A presigned URL has
// the scope in a parameter.
func regionOf(r *http.Request) string {
	_, scope, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok {
		scope = r.Form.Get("X-Amz-Credential")
	}
	if parts := strings.SplitN(scope, "/", 5); len(parts) == 5 && plainRegion(parts[2]) {
		return parts[2]
	}
	return defaultRegion
}

func plainRegion(name string) bool {
	return name != "" && len(name) <= 32 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func baseOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func putBuffer(b *bytes.Buffer) {
	if b.Cap() <= 1<<20 { // a rare large request should not stay in memory
		b.Reset()
		buffers.Put(b)
	}
}
