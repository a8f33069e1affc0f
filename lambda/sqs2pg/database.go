package main

import (
	"context"
	"fmt"
	"os"

	"sqs2pg/pkg/local/environment"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/terminal/variables"
)

// databaseFlag is the database: the URL of its owner for migrate, that of the writer for the
// function.
type databaseFlag struct {
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"Postgres, as postgres://user:password@host:5432/name."`
}

// given is the database as a person has named it.
func (f *databaseFlag) given() *environment.Given {
	return &environment.Given{
		Getenv: os.Getenv, DatabaseURL: f.DatabaseURL, From: variables.Source(environment.Flag, f.DatabaseURL, "DATABASE_URL"),
	}
}

// openDatabase opens the database of the flag or of DATABASE_SECRET_ID or DATABASE_IAM_AUTH, and
// tries one connection. Its error names the flag or the variable.
func (f *databaseFlag) openDatabase(ctx context.Context) (*postgres.Pool, error) {
	pool, err := f.given().Open(ctx)
	return pool, asMisuse(err)
}

// printDatabase tells the person which database a command is about to change.
func printDatabase(s *streams, pool *postgres.Pool) {
	fmt.Fprintf(s.err, "database %s\n", pool.Where())
}
