package eventsource

import (
	"bytes"
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/schemas"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// rawReceive is the SDK's protocol but for ReceiveMessage, in two points.
//
// The SDK leaves a wait of 0 s out of the request, and then the queue's own ReceiveMessageWaitTimeSeconds counts: a short
// poll could last 20 s. And the answer is left as it is: it carries every message, and most of it goes into the event in
// the very bytes it came in, so taking it apart and quoting it again is the largest cost of a drain.
type rawReceive struct {
	smithyhttp.ClientProtocol
	answer []byte
}

func (p *rawReceive) SerializeRequest(ctx context.Context, schema *smithy.OperationSchema, in smithy.Serializable, r *smithyhttp.Request) error {
	if receive, ok := in.(*sqs.ReceiveMessageInput); ok && receive.WaitTimeSeconds == 0 {
		in = shortPoll{receive}
	}
	return p.ClientProtocol.SerializeRequest(ctx, schema, in, r)
}

type shortPoll struct{ *sqs.ReceiveMessageInput }

func (p shortPoll) Serialize(s smithy.ShapeSerializer) {
	s.WriteStruct(schemas.ReceiveMessageRequest)
	p.SerializeMembers(s)
	s.WriteInt32(schemas.ReceiveMessageRequest_WaitTimeSeconds, 0)
	s.CloseStruct()
}

func (p *rawReceive) DeserializeResponse(ctx context.Context, schema *smithy.OperationSchema, types *smithy.TypeRegistry, r *smithyhttp.Response, out smithy.Deserializable) error {
	if r.StatusCode != 200 {
		return p.ClientProtocol.DeserializeResponse(ctx, schema, types, r, out)
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(r.Body); err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	p.answer = body.Bytes()
	return nil
}

// receiveRaw returns the answer's JSON.
func receiveRaw(ctx context.Context, client *sqs.Client, in *sqs.ReceiveMessageInput) ([]byte, error) {
	var protocol rawReceive
	_, err := client.ReceiveMessage(ctx, in, func(o *sqs.Options) {
		protocol.ClientProtocol = o.Protocol
		o.Protocol = &protocol
	})
	return protocol.answer, err
}
