package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sqs2pg/pkg/local/eventsource"
)

// queueFlags name a queue and where it is.
type queueFlags struct {
	Queue       string `required:"" placeholder:"NAME|URL" help:"Queue name or URL; amazonaws.com means AWS itself."`
	EndpointURL string `default:"http://127.0.0.1:4566" env:"AWS_ENDPOINT_URL" placeholder:"URL" help:"SQS endpoint (${default})."`
}

// open returns a client and the URL of the queue.
func (f *queueFlags) open(ctx context.Context) (*sqs.Client, string, error) {
	if u, err := url.Parse(f.Queue); err == nil && strings.HasSuffix(u.Hostname(), ".amazonaws.com") {
		f.EndpointURL = ""
	}
	client, err := newSQS(ctx, f.EndpointURL)
	if err != nil {
		return nil, "", err
	}
	if strings.Contains(f.Queue, "://") {
		return client, f.Queue, nil
	}
	queueURL, err := f.find(ctx, client)
	return client, queueURL, err
}

// find asks for the URL of a queue by name.
func (f *queueFlags) find(ctx context.Context, client *sqs.Client) (string, error) {
	got, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &f.Queue})
	var missing *types.QueueDoesNotExist
	switch {
	case err == nil:
		return *got.QueueUrl, nil
	case errors.As(err, &missing):
		return "", fmt.Errorf("queue %s does not exist at %s; create it: aws --endpoint-url %[2]s sqs create-queue --queue-name %[1]s", f.Queue, f.endpoint())
	default:
		return "", fmt.Errorf("no answer from SQS at %s (%w); is it running? set --endpoint-url or AWS_ENDPOINT_URL", f.endpoint(), lastCause(err))
	}
}

func (f *queueFlags) endpoint() string {
	if f.EndpointURL == "" {
		return "AWS"
	}
	return f.EndpointURL
}

func newSQS(ctx context.Context, endpoint string) (*sqs.Client, error) {
	cfg, err := awsConfig(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return eventsource.NewClient(cfg, endpoint), nil
}

// newLambda returns a client of Lambda's API: at AWS_ENDPOINT_URL_LAMBDA, else where the queue is.
func newLambda(ctx context.Context, endpoint string) (*lambda.Client, error) {
	cfg, err := awsConfig(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return lambda.NewFromConfig(cfg, func(o *lambda.Options) {
		if endpoint != "" && os.Getenv("AWS_ENDPOINT_URL_LAMBDA") == "" {
			o.BaseEndpoint = &endpoint
		}
	}), nil
}

// awsConfig is the SDK's usual settings. An endpoint on this machine needs no account: region and credentials
// that the environment lacks are made up for it.
func awsConfig(ctx context.Context, endpoint string) (aws.Config, error) {
	var options []func(*config.LoadOptions) error
	if isLocal(endpoint) {
		options = append(options, config.WithDefaultRegion("us-east-1"))
		if os.Getenv("AWS_ACCESS_KEY_ID") == "" && os.Getenv("AWS_PROFILE") == "" {
			options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS settings: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, misuse("no AWS region; set AWS_REGION")
	}
	return cfg, nil
}

// isLocal reports whether an endpoint is on this machine.
func isLocal(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := u.Hostname()
	return host == "127.0.0.1" || host == "::1" || host == "localhost" || strings.HasSuffix(host, ".localhost.localstack.cloud")
}

// lastCause is the innermost error: the SDK wraps "connection refused" in five layers of its own words.
func lastCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
