// Package maintain is the function that keeps the database: it makes partitions ahead, drops those
// past their retention, and migrates on request.
package maintain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/login"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/telemetry"
)

// wakeTime is how long an invocation waits for the database. Aurora takes up to half a minute to
// resume.
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html
const wakeTime = time.Minute

// Handler is the function. It is safe for concurrent use.
type Handler struct {
	contracts []*contract.Contract
	plan      partitions.Plan
	recipient schema.Recipient // of the vault: a migration tells the database of it; zero without x-recover
	writer    string           // the ingest function's user if it signs in by IAM: a migration makes it; "" makes none
	pool      *postgres.Pool
	log       *slog.Logger
	metrics   io.Writer
	now       func() time.Time
}

// Event says what to do: "maintain", which is the default, "migrate", which migrates first and then
// maintains, or "inspect", which only looks.
type Event struct {
	Task string `json:"task"`
	// ConfirmKey, with "migrate", names keys that made the tokens of an earlier release, each as
	// "k1=fingerprint". The function never reads the keyring.
	ConfirmKey []string `json:"confirm_key,omitempty"`
}

// Answer reports what was done.
type Answer struct {
	Task      string              `json:"task"`
	Migration *schema.Report      `json:"migration,omitempty"` // of all tables
	Upkeep    []partitions.Report `json:"upkeep,omitempty"`    // of each table

	Inspection []Inspection `json:"inspection,omitempty"`
}

// Handle does one task. A table that is not there yet is no error of "maintain": the schedule runs
// from the first deployment on, and somebody may migrate by hand. It is safe to call again with the
// same event.
func (h *Handler) Handle(ctx context.Context, e Event) (Answer, error) {
	a := Answer{Task: cmp.Or(e.Task, "maintain")}
	if err := h.do(ctx, &a, e.ConfirmKey); err != nil {
		h.log.ErrorContext(ctx, "task failed", "task", a.Task, "error", err.Error())
		return a, err
	}
	h.log.InfoContext(ctx, "task done", "task", a.Task, "report", a)
	return a, nil
}

func (h *Handler) do(ctx context.Context, a *Answer, confirm []string) (err error) {
	if a.Task != "migrate" && a.Task != "maintain" && a.Task != "inspect" {
		return fmt.Errorf(`unknown task %q: send {"task": "maintain"}, {"task": "migrate"} or {"task": "inspect"}`, a.Task)
	}
	if err := h.wait(ctx); err != nil {
		return err
	}
	if a.Task == "inspect" {
		a.Inspection, err = h.inspect(ctx)
		return err
	}
	if a.Task == "migrate" {
		if a.Migration, err = h.migrate(ctx, confirm); err != nil {
			return err
		}
	}
	var errs []error
	for _, c := range h.contracts {
		report, err := partitions.Run(ctx, h.pool, c.Table(), h.plan)
		if errors.Is(err, partitions.ErrNoTable) {
			h.log.WarnContext(ctx, "nothing to maintain: the table is missing; send {\"task\": \"migrate\"}", "contract", c.Name())
			continue
		}
		a.Upkeep = append(a.Upkeep, report)
		errs = append(errs, err, h.measure(c, report))
	}
	return errors.Join(errs...)
}

// wait waits for a database that is waking up.
func (h *Handler) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, wakeTime)
	defer cancel()
	return h.pool.Wait(ctx)
}

func (h *Handler) migrate(ctx context.Context, confirm []string) (*schema.Report, error) {
	keys, err := schema.ParseFingerprints(confirm...)
	if err != nil {
		return nil, fmt.Errorf("confirm_key: %w", err)
	}
	report, err := schema.ApplyAll(ctx, h.pool, routes.Tables(h.contracts))
	if err == nil && h.recipient.ID != "" {
		_, err = schema.Register(ctx, h.pool, h.recipient)
	}
	if err == nil {
		err = schema.ConfirmKeys(ctx, h.pool, keys...)
	}
	if err == nil && h.writer != "" {
		err = login.ByIAM(ctx, h.pool, h.writer)
	}
	return &report, err
}

// measure sends the metrics, also after a run that failed: the number of days ahead matters most
// then. A table without partitions has no such number.
func (h *Handler) measure(c *contract.Contract, r partitions.Report) error {
	count := func(name string, n int64) telemetry.Metric {
		return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(n)}
	}
	metrics := []telemetry.Metric{count("PartitionsDropped", int64(len(r.Dropped))), count("RowsOutside", r.RowsOutside)}
	if c.Table().Mode == contract.Insert && r.DaysAhead >= 0 {
		metrics = append(metrics, count("PartitionDaysAhead", int64(r.DaysAhead)))
	}
	return telemetry.Emit(h.metrics, h.now(), telemetry.Source{Contract: c.Name(), Several: len(h.contracts) > 1}, metrics...)
}
