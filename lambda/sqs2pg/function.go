package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sqs2pg/pkg/local/invoker"
)

// functionFlags name the function behind the mapping: at most one of three.
type functionFlags struct {
	Function     string        `placeholder:"FILE" xor:"function" group:"function" help:"Its bootstrap (ingest/bootstrap beside this program)."`
	InvokeURL    string        `name:"invoke-url" placeholder:"URL" xor:"function" group:"function" help:"Or an emulator's URL, as of sam local start-lambda."`
	FunctionName string        `placeholder:"NAME" xor:"function" group:"function" help:"Or its name or ARN, for Lambda's Invoke call."`
	Timeout      time.Duration `default:"30s" group:"function" help:"Time limit of one invocation; then it is killed."`
}

// remote reports whether the function runs elsewhere, with settings of its own.
func (f *functionFlags) remote() bool { return f.InvokeURL != "" || f.FunctionName != "" }

// function returns the function to open. endpoint is where Lambda's API is looked for.
func (f *functionFlags) function(ctx context.Context, endpoint string, environ []string) (invoker.Function, error) {
	function := invoker.Function{URL: f.InvokeURL, Name: f.FunctionName, Timeout: f.Timeout, Env: environ}
	var err error
	switch {
	case f.FunctionName != "":
		function.Lambda, err = newLambda(ctx, endpoint)
	case f.InvokeURL == "":
		function.Bootstrap, err = bootstrapPath(f.Function)
	}
	return function, err
}

// bootstrapPath returns the given path of the function's program, or its place beside this program.
func bootstrapPath(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(self), "ingest", "bootstrap"), nil
}

// settingsFlags are what the function reads from its environment, where this command starts it.
type settingsFlags struct {
	contractFlag `embed:""`
	keyringFlag  `embed:""`
	databaseFlag `embed:"" group:"function"`
}

// environ returns the function's environment, after checking what the function needs to start. It
// is nil for a function that runs elsewhere.
func (c *settingsFlags) environ(s *streams, remote bool) ([]string, error) {
	if remote {
		return nil, nil
	}
	if _, err := c.load(); err != nil {
		return nil, err
	}
	name := c.Contract
	if strings.ContainsRune(name, filepath.Separator) || strings.HasSuffix(name, ".json") {
		name, _ = filepath.Abs(name) // fails only without a working directory
	}
	given, err := c.databaseFlag.settings()
	if err != nil {
		return nil, err
	}
	given["CONTRACT"] = name
	if !anySet("MASK_SECRET_ID") {
		text, _, err := c.keyring(s)
		if err != nil {
			return nil, err
		}
		given["MASK_KEYRING"] = text
	}
	return invoker.Environ(os.Getenv, given), nil
}
