package account

import (
	"context"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/queue"
)

// LocalEndpoint is where LocalStack and sqs2pg sqs listen.
const LocalEndpoint = "http://127.0.0.1:4566"

// Place is where SQS and Lambda are: at LocalEndpoint, at a URL, or on AWS. The errors of its methods
// are *SettingErrors where a person has named something wrong, or nothing.
type Place struct {
	Local bool   // LocalEndpoint; wins over URL
	URL   string // http or https; "" is AWS

	region string // on AWS; "" is that of the AWS settings
}

// Beside returns the place of a function that a queue's messages go to: AWS, in the queue's region,
// for the URL of a queue on AWS; else p. So a variable that was meant for LocalStack does not mix the
// two.
func (p Place) Beside(nameOrURL string) Place {
	if u, err := url.Parse(nameOrURL); err == nil && onAWS(u) {
		return Place{region: regionOf(u)}
	}
	return p
}

// onAWS reports whether a URL is that of a queue on AWS.
func onAWS(u *url.URL) bool { return strings.Contains(u.Hostname(), ".amazonaws.com") }

// Endpoint returns a URL, or "" for AWS.
func (p Place) Endpoint() (string, error) {
	if p.Local {
		return LocalEndpoint, nil
	}
	if p.URL == "" {
		return "", nil
	}
	scheme, rest, _ := strings.Cut(p.URL, "://")
	scheme = strings.ToLower(scheme)
	if rest == "" || scheme != "http" && scheme != "https" {
		return "", wrong("the endpoint %s has no scheme: type --endpoint-url http://%[1]s, or set AWS_ENDPOINT_URL to that", p.URL)
	}
	return scheme + "://" + rest, nil
}

// Config returns settings for any service: at the endpoint, or on AWS. Its errors are those of
// Endpoint and For.
func (p Place) Config(ctx context.Context) (aws.Config, error) {
	endpoint, err := p.Endpoint()
	if err != nil {
		return aws.Config{}, err
	}
	cfg, err := For(ctx, endpoint)
	if endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	return cfg, err
}

// SQS returns a client. Its errors are those of Endpoint and For.
func (p Place) SQS(ctx context.Context) (*sqs.Client, error) {
	endpoint, err := p.Endpoint()
	if err != nil {
		return nil, err
	}
	cfg, err := For(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return queue.NewClient(cfg, endpoint), nil
}

// Lambda returns a client of Lambda's API: at AWS_ENDPOINT_URL_LAMBDA, or else at the endpoint.
// Errors are those of SQS.
func (p Place) Lambda(ctx context.Context) (*lambda.Client, error) {
	endpoint, err := p.Endpoint()
	if err != nil {
		return nil, err
	}
	cfg, err := For(ctx, endpoint)
	if p.region != "" {
		cfg, err = load(ctx, config.WithRegion(p.region))
	}
	if err != nil {
		return nil, err
	}
	return lambda.NewFromConfig(cfg, func(o *lambda.Options) {
		switch {
		case os.Getenv("AWS_ENDPOINT_URL_LAMBDA") != "":
		case endpoint != "":
			o.BaseEndpoint = &endpoint
		default:
			o.BaseEndpoint = nil // the SDK has read AWS_ENDPOINT_URL
		}
	}), nil
}

// queueName is SQS's rule for names.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\.fifo$`)

// CheckQueueName returns an error if no queue can have this name.
func CheckQueueName(name string) error {
	if strings.HasPrefix(name, "arn:") {
		return wrong("%s is an ARN: give the queue's name, %s, or its URL", name, name[strings.LastIndex(name, ":")+1:])
	}
	if !queueName.MatchString(name) {
		return wrong("%q is not a queue name: it has 1 to 80 letters, digits, - and _, and may end in .fifo", name)
	}
	return nil
}

// Queue finds a queue by its name or URL. The URL of a queue on AWS says where it is, whatever the
// place's URL says. The URL of another queue does if the place is AWS. Errors are those of SQS and
// of queue.Find.
func (p Place) Queue(ctx context.Context, nameOrURL string) (*queue.Queue, error) {
	u, err := url.Parse(nameOrURL)
	isURL := err == nil && u.Host != ""
	switch {
	case isURL && onAWS(u):
		if p.Local {
			return nil, wrong("--local and a queue of AWS: leave one out")
		}
		cfg, err := forQueue(ctx, u)
		if err != nil {
			return nil, err
		}
		return queue.New(queue.NewClient(cfg, "https://"+u.Host), nameOrURL), nil
	case isURL && !p.Local && p.URL == "":
		p.URL = u.Scheme + "://" + u.Host
	case !isURL:
		if err := CheckQueueName(nameOrURL); err != nil {
			return nil, err
		}
	}
	client, err := p.SQS(ctx)
	if err != nil {
		return nil, err
	}
	return queue.Find(ctx, client, nameOrURL)
}
