package main

import (
	"context"
	"errors"
	"fmt"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/terminal"
)

// maintainCommand does once what the maintain function does on its schedule.
type maintainCommand struct {
	databaseFlag   `embed:""`
	contractFlag   `embed:""`
	jsonFlag       `embed:""`
	PartitionWidth string `enum:"day,month," default:"" env:"PARTITION_WIDTH" help:"What new partitions cover, day or month; default: as before."`
	RetentionDays  int    `default:"0" env:"RETENTION_DAYS" help:"Keep events this many days: drop partitions that are all older, and refuse older messages; 0 keeps everything."`
	VaultDays      int    `name:"vault-retention-days" default:"0" env:"VAULT_RETENTION_DAYS" help:"Keep sealed values this many days; 0 keeps them as long as their rows."`
	Yes            bool   `help:"Drop partitions without asking."`
	Plan           bool   `help:"Print the SQL and what it locks, and change nothing."`
}

// listed is how many partitions are named before "... and 90 more".
const listed = 10

func (c *maintainCommand) Run(ctx context.Context, s *streams) error {
	if c.RetentionDays < 0 {
		return misuse("--retention-days is %d: it must be 1 or more, or 0 to keep everything", c.RetentionDays)
	}
	if c.VaultDays < 0 {
		return misuse("--vault-retention-days is %d: it must be 1 or more, or 0 to keep sealed values as long as their rows", c.VaultDays)
	}
	all, err := c.LoadAll()
	if err != nil {
		return err
	}
	pool, err := c.OpenDatabase(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	flags.PrintDatabase(s, pool)
	for _, loaded := range all {
		if err := c.maintain(ctx, s, pool, loaded.Table()); err != nil {
			return err
		}
	}
	return nil
}

func (c *maintainCommand) maintain(ctx context.Context, s *streams, pool *postgres.Pool, table contract.Table) error {
	plan := partitions.Plan{Width: c.PartitionWidth, RetentionDays: c.RetentionDays, VaultRetentionDays: c.VaultDays}
	if c.Plan || c.RetentionDays+c.VaultDays > 0 && !c.Yes {
		changes, err := partitions.Preview(ctx, pool, table, plan)
		if err != nil {
			return err
		}
		if c.Plan {
			return printPlan(s, changes.Steps, "", c.JSON)
		}
		if ok, err := c.confirmed(s, changes.Expired); !ok {
			return err
		}
	}
	report, err := partitions.Run(ctx, pool, table, plan)
	printPartitions(s, "made partition", report.Partitions)
	printPartitions(s, "dropped partition", report.Dropped)
	if err != nil {
		return err
	}
	if n := report.SealsDeleted; n > 0 {
		fmt.Fprintf(s.Err, "deleted %d sealed values without a row, or past their retention\n", n)
	}
	fmt.Fprintf(s.Err, "partitions for %d days ahead, %d rows outside\n", report.DaysAhead, report.RowsOutside)
	if c.JSON {
		return encode(s, report)
	}
	return nil
}

// confirmed asks before partitions are dropped: their rows are gone then.
func (c *maintainCommand) confirmed(s *streams, expired []string) (bool, error) {
	if len(expired) == 0 {
		return true, nil
	}
	printPartitions(s, "would drop", expired)
	ok, err := terminal.Confirm(s.In, s.Err, fmt.Sprintf("Drop %d partitions with all their rows, which are past their retention?", len(expired)))
	switch {
	case errors.Is(err, terminal.ErrNobodyToAsk):
		return false, misuse("the retention would drop %d partitions with their rows, and %v: add --yes, or see --plan", len(expired), err)
	case err == nil && !ok:
		fmt.Fprintln(s.Err, "nothing is changed")
	}
	return ok, err
}

func printPartitions(s *streams, verb string, names []string) {
	for _, name := range names[:min(listed, len(names))] {
		fmt.Fprintln(s.Err, verb, name)
	}
	terminal.More(s.Err, listed, len(names))
}
