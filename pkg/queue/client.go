package queue

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// NewClient makes an SQS client for many small calls in parallel: connections are kept, answers are
// not compressed. The endpoint is a base URL, such as LocalStack's http://localhost:4566. Empty
// means the endpoint of cfg, or AWS's own.
func NewClient(cfg aws.Config, endpoint string) *sqs.Client {
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		if client, ok := o.HTTPClient.(*awshttp.BuildableClient); ok {
			o.HTTPClient = ownBody{client.WithTransportOptions(func(t *http.Transport) {
				t.MaxIdleConnsPerHost = 64
				t.MaxIdleConns = 64
				t.DisableCompression = true
			})}
		}
	})
}

// ownBody sends a copy of each request's body. The SDK closes the original as soon as it has the
// head of the answer. A server on the same machine can send that head before the transport has read
// the body to its end. The transport then gives up the connection (about once in 200 calls of the
// in-memory server), and sometimes with it an answer that holds ten messages. These stay invisible
// until their visibility timeout ends.
type ownBody struct{ aws.HTTPClient }

// Do copies the body, of 1 MiB at most, and sends the request.
func (c ownBody) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return c.HTTPClient.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return c.HTTPClient.Do(r)
}
