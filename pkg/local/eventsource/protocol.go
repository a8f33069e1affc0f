package eventsource

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/schemas"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
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

var (
	allSystemAttributes = []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}
	allAttributes       = []string{"All"}
)

// receiveRaw returns the answer's JSON.
func (r *run) receiveRaw(ctx context.Context, n, seconds int) ([]byte, error) {
	if answer, ok := r.plain.post(ctx, "ReceiveMessage", r.receiveRequest(n, seconds)); ok {
		return answer, nil
	}
	var protocol rawReceive
	_, err := r.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &r.QueueURL, MaxNumberOfMessages: int32(n), WaitTimeSeconds: int32(seconds),
		MessageSystemAttributeNames: allSystemAttributes, MessageAttributeNames: allAttributes,
	}, func(o *sqs.Options) {
		protocol.ClientProtocol = o.Protocol
		o.Protocol = &protocol
	})
	return protocol.answer, err
}

// receiveRequest is the request that the SDK makes, as JSON.
func (r *run) receiveRequest(n, seconds int) []byte {
	b := append([]byte(`{"QueueUrl":`), r.quotedURL...)
	b = strconv.AppendInt(append(b, `,"MaxNumberOfMessages":`...), int64(n), 10)
	b = strconv.AppendInt(append(b, `,"WaitTimeSeconds":`...), int64(seconds), 10)
	return append(b, `,"MessageSystemAttributeNames":["All"],"MessageAttributeNames":["All"]}`...)
}
