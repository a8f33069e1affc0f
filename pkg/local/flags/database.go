package flags

import (
	"context"
	"fmt"
	"os"

	"sqs2pg/pkg/local/environment"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/terminal/variables"
)

// DatabaseFlag is the database: the URL of its owner for migrate, that of the writer for the
// function.
type DatabaseFlag struct {
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"Postgres, as postgres://user:password@host:5432/name."`
}

// Given is the database as a person has named it.
func (f *DatabaseFlag) Given() *environment.Given {
	return &environment.Given{
		Getenv: os.Getenv, DatabaseURL: f.DatabaseURL, From: variables.Source(environment.Flag, f.DatabaseURL, "DATABASE_URL"),
	}
}

// OpenDatabase opens the database of the flag or of DATABASE_SECRET_ID or DATABASE_IAM_AUTH, and
// tries one connection. Its error names the flag or the variable.
func (f *DatabaseFlag) OpenDatabase(ctx context.Context) (*postgres.Pool, error) {
	pool, err := f.Given().Open(ctx)
	return pool, AsMisuse(err)
}

// PrintDatabase tells the person which database a command is about to change.
func PrintDatabase(s *Streams, pool *postgres.Pool) {
	fmt.Fprintf(s.Err, "database %s\n", pool.Where())
}

// KeptFlag is the database, or the one that run keeps on this machine.
type KeptFlag struct {
	DatabaseFlag `embed:""`
	VaultFlag    `embed:""`
}

// OpenKept opens the database that is named, or starts that of run, and opens it as a login that may
// reveal, or as the owner. Call stop at the end.
func (f *KeptFlag) OpenKept(ctx context.Context, s *Streams, reveals bool) (pool *postgres.Pool, stop func(), err error) {
	if !f.Given().NamesDatabase() && home.Kept(s.Dir) {
		return home.OpenKept(ctx, s.Dir, reveals, s.Err)
	}
	if pool, err = f.OpenDatabase(ctx); err != nil {
		return nil, nil, err
	}
	PrintDatabase(s, pool)
	return pool, pool.Close, nil
}
