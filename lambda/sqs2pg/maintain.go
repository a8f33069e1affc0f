package main

import (
	"context"
	"fmt"

	"sqs2pg/pkg/postgres/partitions"
)

// maintainCommand does once what the maintain function does on its schedule.
type maintainCommand struct {
	databaseFlag   `embed:""`
	contractFlag   `embed:""`
	PartitionWidth string `enum:"day,month," default:"" env:"PARTITION_WIDTH" help:"What new partitions cover, day or month; default: as before."`
	RetentionDays  int    `default:"0" env:"RETENTION_DAYS" help:"Drop partitions whose events are all older than this many days; 0 keeps everything."`
}

func (c *maintainCommand) Run(ctx context.Context, s *streams) error {
	if c.RetentionDays < 0 {
		return misuse("--retention-days is %d: it must be 1 or more, or 0 to keep everything", c.RetentionDays)
	}
	loaded, err := c.load()
	if err != nil {
		return err
	}
	pool, err := c.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	printDatabase(s, pool)
	report, err := partitions.Run(ctx, pool, loaded.Table(), partitions.Plan{Width: c.PartitionWidth, RetentionDays: c.RetentionDays})
	for _, name := range report.Partitions {
		fmt.Fprintln(s.err, "made partition", name)
	}
	for _, name := range report.Dropped {
		fmt.Fprintln(s.err, "dropped partition", name)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "partitions for %d days ahead, %d rows outside\n", report.DaysAhead, report.RowsOutside)
	return nil
}
