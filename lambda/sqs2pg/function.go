package main

import (
	"context"
	"os"
	"time"

	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/local/environment"
	"sqs2pg/pkg/local/invoker"
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
	vaultFlag    `embed:""`
	databaseFlag `embed:"" group:"function"`
}

// environ returns the function's environment, which was compared with the database. It is nil for a
// function that runs elsewhere, which makes that comparison itself.
func (c *settingsFlags) environ(ctx context.Context, s *streams, remote bool) ([]string, error) {
	if remote {
		return nil, nil
	}
	loaded, err := c.load()
	if err != nil {
		return nil, err
	}
	environ, err := c.given(s).Function(ctx, loaded.Tables(), s.err)
	return environ, asMisuse(err)
}

// given is all that a person has named for the function.
func (c *settingsFlags) given(s *streams) *environment.Given {
	given := c.databaseFlag.given()
	given.Contract, given.Keyrings, given.Vault = c.Contract, c.keyrings(s), c.vault(s)
	return given
}
