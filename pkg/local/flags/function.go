package flags

import (
	"context"
	"os"
	"time"

	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/local/environment"
	"sqs2pg/pkg/local/invoker"
)

// FunctionFlags name the function behind the mapping: at most one of three.
type FunctionFlags struct {
	Function     string        `placeholder:"FILE" xor:"function" group:"function" help:"Another bootstrap; default: this program."`
	InvokeURL    string        `name:"invoke-url" placeholder:"URL" xor:"function" group:"function" help:"Or an emulator's URL, as of sam local start-lambda."`
	FunctionName string        `placeholder:"NAME" xor:"function" group:"function" help:"Or its name or ARN, for Lambda's Invoke call."`
	Timeout      time.Duration `default:"30s" group:"function" help:"Time limit of one invocation; then it is killed."`
}

// Remote reports whether the function runs elsewhere, with settings of its own.
func (f *FunctionFlags) Remote() bool { return f.InvokeURL != "" || f.FunctionName != "" }

// FunctionAt returns the function to open. A function by its name is behind Lambda's API at that place.
func (f *FunctionFlags) FunctionAt(ctx context.Context, at account.Place, environ []string) (invoker.Function, error) {
	function := invoker.Function{URL: f.InvokeURL, Name: f.FunctionName, Timeout: f.Timeout, Env: environ}
	var err error
	switch {
	case f.FunctionName != "":
		function.Lambda, err = at.Lambda(ctx)
	case f.InvokeURL == "":
		function.Bootstrap, err = BootstrapPath(f.Function)
	}
	return function, AsMisuse(err)
}

// BootstrapPath returns the given path of the function's program, or that of this program, which can
// be the function: see main.
func BootstrapPath(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	return os.Executable()
}

// SettingsFlags are what the function reads from its environment, where this command starts it.
type SettingsFlags struct {
	ContractFlag `embed:""`
	KeyringFlag  `embed:""`
	VaultFlag    `embed:""`
	DatabaseFlag `embed:"" group:"function"`
}

// Environ returns the function's environment, which was compared with the database. It is nil for a
// function that runs elsewhere, which makes that comparison itself.
func (c *SettingsFlags) Environ(ctx context.Context, s *Streams, remote bool) ([]string, error) {
	if remote {
		return nil, nil
	}
	loaded, err := c.Load()
	if err != nil {
		return nil, err
	}
	environ, err := c.Given(s).Function(ctx, loaded.Tables(), s.Err)
	return environ, AsMisuse(err)
}

// Given is all that a person has named for the function.
func (c *SettingsFlags) Given(s *Streams) *environment.Given {
	given := c.DatabaseFlag.Given()
	given.Contract, given.Keyrings, given.Vault = c.Contract, c.Keyrings(s), c.Keys(s)
	return given
}
