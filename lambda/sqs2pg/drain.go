package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/local/eventsource"
)

// mappingFlags are the settings of the event source mapping and of the function behind it.
type mappingFlags struct {
	functionFlags `embed:""`
	BatchSize     int           `default:"10" group:"mapping" help:"Messages per invocation at most: 1-10000, FIFO 1-10."`
	Window        time.Duration `default:"0s" group:"mapping" help:"How long a batch may gather messages: 0s-5m."`
	Concurrency   int           `default:"1" group:"mapping" help:"Batches in flight at a time, each with a process."`
	Filter        []string      `sep:"none" group:"mapping" placeholder:"JSON" help:"Delete what does not match: {\"body\":{\"a\":[\"x\"]}}."`
	IdleTimeout   time.Duration `default:"10s" group:"mapping" help:"Stop after this much silence; 0s never stops."`
	RetryDelay    time.Duration `default:"-1s" group:"mapping" help:"Visibility timeout of failed messages; -1s: the queue's."`
}

func (f *mappingFlags) filters() ([]*eventsource.Filter, error) {
	var all []*eventsource.Filter
	for _, pattern := range f.Filter {
		parsed, err := eventsource.ParseFilter(pattern)
		if err != nil {
			return nil, err
		}
		all = append(all, parsed)
	}
	return all, nil
}

// drain plays the mapping of one queue until it is silent or ctx ends.
type drain struct {
	mappingFlags
	client   *sqs.Client
	queueURL string
	endpoint string
	environ  []string // of the function
	record   *recorder
	progress func(eventsource.Progress)
	totals   *totals // after run
}

// run returns what became of the messages; log has the function's reasons.
func (d *drain) run(ctx context.Context, log io.Writer) (eventsource.Summary, error) {
	filters, err := d.filters()
	if err != nil {
		return eventsource.Summary{}, err
	}
	f, err := d.start(ctx, d.endpoint, d.Concurrency, d.environ, log)
	if err != nil {
		return eventsource.Summary{}, err
	}
	defer f.close()
	d.totals = f.totals
	f.Function = d.record.before(f.Function)
	m := eventsource.Mapping{
		Client: d.client, QueueURL: d.queueURL, Function: f, FunctionTimeout: f.timeout, Filters: filters,
		BatchSize: d.BatchSize, Window: d.Window, Concurrency: d.Concurrency,
		IdleTimeout: d.IdleTimeout, RetryDelay: d.RetryDelay, Observe: d.progress,
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
