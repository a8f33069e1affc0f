package main

import (
	"context"
	"fmt"
	"os"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/settings"
)

var errNoDatabase = misuse("no database; set DATABASE_URL or --database-url, or try `sqs2pg run`, which starts its own")

// databaseFlag is the database; its owner's URL for migrate, the writer's for the function.
type databaseFlag struct {
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"Postgres, as postgres://user:password@host:5432/name."`
}

func (f *databaseFlag) open(ctx context.Context) (*postgres.Pool, error) {
	if f.DatabaseURL == "" && !anySet("DATABASE_SECRET_ID", "DATABASE_IAM_AUTH") {
		return nil, errNoDatabase
	}
	env := settings.Environment{Getenv: func(name string) string {
		if name == "DATABASE_URL" {
			return f.DatabaseURL
		}
		return os.Getenv(name)
	}}
	return env.Open(ctx)
}

// migrateCommand makes and updates the schema.
type migrateCommand struct {
	databaseFlag `embed:""`
	contractFlag `embed:""`
}

func (c *migrateCommand) Run(ctx context.Context, s *streams) error {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	pool, err := c.open(ctx)
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
