package flags

import (
	"errors"
	"time"

	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/local/environment"
	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/pattern"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/settings"
	"sqs2pg/pkg/terminal/exit"
)

// MappingFlags are the settings of the event source mapping.
type MappingFlags struct {
	BatchSize   int           `default:"10" group:"mapping" help:"Messages per invocation at most: 1-10000, FIFO 1-10."`
	Window      time.Duration `default:"0s" group:"mapping" help:"How long a batch may gather messages: 0s-5m."`
	Concurrency int           `default:"1" group:"mapping" help:"Batches in flight at a time, each with a process."`
	Filter      []string      `sep:"none" group:"mapping" placeholder:"JSON" help:"Delete what does not match: {\"body\":{\"a\":[\"x\"]}}."`
	IdleTimeout time.Duration `default:"10s" group:"mapping" help:"Stop after this much silence; 0s never stops."`
	RetryDelay  time.Duration `default:"-1s" group:"mapping" help:"Visibility timeout of failed messages; -1s: the queue's."`
}

// Mapping returns the event source mapping of a queue, without a function.
func (f *MappingFlags) Mapping(q *queue.Queue) (eventsource.Mapping, error) {
	if f.BatchSize == 0 { // to a Mapping it is the default
		return eventsource.Mapping{}, exit.Misuse("--batch-size is 0: it must be 1 or more")
	}
	if f.Concurrency < 1 {
		return eventsource.Mapping{}, exit.Misuse("--concurrency is %d: it must be 1 or more", f.Concurrency)
	}
	m := eventsource.Mapping{
		Queue: q, BatchSize: f.BatchSize, Window: f.Window, Concurrency: f.Concurrency,
		IdleTimeout: f.IdleTimeout, RetryDelay: f.RetryDelay,
	}
	for _, filter := range f.Filter {
		parsed, err := pattern.Parse(filter)
		if err != nil {
			return m, exit.Misuse("--filter: %v", err)
		}
		m.Filters = append(m.Filters, parsed)
	}
	return m, nil
}

// AsMisuse makes what a person got wrong a misuse of the command: a setting of the mapping, a
// keyring or a vault key that cannot be used, where a queue is, a missing AWS account, the settings of
// the database.
func AsMisuse(err error) error {
	_, noKeyring := errors.AsType[home.KeyringError](err)
	_, noVault := errors.AsType[home.VaultError](err)
	_, noPlace := errors.AsType[*account.SettingError](err)
	_, noDatabase := errors.AsType[*settings.WrongError](err)
	if noKeyring || noVault || noPlace || noDatabase || errors.Is(err, environment.ErrNoDatabase) || errors.Is(err, eventsource.ErrMisuse) || errors.Is(err, postgres.ErrConfig) {
		return exit.AsMisuse(err)
	}
	return err
}
