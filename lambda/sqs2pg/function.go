package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/local/invoker"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
)

// functionFlags name the function behind the mapping: at most one of three.
type functionFlags struct {
	Function     string        `placeholder:"FILE" xor:"function" group:"function" help:"Another bootstrap; default: this program."`
	InvokeURL    string        `name:"invoke-url" placeholder:"URL" xor:"function" group:"function" help:"Or an emulator's URL, as of sam local start-lambda."`
	FunctionName string        `placeholder:"NAME" xor:"function" group:"function" help:"Or its name or ARN, for Lambda's Invoke call."`
	Timeout      time.Duration `default:"30s" group:"function" help:"Time limit of one invocation; then it is killed."`
}

// remote reports whether the function runs elsewhere, with settings of its own.
func (f *functionFlags) remote() bool { return f.InvokeURL != "" || f.FunctionName != "" }

// function returns the function to open. A function by its name is behind Lambda's API at that place.
func (f *functionFlags) function(ctx context.Context, at account.Place, environ []string) (invoker.Function, error) {
	function := invoker.Function{URL: f.InvokeURL, Name: f.FunctionName, Timeout: f.Timeout, Env: environ}
	var err error
	switch {
	case f.FunctionName != "":
		function.Lambda, err = at.Lambda(ctx)
	case f.InvokeURL == "":
		function.Bootstrap, err = bootstrapPath(f.Function)
	}
	return function, asMisuse(err)
}

// bootstrapPath returns the given path of the function's program, or that of this program, which can
// be the function: see main.
func bootstrapPath(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	return os.Executable()
}

// settingsFlags are what the function reads from its environment, where this command starts it.
type settingsFlags struct {
	contractFlag `embed:""`
	keyringFlag  `embed:""`
	databaseFlag `embed:"" group:"function"`
}

// environ returns the function's environment. It compares contract and keyring with the database
// first, so that no message is received which the function would refuse. It is nil for a function
// that runs elsewhere, which makes that comparison itself.
func (c *settingsFlags) environ(ctx context.Context, s *streams, remote bool) ([]string, error) {
	if remote {
		return nil, nil
	}
	loaded, err := c.load()
	if err != nil {
		return nil, err
	}
	pool, err := c.openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	given, err := c.databaseFlag.settings()
	if err != nil {
		return nil, err
	}
	given["CONTRACT"] = routes.Absolute(c.Contract)
	keyring, err := c.keyringFor(ctx, s, pool, loaded.Tables()[0])
	if err != nil {
		return nil, err
	}
	if keyring.Text != "" {
		given["MASK_KEYRING"] = keyring.Text
	}
	var refused []error
	for _, table := range loaded.Tables() {
		tolerated, err := registry.Check(ctx, pool, table, keyring.Keyring)
		printTolerated(s, tolerated)
		refused = append(refused, err)
	}
	return invoker.Environ(os.Getenv, given), errors.Join(refused...)
}

// keyringFor returns the keyring that the function will use. If the function reads it from
// MASK_SECRET_ID, it has no text.
func (c *settingsFlags) keyringFor(ctx context.Context, s *streams, pool *postgres.Pool, table contract.Table) (*home.Keyring, error) {
	if anySet("MASK_SECRET_ID") {
		return secretKeyring(ctx)
	}
	database, err := registry.Look(ctx, pool, table)
	if err != nil {
		return nil, err
	}
	k, err := c.keyrings(s).ForDatabase(pool, database)
	return k, asMisuse(err)
}

// printTolerated prints the differences from what the database knows that do no harm.
func printTolerated(s *streams, tolerated []registry.Difference) {
	for _, d := range tolerated {
		fmt.Fprintf(s.err, "note: %s\n", d)
	}
}
