package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/runtimeapi"
)

// functionFlags name the function behind the mapping: at most one of three.
type functionFlags struct {
	Function     string        `placeholder:"FILE" xor:"function" group:"function" help:"Its bootstrap (ingest/bootstrap beside this program)."`
	InvokeURL    string        `name:"invoke-url" placeholder:"URL" xor:"function" group:"function" help:"Or an emulator's URL, as of sam local start-lambda."`
	FunctionName string        `placeholder:"NAME" xor:"function" group:"function" help:"Or its name or ARN, for Lambda's Invoke call."`
	Timeout      time.Duration `default:"30s" group:"function" help:"Its time for a batch; then it is killed."`
}

// remote: it runs elsewhere, with settings of its own.
func (f *functionFlags) remote() bool { return f.InvokeURL != "" || f.FunctionName != "" }

// settingsFlags are what the function reads from its environment, where we start it.
type settingsFlags struct {
	contractFlag `embed:""`
	keyringFlag  `embed:""`
	DatabaseURL  string `env:"DATABASE_URL" placeholder:"URL" group:"function" help:"Postgres that it writes to."`
}

// environ is the function's environment, checked for what it cannot start without. One that runs elsewhere has its own.
func (c *settingsFlags) environ(s *streams, remote bool) ([]string, error) {
	if remote {
		return nil, nil
	}
	if _, err := c.load(); err != nil {
		return nil, err
	}
	name := c.Contract
	if strings.HasSuffix(name, ".json") {
		name, _ = filepath.Abs(name) // fails only without a working directory
	}
	given := map[string]string{"CONTRACT": name, "DATABASE_URL": c.DatabaseURL}
	if c.DatabaseURL == "" && !anySet("DATABASE_SECRET_ID", "DATABASE_IAM_AUTH") {
		return nil, errNoDatabase
	}
	if !anySet("MASK_SECRET_ID") {
		if _, err := c.keyring(s); err != nil {
			return nil, err
		}
		given["MASK_KEYRING"] = c.Keyring
	}
	return functionEnviron(given), nil
}

// function is an open function.
type function struct {
	eventsource.Function
	timeout time.Duration // 0: not known
	totals  *totals
	close   func()
}

// containerStart is what an emulator may need besides the function's own time.
const containerStart = time.Minute

// start opens the function with so many environments, where they are ours.
func (f *functionFlags) start(ctx context.Context, endpoint string, environments int, environ []string, log io.Writer) (*function, error) {
	switch {
	case f.InvokeURL != "":
		remote, err := eventsource.NewURLFunction(f.InvokeURL, f.Timeout+containerStart)
		if err != nil {
			return nil, explainQueue(err)
		}
		return &function{Function: remote, timeout: f.Timeout, totals: &totals{}, close: remote.Close}, nil
	case f.FunctionName != "":
		client, err := newLambda(ctx, endpoint)
		if err != nil {
			return nil, err
		}
		remote, err := eventsource.NewNamedFunction(ctx, client, f.FunctionName)
		if err != nil {
			return nil, err
		}
		return &function{Function: remote, timeout: remote.Timeout, totals: &totals{}, close: func() {}}, nil
	}
	return f.startHere(ctx, environments, environ, log)
}

func (f *functionFlags) startHere(ctx context.Context, environments int, environ []string, log io.Writer) (*function, error) {
	bootstrap, err := f.bootstrap()
	if err != nil {
		return nil, err
	}
	sum := &totals{}
	local, err := runtimeapi.Start(ctx, runtimeapi.Config{
		Bootstrap: bootstrap, Environments: environments, Timeout: f.Timeout,
		FunctionName: "ingest", Env: environ, Output: log, Report: sum.add,
	})
	if err != nil {
		return nil, err
	}
	return &function{Function: local, timeout: f.Timeout, totals: sum, close: func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		local.Close(stop)
		sum.stats = local.Stats()
	}}, nil
}

// bootstrap returns the path of the function's program.
func (f *functionFlags) bootstrap() (string, error) {
	if f.Function != "" {
		return f.Function, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(self), "ingest", "bootstrap"), nil
}
