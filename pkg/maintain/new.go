package maintain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/postgres/schema"
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
// as their rows), VAULT_KEY_ARN and WRITER_USER.
func New(ctx context.Context, env *settings.Environment, out io.Writer) (h *Handler, stop func(), err error) {
	if env.Log == nil {
		env.Log = telemetry.NewLogger(out, env.Getenv("AWS_LAMBDA_LOG_LEVEL"))
	}
	set, contractErr := env.Contracts()
	plan, planErr := readPlan(env.Getenv)
	recipient, keyErr := readRecipient(env, set)
	env.Patient = true
	pool, poolErr := env.Open(ctx)
	if err := errors.Join(contractErr, planErr, keyErr, poolErr); err != nil {
		if pool != nil {
			pool.Close()
		}
		return nil, nil, err
	}
	return &Handler{
		contracts: set.Contracts(), plan: plan, recipient: recipient, writer: env.Getenv("WRITER_USER"), pool: pool,
		log: env.Log.With("contract", env.Getenv("CONTRACT")), metrics: out, now: time.Now,
	}, pool.Close, nil
}

// readRecipient returns the vault's key for the database; none if no contract has x-recover.
func readRecipient(env *settings.Environment, set *routes.Set) (r schema.Recipient, err error) {
	if set == nil || !slices.ContainsFunc(set.Tables(), contract.Table.HasVault) {
		return r, nil
	}
	key, err := env.VaultKey(set.Contracts())
	return schema.RecipientOf(key, env.Getenv("VAULT_KEY_ARN")), err
}

func readPlan(getenv func(string) string) (partitions.Plan, error) {
	plan := partitions.Plan{Width: getenv("PARTITION_WIDTH")}
	var errs []error
	if plan.Width != "" && plan.Width != "day" && plan.Width != "month" {
		errs = append(errs, errors.New("PARTITION_WIDTH is neither day nor month: set one of them"))
	}
	for _, setting := range []struct {
		name, text string
		days       *int
	}{
		{"RETENTION_DAYS", getenv("RETENTION_DAYS"), &plan.RetentionDays},
		{"VAULT_RETENTION_DAYS", getenv("VAULT_RETENTION_DAYS"), &plan.VaultRetentionDays},
	} {
		if setting.text == "" {
			continue
		}
		var err error
		if *setting.days, err = strconv.Atoi(setting.text); err != nil || *setting.days < 0 {
			errs = append(errs, fmt.Errorf("%s is not a number of days: set one; 0 keeps everything", setting.name))
		}
	}
	return plan, errors.Join(errs...)
}
