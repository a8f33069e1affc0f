// Maintain is the function that keeps the database: on a schedule it makes partitions ahead and drops those past their
// retention, and by hand it migrates.
//
//	aws lambda invoke --function-name sqs2pg-maintain --cli-binary-format raw-in-base64-out --payload '{"task":"migrate"}' /dev/stdout
//
// Its answer is a report of what it did.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/secrets"
	"sqs2pg/pkg/telemetry"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.Getenv("AWS_LAMBDA_LOG_LEVEL"))
	k, err := wire(context.Background(), os.Getenv, os.Stdout)
	if err != nil {
		log.Error("start refused", "error", err.Error())
		os.Exit(1)
	}
	lambda.StartWithOptions(k.handle, lambda.WithEnableSIGTERM(k.pool.Close))
}

// wire makes the keeper from the environment and reports everything that is wrong with it at once.
func wire(ctx context.Context, getenv func(string) string, out io.Writer) (*keeper, error) {
	log := telemetry.NewLogger(out, getenv("AWS_LAMBDA_LOG_LEVEL"))
	c, contractErr := contract.Load(contracts.Files, cmp.Or(getenv("CONTRACT"), "user_logins"))
	if contractErr != nil {
		contractErr = fmt.Errorf("CONTRACT: %w", contractErr)
	}
	plan, planErr := readPlan(getenv)
	env := secrets.Environment{Getenv: getenv, Log: log}
	pool, poolErr := env.Open(ctx)
	if err := errors.Join(contractErr, planErr, poolErr); err != nil {
		return nil, err
	}
	return &keeper{contract: c, plan: plan, writer: getenv("WRITER_USER"), pool: pool, log: log.With("contract", c.Name()), metrics: out, now: time.Now}, nil
}

func readPlan(getenv func(string) string) (partitions.Plan, error) {
	plan := partitions.Plan{Width: getenv("PARTITION_WIDTH")}
	var errs []error
	if plan.Width != "" && plan.Width != "day" && plan.Width != "month" {
		errs = append(errs, errors.New("PARTITION_WIDTH is neither day nor month"))
	}
	if text := getenv("RETENTION_DAYS"); text != "" {
		var err error
		if plan.RetentionDays, err = strconv.Atoi(text); err != nil || plan.RetentionDays < 0 {
			errs = append(errs, errors.New("RETENTION_DAYS is not a number of days; 0 keeps everything"))
		}
	}
	return plan, errors.Join(errs...)
}
