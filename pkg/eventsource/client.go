package eventsource

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// NewClient makes an SQS client for many small calls in parallel: connections are kept, answers are not compressed. The
// endpoint is a base URL, such as LocalStack's http://localhost:4566; empty is the one of cfg, or AWS's own.
func NewClient(cfg aws.Config, endpoint string) *sqs.Client {
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		if client, ok := o.HTTPClient.(*awshttp.BuildableClient); ok {
			o.HTTPClient = client.WithTransportOptions(func(t *http.Transport) {
				t.MaxIdleConnsPerHost = 64
				t.MaxIdleConns = 64
				t.DisableCompression = true
			})
		}
	})
}
