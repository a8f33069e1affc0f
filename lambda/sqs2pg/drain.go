package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/eventsource"
	"sqs2pg/pkg/runtimeapi"
)

// mappingFlags are the settings of the event source mapping and of the function behind it.
type mappingFlags struct {
	Function    string        `placeholder:"FILE" help:"The function's bootstrap; default: ingest/bootstrap beside this program, where make build puts it."`
	BatchSize   int           `default:"10" help:"Messages per invocation at most: 1-10000, on a FIFO queue 1-10."`
	Window      time.Duration `default:"0s" help:"How long a batch may gather messages: 0s-5m."`
	Concurrency int           `default:"1" help:"Batches in flight at a time, each with a process of its own."`
	Timeout     time.Duration `default:"30s" help:"The function's time for one batch; then it is killed and the batch comes back."`
	IdleTimeout time.Duration `default:"10s" help:"Stop after this much silence; 0s never stops."`
	RetryDelay  time.Duration `default:"-1s" help:"Give failed messages back after this time; below zero: after the queue's visibility timeout."`
}

// bootstrap returns the path of the function's program.
func (f *mappingFlags) bootstrap() (string, error) {
	if f.Function != "" {
		return f.Function, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(self), "ingest", "bootstrap"), nil
}

// drain plays the mapping of one queue until it is silent or ctx ends.
type drain struct {
	mappingFlags
	client   *sqs.Client
	queueURL string
	environ  []string // of the function
	progress func(eventsource.Progress)
}

// run returns what became of the messages; log has the function's reasons.
func (d *drain) run(ctx context.Context, log io.Writer) (eventsource.Summary, error) {
	bootstrap, err := d.bootstrap()
	if err != nil {
		return eventsource.Summary{}, err
	}
	function, err := runtimeapi.Start(ctx, runtimeapi.Config{
		Bootstrap: bootstrap, Environments: d.Concurrency, Timeout: d.Timeout,
		FunctionName: "ingest", Env: d.environ, Output: log,
	})
	if err != nil {
		return eventsource.Summary{}, err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		function.Close(stop)
	}()
	m := eventsource.Mapping{
		Client: d.client, QueueURL: d.queueURL, Function: function,
		BatchSize: d.BatchSize, Window: d.Window, Concurrency: d.Concurrency,
		FunctionTimeout: d.Timeout,
		IdleTimeout:     d.IdleTimeout, RetryDelay: d.RetryDelay, Observe: d.progress,
	}
	return m.Run(ctx)
}

// anySet reports whether one of these variables is set.
func anySet(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return os.Getenv(name) != "" })
}

// functionSettings are the variables that the function reads and that invoke hands on.
var functionSettings = []string{
	"DATABASE_URL", "DATABASE_SECRET_ID", "DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "DATABASE_USER", "DATABASE_IAM_AUTH",
	"PGSSLMODE", "MASK_SECRET_ID", "MASK_KEYRING", "CONTRACT",
}

// functionEnviron is the function's environment: what is set here, and given values over it.
func functionEnviron(given map[string]string) []string {
	var environ []string
	for _, name := range functionSettings {
		value, ok := given[name]
		if !ok {
			value = os.Getenv(name)
		}
		if value != "" {
			environ = append(environ, fmt.Sprintf("%s=%s", name, value))
		}
	}
	return environ
}
