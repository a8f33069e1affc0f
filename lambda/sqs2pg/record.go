package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"sqs2pg/pkg/local/eventsource"
)

// recorder keeps the events of a run as files. Bodies are personal data, so nobody else may look into the folder.
type recorder struct {
	prefix string // folder and start of the run: names sort in the order in which the batches were made
	count  atomic.Int64
}

// newRecorder returns nil, which records nothing, without a folder.
func newRecorder(dir string, talk io.Writer) (*recorder, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, misuse("--record: %v", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, misuse("--record: %s is open to others, and messages hold personal data: chmod 700 %s, or name a new folder", dir, dir)
	}
	fmt.Fprintf(talk, "recording to %s, which only you can read (0700): the files hold whole messages, unmasked; delete them when done\n", dir)
	return &recorder{prefix: filepath.Join(dir, time.Now().UTC().Format("20060102T150405.000"))}, nil
}

// before records each event before the function gets it.
func (r *recorder) before(f eventsource.Function) eventsource.Function {
	if r == nil {
		return f
	}
	return recorded{f, r}
}

type recorded struct {
	eventsource.Function
	*recorder
}

// Invoke does not go on with a batch that could not be kept.
func (r recorded) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	path := fmt.Sprintf("%s-%06d.json", r.prefix, r.count.Add(1))
	if err := os.WriteFile(path, payload, 0o600); err != nil {
		return nil, fmt.Errorf("%w: its event was not recorded: %w", eventsource.ErrNoFunction, err)
	}
	return r.Function.Invoke(ctx, payload)
}
