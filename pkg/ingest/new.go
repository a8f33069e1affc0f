package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/settings"
	"sqs2pg/pkg/telemetry"
	"sqs2pg/pkg/vault"
)

// Run is the function's program: it makes the handler and serves the Lambda Runtime API with it. It
// writes its log and its metrics to out, and returns only when the start is refused; the log has
// the reason then.
func Run(ctx context.Context, contracts fs.FS, getenv func(string) string, out io.Writer) error {
	env := &settings.Environment{Folder: contracts, Getenv: getenv}
	handler, stop, err := New(ctx, env, out)
	if err != nil {
		env.Log.Error("start refused", "error", err.Error())
		return err
	}
	lambda.StartWithOptions(sparing(handler, getenv), lambda.WithEnableSIGTERM(stop))
	return nil
}

// New makes the handler from the environment. It reads all settings at once, and its error lists
// everything that is wrong, one line each. stop closes the handler's database connections. New
// gives env a logger on out if it has none.
//
// A database that cannot be reached ends the start only if waiting does not help, such as a wrong
// password, host or database name. Otherwise each invocation waits for it as long as it has time.
//
// With QUEUE_URL the handler backs off. It needs a route to SQS then, which a function in a VPC may
// not have.
func New(ctx context.Context, env *settings.Environment, out io.Writer) (h *Handler, stop func(), err error) {
	if env.Log == nil {
		env.Log = telemetry.NewLogger(out, env.Getenv("AWS_LAMBDA_LOG_LEVEL"))
	}
	set, contractErr := env.Contracts()
	backoff, backoffErr := newBackoff(ctx, env.Getenv("QUEUE_URL"))
	env.Patient = true
	keyring, keyringErr := env.Keyring(ctx)
	var contracts []*contract.Contract
	if contractErr == nil {
		contracts = set.Contracts()
	}
	key, vaultErr := env.VaultKey(contracts)
	pool, poolErr := env.Open(ctx)
	if err := errors.Join(contractErr, backoffErr, keyringErr, vaultErr, poolErr); err != nil {
		if pool != nil {
			pool.Close()
		}
		return nil, nil, err
	}
	h = &Handler{Routes: set, Keyring: keyring, Log: env.Log, Metrics: out, Now: time.Now, Backoff: backoff}
	var sealer *vault.Sealer
	if !key.IsZero() {
		sealer = vault.NewSealer(key, time.Now)
	}
	for _, c := range contracts {
		h.Tables = append(h.Tables, newTable(c, pool, sealer, env.Log.With("contract", c.Name())))
	}
	return h, pool.Close, nil
}

// newTable returns where the events of a contract go. sealer may be nil without x-recover.
func newTable(c *contract.Contract, pool *postgres.Pool, sealer *vault.Sealer, log *slog.Logger) Table {
	for _, warning := range c.Warnings() {
		log.Warn("contract", "warning", warning)
	}
	gate := &registry.Gate{Pool: pool, Table: c.Table(), Log: log, Now: time.Now}
	table := Table{Contract: c, Gate: gate, Writer: postgres.NewWriter(pool, c.Table()), Log: log}
	if c.Table().HasVault() {
		gate.Recipient = sealer.Key().ID()
		table.Sealer, table.StoreSession = sealer, pool.StoreSession
	}
	return table
}

// newBackoff returns nil if no queue is given.
func newBackoff(ctx context.Context, queueURL string) (Queue, error) {
	if queueURL == "" {
		return nil, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("QUEUE_URL: AWS settings: %w", err)
	}
	return &queue.Queue{Client: queue.NewClient(cfg, ""), URL: queueURL}, nil
}
