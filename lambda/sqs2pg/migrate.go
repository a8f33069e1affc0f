package main

import (
	"context"
	"fmt"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/plan"
	"sqs2pg/pkg/postgres/schema"
)

type migrateCommand struct {
	databaseFlag `embed:""`
	contractFlag `embed:""`
	ConfirmKey   []string `placeholder:"ID=FINGERPRINT" help:"Confirm the key that made the tokens of an earlier release; the refusal prints both."`
	Plan         bool     `help:"Print the SQL and what it locks, and change nothing."`
}

func (c *migrateCommand) Run(ctx context.Context, s *streams) error {
	all, err := c.loadAll()
	if err != nil {
		return err
	}
	keys, err := schema.ParseFingerprints(c.ConfirmKey...)
	if err != nil {
		return misuse("--confirm-key: %v", err)
	}
	pool, err := c.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	printDatabase(s, pool)
	if c.Plan {
		return printMigrations(ctx, s, pool, all)
	}
	for _, loaded := range all {
		report, err := schema.Apply(ctx, pool, loaded.Table())
		if err != nil {
			return err
		}
		fmt.Fprintln(s.err, report)
	}
	if err := schema.ConfirmKeys(ctx, pool, keys...); err != nil {
		return err
	}
	for _, key := range keys {
		fmt.Fprintf(s.err, "confirmed the masking key %s\n", key.ID)
	}
	return nil
}

func printMigrations(ctx context.Context, s *streams, pool *postgres.Pool, all []*contract.Contract) error {
	var steps plan.Steps
	for _, loaded := range all {
		of, _, err := schema.Plan(ctx, pool, loaded.Table())
		if err != nil {
			return err
		}
		steps.Join(of)
	}
	printPlan(s, steps)
	return nil
}

// printPlan prints what a command would run.
func printPlan(s *streams, steps plan.Steps) {
	steps.Print(s.out)
	if len(steps) == 0 {
		fmt.Fprintln(s.err, "nothing to do")
		return
	}
	fmt.Fprintln(s.err, "this is a plan: nothing is changed")
}
