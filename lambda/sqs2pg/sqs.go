package main

import (
	"context"
	"fmt"

	"sqs2pg/pkg/local/sqsserver"
	"sqs2pg/pkg/queue"
)

// sqsCommand serves SQS to other programs until it is stopped. It keeps nothing on disk.
type sqsCommand struct {
	Listen string `default:"127.0.0.1:4566" placeholder:"HOST:PORT" help:"Address to listen on (${default})."`
}

func (c *sqsCommand) Run(ctx context.Context, s *streams) error {
	endpoint, err := sqsserver.Listen(c.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s (%w): choose another address with --listen", c.Listen, queue.Cause(err))
	}
	defer endpoint.Close()
	fmt.Fprintf(s.Err, "SQS in memory; in another terminal:\n  export AWS_ENDPOINT_URL=%s AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\nVersion 1 of the AWS CLI also needs --endpoint-url %[1]s.\n", endpoint.URL)
	if endpoint.Exposed {
		fmt.Fprintln(s.Err, "Warning: anyone who can reach this address can read and change the queues, because no signature is checked: use --listen 127.0.0.1:9324 unless other machines or containers need them.")
	}
	<-ctx.Done()
	return nil
}
