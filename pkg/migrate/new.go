package migrate

import (
	"context"
	"io"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"

	"sqs2pg/pkg/telemetry"
)

// Run is the function's program: it makes the handler and serves the Lambda Runtime API with it. It
// writes its log to out, and returns only when the start is refused; the log has the reason then.
func Run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	log := telemetry.NewLogger(out, getenv("AWS_LAMBDA_LOG_LEVEL"))
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Error("start refused", "error", err.Error())
		return err
	}
	lambda.Start(New(cfg, log).Handle)
	return nil
}
