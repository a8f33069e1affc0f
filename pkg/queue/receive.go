package queue

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/schemas"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ReceiveJSON receives up to n messages (1 to 10) with all their attributes, and waits for the
// first for whole seconds, up to 20. It returns the answer as SQS wrote it, {"Messages":[...]},
// unchecked.
//
// The answer is for callers that copy its parts: most of a message goes into a Lambda event in the
// very bytes that it came in, and taking it apart and quoting it again would be the largest cost of
// a drain. Errors are the SDK's.
func (q *Queue) ReceiveJSON(ctx context.Context, n int, wait time.Duration) ([]byte, error) {
	seconds := int(wait / time.Second)
	if answer, ok := q.direct.receive(ctx, n, seconds); ok {
		return answer, nil
	}
	var protocol rawReceive
	_, err := q.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.URL, MaxNumberOfMessages: int32(n), WaitTimeSeconds: int32(seconds),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	}, func(o *sqs.Options) {
		protocol.ClientProtocol = o.Protocol
		o.Protocol = &protocol
	})
	return protocol.answer, err
}

// receive sends the JSON that the SDK would send.
func (d *direct) receive(ctx context.Context, n, seconds int) ([]byte, bool) {
	if d == nil {
		return nil, false
	}
	b := append([]byte(`{"QueueUrl":`), d.quotedURL...)
	b = strconv.AppendInt(append(b, `,"MaxNumberOfMessages":`...), int64(n), 10)
	b = strconv.AppendInt(append(b, `,"WaitTimeSeconds":`...), int64(seconds), 10)
	return d.post(ctx, "ReceiveMessage", append(b, `,"MessageSystemAttributeNames":["All"],"MessageAttributeNames":["All"]}`...))
}

// rawReceive is the SDK's protocol with two differences for ReceiveMessage. It keeps the answer as
// it is. And it sends a wait of 0 s, which the SDK leaves out of the request: the queue's own
// ReceiveMessageWaitTimeSeconds would count then, and a short poll could last 20 s.
type rawReceive struct {
	smithyhttp.ClientProtocol
	answer []byte
}

// SerializeRequest is called by the SDK.
func (p *rawReceive) SerializeRequest(ctx context.Context, schema *smithy.OperationSchema, in smithy.Serializable, r *smithyhttp.Request) error {
	if receive, ok := in.(*sqs.ReceiveMessageInput); ok && receive.WaitTimeSeconds == 0 {
		in = shortPoll{receive}
	}
	return p.ClientProtocol.SerializeRequest(ctx, schema, in, r)
}

type shortPoll struct{ *sqs.ReceiveMessageInput }

// Serialize is called by the SDK.
func (p shortPoll) Serialize(s smithy.ShapeSerializer) {
	s.WriteStruct(schemas.ReceiveMessageRequest)
	p.SerializeMembers(s)
	s.WriteInt32(schemas.ReceiveMessageRequest_WaitTimeSeconds, 0)
	s.CloseStruct()
}

// DeserializeResponse is called by the SDK.
func (p *rawReceive) DeserializeResponse(ctx context.Context, schema *smithy.OperationSchema, registry *smithy.TypeRegistry, r *smithyhttp.Response, out smithy.Deserializable) error {
	if r.StatusCode != 200 {
		return p.ClientProtocol.DeserializeResponse(ctx, schema, registry, r, out)
	}
	answer, err := readAll(r.Response)
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	p.answer = answer
	return nil
}
