package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/queue"
)

// queueFlags name a queue and where it is.
type queueFlags struct {
	Queue       string `required:"" placeholder:"NAME|URL" help:"Queue name or URL; amazonaws.com means AWS itself."`
	EndpointURL string `default:"http://127.0.0.1:4566" env:"AWS_ENDPOINT_URL" placeholder:"URL" help:"SQS endpoint (${default})."`
}

// open finds the queue.
func (f *queueFlags) open(ctx context.Context) (*queue.Queue, error) {
	if u, err := url.Parse(f.Queue); err == nil && strings.HasSuffix(u.Hostname(), ".amazonaws.com") {
		f.EndpointURL = ""
	}
	client, err := newSQS(ctx, f.EndpointURL)
	if err != nil {
		return nil, err
	}
	return queue.Find(ctx, client, f.Queue)
}

func newSQS(ctx context.Context, endpoint string) (*sqs.Client, error) {
	cfg, err := awsConfig(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return queue.NewClient(cfg, endpoint), nil
}

// newLambda returns a client of Lambda's API: at AWS_ENDPOINT_URL_LAMBDA, or else at the queue's endpoint.
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

// awsConfig reads the SDK's usual settings. An endpoint on this machine needs no account: if the environment has no region or
// no credentials, it gets made-up ones.
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
		return aws.Config{}, misuse("no AWS region: set AWS_REGION")
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
