package main

import (
	"context"
	"fmt"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/plan"
	"sqs2pg/pkg/postgres/schema"
)

type migrateCommand struct {
	databaseFlag `embed:""`
	contractFlag `embed:""`
	vaultFlag    `embed:""`
	jsonFlag     `embed:""`
	ConfirmKey   []string `placeholder:"ID=FINGERPRINT" help:"Confirm the key that made the tokens of an earlier release; the refusal prints both."`
	Plan         bool     `help:"Print the SQL and what it locks, and change nothing."`
}

func (c *migrateCommand) Run(ctx context.Context, s *streams) error {
	all, err := c.LoadAll()
	if err != nil {
		return err
	}
	if err := routes.CheckTables(all); err != nil {
		return misuse("%w", err)
	}
	keys, err := schema.ParseFingerprints(c.ConfirmKey...)
	if err != nil {
		return misuse("--confirm-key: %v", err)
	}
	pool, err := c.OpenDatabase(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	flags.PrintDatabase(s, pool)
	if c.Plan {
		steps, err := schema.PlanAll(ctx, pool, routes.Tables(all))
		if err != nil {
			return err
		}
		key, err := c.Keys(s).Planned(ctx, pool, routes.Tables(all)...)
		if err != nil {
			return flags.AsMisuse(err)
		}
		return printPlan(s, steps, key, c.JSON)
	}
	report, err := c.apply(ctx, s, pool, routes.Tables(all))
	if done := report.String(); err == nil || done != (schema.Report{}).String() {
		fmt.Fprintln(s.Err, done)
	}
	if err != nil {
		return flags.AsMisuse(err)
	}
	if err := schema.ConfirmKeys(ctx, pool, keys...); err != nil {
		return err
	}
	for _, key := range keys {
		fmt.Fprintf(s.Err, "confirmed the masking key %s\n", key.ID)
	}
	if c.JSON {
		return encode(s, report)
	}
	return nil
}

// apply migrates the tables, and tells the database for which key values are sealed. A missing key is
// found first.
func (c *migrateCommand) apply(ctx context.Context, s *streams, pool *postgres.Pool, tables []contract.Table) (report schema.Report, err error) {
	key, err := c.Keys(s).Find(ctx, pool, tables...)
	if err != nil {
		return report, err
	}
	if report, err = schema.ApplyAll(ctx, pool, tables); err != nil {
		return report, err
	}
	return report, c.Keys(s).Register(ctx, pool, key)
}

// printPlan prints what a command would run, and what else it would do, "" for nothing.
func printPlan(s *streams, steps plan.Steps, also string, asJSON bool) error {
	if len(steps) == 0 && also == "" {
		fmt.Fprintln(s.Err, "nothing to do")
	} else {
		fmt.Fprintln(s.Err, "this is a plan: nothing is changed")
	}
	if also != "" {
		fmt.Fprintln(s.Err, also)
	}
	if asJSON {
		return encode(s, map[string]any{"steps": append(plan.Steps{}, steps...)})
	}
	steps.Print(s.Out)
	return nil
}
