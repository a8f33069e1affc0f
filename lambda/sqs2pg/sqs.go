package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"sqs2pg/pkg/local/sqsserver"
)

// sqsCommand serves SQS to other programs. It keeps nothing.
type sqsCommand struct {
	Listen string `default:"127.0.0.1:9324" placeholder:"HOST:PORT" help:"Address to listen on (${default})."`
}

func (c *sqsCommand) Run(ctx context.Context, s *streams) error {
	endpoint, stop, err := serveSQS(c.Listen)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(s.err, "SQS in memory; in another terminal:\n  export AWS_ENDPOINT_URL=%s AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\nVersion 1 of the AWS CLI wants --endpoint-url %[1]s besides.\n", endpoint)
	<-ctx.Done()
	return nil
}

// serveSQS starts an in-memory SQS and returns its endpoint and what ends it.
func serveSQS(address string) (endpoint string, stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("cannot listen on %s (%w); choose another with --listen", address, lastCause(err))
	}
	queues := sqsserver.New(sqsserver.Options{})
	server := &http.Server{Handler: queues, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	stop = func() {
		queues.Close()
		server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			panic(err) // the listener broke under a running program
		}
	}
	return "http://" + listener.Addr().String(), stop, nil
}
