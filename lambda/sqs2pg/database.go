package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/settings"
	"sqs2pg/pkg/terminal/variables"
)

var errNoDatabase = misuse("no database: set DATABASE_URL or --database-url, or try `sqs2pg run`, which starts its own")

// databaseFlag is the database: the URL of its owner for migrate, that of the writer for the
// function.
type databaseFlag struct {
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"Postgres, as postgres://user:password@host:5432/name."`
}

// settings returns the DATABASE_* settings that the flag replaces. A flag wins over all of them;
// without one it returns an error if there is no database at all.
func (f *databaseFlag) settings() (map[string]string, error) {
	if f.DatabaseURL == "" && !anySet("DATABASE_SECRET_ID", "DATABASE_IAM_AUTH") {
		return nil, errNoDatabase
	}
	given := map[string]string{"DATABASE_URL": f.DatabaseURL}
	if f.source() == "--database-url" {
		given["DATABASE_SECRET_ID"], given["DATABASE_IAM_AUTH"] = "", ""
	}
	return given, nil
}

func (f *databaseFlag) source() string {
	if f.DatabaseURL == "" {
		return ""
	}
	return variables.Source("--database-url", f.DatabaseURL, "DATABASE_URL")
}

// openDatabase opens the database of the flag or of DATABASE_SECRET_ID or DATABASE_IAM_AUTH, and
// tries one connection. Its error names the flag or the variable.
func (f *databaseFlag) openDatabase(ctx context.Context) (*postgres.Pool, error) {
	given, err := f.settings()
	if err != nil {
		return nil, err
	}
	env := settings.Environment{Getenv: func(name string) string {
		if value, ok := given[name]; ok {
			return value
		}
		return os.Getenv(name)
	}}
	pool, err := env.Open(ctx)
	byURL := f.source() == "--database-url" || f.source() != "" && !anySet("DATABASE_SECRET_ID", "DATABASE_IAM_AUTH")
	if inner := errors.Unwrap(err); inner != nil && byURL {
		return nil, asMisuse(fmt.Errorf("%s: %w", f.source(), inner)) // and not DATABASE_URL
	}
	return pool, asMisuse(err)
}

// printDatabase tells the person which database a command is about to change.
func printDatabase(s *streams, pool *postgres.Pool) {
	fmt.Fprintf(s.err, "database %s\n", pool.Where())
}
