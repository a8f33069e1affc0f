package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/telemetry"
)

// keeper is the function.
type keeper struct {
	contract *contract.Contract
	plan     partitions.Plan
	writer   string // the ingest function's user, made by a migration, where it signs in by IAM; "" leaves users alone
	pool     *postgres.Pool
	log      *slog.Logger
	metrics  io.Writer
	now      func() time.Time
}

// event says what to do: "maintain", which is the default, or "migrate", which maintains too.
type event struct {
	Task string `json:"task"`
}

// answer is what was done.
type answer struct {
	Task      string            `json:"task"`
	Migration *schema.Report    `json:"migration,omitempty"`
	Upkeep    partitions.Report `json:"upkeep"`
}

// handle does one task. All of it may be done again.
func (k *keeper) handle(ctx context.Context, e event) (answer, error) {
	a := answer{Task: e.Task}
	var err error
	switch e.Task {
	case "migrate":
		a.Migration, err = k.migrate(ctx)
	case "", "maintain":
		a.Task = "maintain"
	default:
		err = fmt.Errorf(`unknown task %q; send {"task": "maintain"} or {"task": "migrate"}`, e.Task)
	}
	if err == nil {
		a.Upkeep, err = partitions.Run(ctx, k.pool, k.contract.Table(), k.plan)
		err = errors.Join(err, k.measure(a.Upkeep))
	}
	if err != nil {
		k.log.ErrorContext(ctx, "task failed", "task", e.Task, "error", err.Error())
		return a, err
	}
	k.log.InfoContext(ctx, "task done", "task", a.Task, "report", a)
	return a, nil
}

func (k *keeper) migrate(ctx context.Context) (*schema.Report, error) {
	report, err := schema.Apply(ctx, k.pool, k.contract.Table())
	if err == nil && k.writer != "" {
		err = schema.LoginByIAM(ctx, k.pool, k.writer)
	}
	return &report, err
}

// measure sends the metrics, of a run that failed too: how many days ahead are left is then of most use. A table without partitions
// needs none ahead, so it has no such metric.
func (k *keeper) measure(r partitions.Report) error {
	count := func(name string, n int64) telemetry.Metric {
		return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(n)}
	}
	metrics := []telemetry.Metric{count("PartitionsDropped", int64(len(r.Dropped))), count("RowsOutside", r.RowsOutside)}
	if k.contract.Table().Mode == contract.Insert && r.DaysAhead >= 0 {
		metrics = append(metrics, count("PartitionDaysAhead", int64(r.DaysAhead)))
	}
	return telemetry.Emit(k.metrics, k.now(), k.contract.Name(), metrics...)
}
