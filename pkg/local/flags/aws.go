package flags

import (
	"context"
	"fmt"

	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/terminal/variables"
)

// EndpointFlags say where SQS and Lambda are.
type EndpointFlags struct {
	Local       bool   `help:"SQS at http://127.0.0.1:4566: LocalStack, or sqs2pg sqs."`
	EndpointURL string `env:"AWS_ENDPOINT_URL" placeholder:"URL" help:"SQS elsewhere. Without both: AWS, by the usual AWS settings."`
}

// Place is where SQS and Lambda are.
func (f *EndpointFlags) Place() account.Place {
	return account.Place{Local: f.Local, URL: f.EndpointURL}
}

// Again is the flags in a command that a person is to paste; see [variables.Again].
func (f *EndpointFlags) Again(s *Streams) string {
	env := variables.Again("--env", s.Env)
	if f.Local {
		return " --local" + env
	}
	return variables.Again("--endpoint-url", f.EndpointURL, "AWS_ENDPOINT_URL") + env
}

// QueueFlags name a queue and where it is.
type QueueFlags struct {
	Queue         string `required:"" placeholder:"NAME|URL" help:"Queue name or URL."`
	EndpointFlags `embed:""`
}

// Open finds the queue. Its error names the flag or the variable.
func (f *QueueFlags) Open(ctx context.Context) (*queue.Queue, error) {
	q, err := f.Place().Queue(ctx, f.Queue)
	if source := variables.Source("--queue", f.Queue); err != nil && source != "--queue" {
		err = fmt.Errorf("%s: %w", source, err)
	}
	return q, AsMisuse(err)
}

// Again is the flags in a command that a person is to paste; see [variables.Again].
func (f *QueueFlags) Again(s *Streams) string {
	return variables.Again("--queue", f.Queue) + f.EndpointFlags.Again(s)
}

// ListLetters is the command that lists the dead letters of a queue.
func ListLetters(s *Streams, queue QueueFlags, contract ContractFlag) string {
	return "sqs2pg dlq list" + queue.Again(s) + contract.Again()
}

// PrintWhere tells the person which queue a command is about to change.
func PrintWhere(s *Streams, q *queue.Queue) { fmt.Fprintf(s.Err, "queue %s\n", q.Where()) }
