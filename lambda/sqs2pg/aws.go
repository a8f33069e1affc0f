package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/local/account"
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
	if f.EndpointURL == "" {
		return "", nil
	}
	scheme, rest, _ := strings.Cut(f.EndpointURL, "://")
	scheme = strings.ToLower(scheme)
	if rest == "" || scheme != "http" && scheme != "https" {
		return "", misuse("the endpoint %s has no scheme: type --endpoint-url http://%[1]s, or set AWS_ENDPOINT_URL to that", f.EndpointURL)
	}
	return scheme + "://" + rest, nil
}

// queueFlags name a queue and where it is.
type queueFlags struct {
	Queue         string `required:"" placeholder:"NAME|URL" help:"Queue name or URL."`
	endpointFlags `embed:""`
}

// queueName is SQS's rule for names.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\.fifo$`)

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
		cfg, err := account.ForQueue(ctx, u)
		return queue.New(queue.NewClient(cfg, "https://"+u.Host), f.Queue), asMisuse(err)
	case isURL && endpoint == "":
		endpoint = u.Scheme + "://" + u.Host
	case !isURL && !queueName.MatchString(f.Queue):
		return nil, misuse("--queue: %q is not a queue name: it has 1 to 80 letters, digits, - and _, and may end in .fifo", f.Queue)
	}
	client, err := newSQS(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return queue.Find(ctx, client, f.Queue)
}

// printWhere tells the person which queue a command is about to change.
func printWhere(s *streams, q *queue.Queue) { fmt.Fprintf(s.err, "queue %s\n", q.Where()) }

func newSQS(ctx context.Context, endpoint string) (*sqs.Client, error) {
	cfg, err := account.For(ctx, endpoint)
	return queue.NewClient(cfg, endpoint), asMisuse(err)
}
