// Ingest is the deployed function: an event source mapping hands it batches of SQS messages, it loads them into Postgres.
//
// It reads its settings once, at the start; one that is missing or wrong ends the start with a line that names it.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/ingest"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/secrets"
	"sqs2pg/pkg/telemetry"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.Getenv("AWS_LAMBDA_LOG_LEVEL"))
	handler, pool, err := wire(context.Background(), os.Getenv, os.Stdout)
	if err != nil {
		log.Error("start refused", "error", err.Error())
		os.Exit(1)
	}
	for _, warning := range handler.Contract.Warnings() {
		log.Warn("contract", "warning", warning)
	}
	lambda.StartWithOptions(handler, lambda.WithEnableSIGTERM(pool.Close))
}

// wire makes the handler from the environment and reports everything that is wrong with it at once.
func wire(ctx context.Context, getenv func(string) string, out io.Writer) (*ingest.Handler, *postgres.Pool, error) {
	log := telemetry.NewLogger(out, getenv("AWS_LAMBDA_LOG_LEVEL"))
	c, err := contract.Load(contracts.Files, cmp.Or(getenv("CONTRACT"), "user_logins"))
	if err != nil {
		err = fmt.Errorf("CONTRACT: %w", err)
	}
	backoff, backoffErr := backOff(ctx, getenv("QUEUE_URL"))
	env := secrets.Environment{Getenv: getenv, Log: log, Patient: backoff != nil}
	keyring, keyringErr := env.Keyring(ctx)
	pool, poolErr := env.Open(ctx)
	if err := errors.Join(err, backoffErr, keyringErr, poolErr); err != nil {
		return nil, nil, err
	}
	return &ingest.Handler{
		Contract: c,
		Keyring:  keyring,
		Writer:   postgres.NewWriter(pool, c.Table()),
		Log:      log.With("contract", c.Name()),
		Metrics:  out,
		Now:      time.Now,
		Backoff:  backoff,
	}, pool, nil
}

// backOff is nil without the URL of the queue: a function in a VPC may have no route to SQS.
func backOff(ctx context.Context, queueURL string) (*ingest.Backoff, error) {
	if queueURL == "" {
		return nil, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("QUEUE_URL: AWS settings: %w", err)
	}
	return &ingest.Backoff{Client: sqs.NewFromConfig(cfg), QueueURL: queueURL}, nil
}
