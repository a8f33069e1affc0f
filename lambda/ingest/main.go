// Ingest is the deployed function: an event source mapping hands it batches of SQS messages, it loads them into Postgres.
//
// It reads its settings once, at the start; a setting that is missing or wrong ends the start with one line that names it.
package main

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"sqs2pg/pkg/ingest"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/telemetry"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.Getenv("AWS_LAMBDA_LOG_LEVEL"))
	handler, pool, err := wire(context.Background(), os.Getenv, os.Stdout)
	if err != nil {
		log.Error("start refused", "error", err.Error())
		os.Exit(1)
	}
	for _, w := range handler.Contract.Warnings() {
		log.Warn("contract", "warning", w)
	}
	lambda.StartWithOptions(handler, lambda.WithEnableSIGTERM(pool.Close))
}

// wire makes the handler from the environment.
func wire(ctx context.Context, getenv func(string) string, out io.Writer) (*ingest.Handler, *postgres.Pool, error) {
	s, err := readSettings(getenv)
	if err != nil {
		return nil, nil, err
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: s.databaseURL})
	if err != nil {
		return nil, nil, err
	}
	return &ingest.Handler{
		Contract: s.contract,
		Keyring:  func(context.Context) (*mask.Keyring, error) { return s.keyring, nil },
		Writer:   postgres.NewWriter(pool, s.contract.Table()),
		Log:      telemetry.NewLogger(out, getenv("AWS_LAMBDA_LOG_LEVEL")).With("contract", s.contract.Name()),
		Metrics:  out,
		Now:      time.Now,
	}, pool, nil
}
