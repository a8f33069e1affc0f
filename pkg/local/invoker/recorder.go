package invoker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"sqs2pg/pkg/local/eventsource"
)

// Recorder keeps each event as a file before the function gets it. Message bodies are personal
// data, so it refuses a folder that others may look into. It is safe for concurrent use.
type Recorder struct {
	prefix string // folder and start time: the names of the files sort in the order in which the batches were made
	count  atomic.Int64
}

// NewRecorder returns a recorder that writes to dir, which it makes with mode 0700 if it is
// missing.
func NewRecorder(dir string) (*Recorder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s is open to others, and messages hold personal data: chmod 700 %s, or name a new folder", dir, dir)
	}
	return &Recorder{prefix: filepath.Join(dir, time.Now().UTC().Format("20060102T150405.000"))}, nil
}

// wrap returns a function that records each event first. A nil recorder returns f.
func (r *Recorder) wrap(f eventsource.Function) eventsource.Function {
	if r == nil {
		return f
	}
	return recorded{f, r}
}

type recorded struct {
	eventsource.Function
	*Recorder
}

// Invoke ends the run when an event cannot be written.
func (r recorded) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	path := fmt.Sprintf("%s-%06d.json", r.prefix, r.count.Add(1))
	if err := os.WriteFile(path, payload, 0o600); err != nil {
		return nil, fmt.Errorf("%w: its event was not recorded: %w", eventsource.ErrNoFunction, err)
	}
	return r.Function.Invoke(ctx, payload)
}
