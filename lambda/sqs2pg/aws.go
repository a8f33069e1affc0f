package main

import (
	"context"
	"fmt"

	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/terminal/variables"
)

// endpointFlags say where SQS and Lambda are.
type endpointFlags struct {
	Local       bool   `help:"SQS at http://127.0.0.1:4566: LocalStack, or sqs2pg sqs."`
	EndpointURL string `env:"AWS_ENDPOINT_URL" placeholder:"URL" help:"SQS elsewhere. Without both: AWS, by the usual AWS settings."`
}

func (f *endpointFlags) place() account.Place {
	return account.Place{Local: f.Local, URL: f.EndpointURL}
}

// queueFlags name a queue and where it is.
type queueFlags struct {
	Queue         string `required:"" placeholder:"NAME|URL" help:"Queue name or URL."`
	endpointFlags `embed:""`
}

func (f *queueFlags) open(ctx context.Context) (*queue.Queue, error) {
	q, err := f.place().Queue(ctx, f.Queue)
	if source := variables.Source("--queue", f.Queue); err != nil && source != "--queue" {
		err = fmt.Errorf("%s: %w", source, err)
	}
	return q, asMisuse(err)
}

// printWhere tells the person which queue a command is about to change.
func printWhere(s *streams, q *queue.Queue) { fmt.Fprintf(s.err, "queue %s\n", q.Where()) }
