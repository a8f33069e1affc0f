package main

import (
	"context"
	"fmt"

	"sqs2pg/pkg/postgres/schema"
)

type migrateCommand struct {
	databaseFlag `embed:""`
	contractFlag `embed:""`
}

func (c *migrateCommand) Run(ctx context.Context, s *streams) error {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	pool, err := c.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	report, err := schema.Apply(ctx, pool, loaded.Table())
	if err != nil {
		return err
	}
	fmt.Fprintln(s.err, report)
	return nil
}
