package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/queue"
)

// localEndpoint is where LocalStack and sqs2pg sqs listen.
const localEndpoint = "http://127.0.0.1:4566"

// endpointFlags say where SQS and Lambda are.
type endpointFlags struct {
	Local       bool   `help:"SQS at http://127.0.0.1:4566: LocalStack, or sqs2pg sqs."`
	EndpointURL string `env:"AWS_ENDPOINT_URL" placeholder:"URL" help:"SQS elsewhere. Without both: AWS, by the usual AWS settings."`
}

// endpoint is a URL, or "" for AWS. --local wins over the variable AWS_ENDPOINT_URL.
func (f *endpointFlags) endpoint() (string, error) {
	if f.Local {
		return localEndpoint, nil
	}
	if f.EndpointURL != "" && !strings.HasPrefix(f.EndpointURL, "http://") && !strings.HasPrefix(f.EndpointURL, "https://") {
		return "", misuse("the endpoint %s has no scheme: type --endpoint-url http://%[1]s, or set AWS_ENDPOINT_URL to that", f.EndpointURL)
	}
	return f.EndpointURL, nil
}

// queueFlags name a queue and where it is.
type queueFlags struct {
	Queue         string `required:"" placeholder:"NAME|URL" help:"Queue name or URL."`
	endpointFlags `embed:""`
}

// open finds the queue. The URL of an AWS queue says where it is, whatever AWS_ENDPOINT_URL says.
// The URL of another queue does if no flag does.
func (f *queueFlags) open(ctx context.Context) (*queue.Queue, error) {
	endpoint, err := f.endpoint()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(f.Queue)
	isURL := err == nil && u.Host != ""
	switch {
	case isURL && strings.Contains(u.Hostname(), ".amazonaws.com"):
		if f.Local {
			return nil, misuse("--local and a queue of AWS: leave one out")
		}
		return f.openOnAWS(ctx, u)
	case isURL && endpoint == "":
		endpoint = u.Scheme + "://" + u.Host
	}
	client, err := newSQS(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return queue.Find(ctx, client, f.Queue)
}

// openOnAWS takes the region from the URL, such as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME.
func (f *queueFlags) openOnAWS(ctx context.Context, u *url.URL) (*queue.Queue, error) {
	var options []func(*config.LoadOptions) error
	if host := strings.Split(u.Hostname(), "."); host[0] == "sqs" && len(host) >= 4 {
		options = append(options, config.WithRegion(host[1]))
	}
	cfg, err := loadConfig(ctx, options...)
	if err != nil {
		return nil, err
	}
	return queue.New(queue.NewClient(cfg, "https://"+u.Host), f.Queue), nil
}

// printWhere tells the person which queue a command is about to change.
func printWhere(s *streams, q *queue.Queue) { fmt.Fprintf(s.err, "queue %s\n", q.Where()) }

func newSQS(ctx context.Context, endpoint string) (*sqs.Client, error) {
	cfg, err := awsConfig(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return queue.NewClient(cfg, endpoint), nil
}

// newLambda returns a client of Lambda's API: at AWS_ENDPOINT_URL_LAMBDA, or else at the queue's
// endpoint.
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

// awsConfig reads the SDK's usual settings. An endpoint on this machine needs no account: if the
// environment has no region or no credentials, it gets made-up ones.
func awsConfig(ctx context.Context, endpoint string) (aws.Config, error) {
	if !isLocal(endpoint) {
		return loadConfig(ctx)
	}
	options := []func(*config.LoadOptions) error{config.WithDefaultRegion("us-east-1")}
	if os.Getenv("AWS_ACCESS_KEY_ID") == "" && os.Getenv("AWS_PROFILE") == "" {
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	}
	return loadConfig(ctx, options...)
}

// credentialsTimeout is for asking the providers of credentials, of which some are on the network.
const credentialsTimeout = 5 * time.Second

// loadConfig refuses settings without a region or without credentials. The errors of SQS would not
// say which setting is missing.
func loadConfig(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS settings: %w", err)
	}
	const instead = "or use --local for LocalStack or sqs2pg sqs, or --endpoint-url for SQS elsewhere"
	if cfg.Region == "" {
		return aws.Config{}, misuse("no AWS region: set AWS_REGION or AWS_PROFILE, %s", instead)
	}
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return aws.Config{}, misuse("no AWS credentials: log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID, %s", instead)
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
