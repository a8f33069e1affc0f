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

// maxRequest is the largest body of a request in bytes. It has room for 1 MiB of messages, with
// every character escaped in JSON, and for their attributes.
const maxRequest = 8 << 20

// A call is the part of a request that all operations share, in both protocols.
type call struct {
	*Server
	ctx    context.Context
	region string
	base   string // scheme and host that the client used
	trace  string // X-Ray trace header of the request, for the messages that it sends
}

// An operation reads its input with the protocol's decoder and returns its output, or nil.
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

// noOutput is the output type of operations without output.
type noOutput struct{}

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

// ServeHTTP answers one request, at any path. A request with the header X-Amz-Target is of the AWS
// JSON 1.0 protocol (https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html); every other
// request is of the query protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := newID()
	w.Header().Set("x-amzn-RequestId", id)
	if r.Method == http.MethodPost && r.Header["X-Amz-Target"] != nil {
		s.serveJSON(w, r)
		return
	}
	s.serveQuery(w, r, id)
}

// perform runs an operation. The buffer contains its input as JSON, and afterwards its output as
// JSON; it is empty if the operation has no output.
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
	// The output may contain the client's Host header, which need not be UTF-8.
	return json.MarshalWrite(buffer, out, jsontext.AllowInvalidUTF8(true))
}

func readError(err error) error {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return requestTooLarge.because("Request size exceeded the limit of %d bytes.", tooLarge.Limit)
	}
	return serialization.because("The request body ended early.")
}

// regionOf reads the region from the credential scope of the signature:
// key/date/REGION/sqs/aws4_request. A presigned URL has the scope in a parameter.
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
	if b.Cap() <= 1<<20 { // do not keep the memory of a rare large request
		b.Reset()
		buffers.Put(b)
	}
}
