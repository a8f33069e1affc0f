package maintain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/settings"
	"sqs2pg/pkg/telemetry"
)

// Run is the function's program: it makes the handler and serves the Lambda Runtime API with it. It
// writes its log and its metrics to out, and returns only when the start is refused; the log has
// the reason then.
func Run(ctx context.Context, contracts fs.FS, getenv func(string) string, out io.Writer) error {
	env := &settings.Environment{Folder: contracts, Getenv: getenv}
	h, stop, err := New(ctx, env, out)
	if err != nil {
		env.Log.Error("start refused", "error", err.Error())
		return err
	}
	lambda.StartWithOptions(h.Handle, lambda.WithEnableSIGTERM(stop))
	return nil
}

// New makes the handler from the environment. It reads all settings at once, and its error lists
// everything that is wrong, one line each. stop closes the handler's database connections. New
// gives env a logger on out if it has none.
//
// A database that cannot be reached ends the start only if waiting does not help, such as a wrong
// password, host or database name. Otherwise each invocation waits for it, for a minute at most.
//
// Besides the settings of pkg/settings it reads PARTITION_WIDTH (day or month), RETENTION_DAYS (0,
// the default, keeps everything), VAULT_RETENTION_DAYS (0, the default, keeps sealed values as long
// as their rows) and WRITER_USER.
func New(ctx context.Context, env *settings.Environment, out io.Writer) (h *Handler, stop func(), err error) {
	if env.Log == nil {
		env.Log = telemetry.NewLogger(out, env.Getenv("AWS_LAMBDA_LOG_LEVEL"))
	}
	set, contractErr := env.Contracts()
	plan, planErr := readPlan(env.Getenv)
	env.Patient = true
	pool, poolErr := env.Open(ctx)
	if err := errors.Join(contractErr, planErr, poolErr); err != nil {
		if pool != nil {
			pool.Close()
		}
		return nil, nil, err
	}
	return &Handler{
		contracts: set.Contracts(), plan: plan, writer: env.Getenv("WRITER_USER"), pool: pool,
		log: env.Log.With("contract", env.Getenv("CONTRACT")), metrics: out, now: time.Now,
	}, pool.Close, nil
}

func readPlan(getenv func(string) string) (partitions.Plan, error) {
	plan := partitions.Plan{Width: getenv("PARTITION_WIDTH")}
	var errs []error
	if plan.Width != "" && plan.Width != "day" && plan.Width != "month" {
		errs = append(errs, errors.New("PARTITION_WIDTH is neither day nor month: set one of them"))
	}
	for _, setting := range []struct {
		name string
		days *int
	}{{"RETENTION_DAYS", &plan.RetentionDays}, {"VAULT_RETENTION_DAYS", &plan.VaultRetentionDays}} {
		text := getenv(setting.name)
		if text == "" {
			continue
		}
		var err error
		if *setting.days, err = strconv.Atoi(text); err != nil || *setting.days < 0 {
			errs = append(errs, fmt.Errorf("%s is not a number of days: set one; 0 keeps everything", setting.name))
		}
	}
	return plan, errors.Join(errs...)
}
