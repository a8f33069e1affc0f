// Package secrets reads secrets from AWS Secrets Manager and keeps them while they rotate.
//
// A Lambda function lives for hours, and its secrets change meanwhile. So a [Secret] is asked each
// time it is needed and answers from memory while its value is fresh: a keyring is read again
// within minutes of its rotation, a password as soon as the database refuses the old one. While
// Secrets Manager cannot be reached, the last good value stays in use.
//
// Errors name the setting that is wrong and what to do. They hold no secret, and no text of a
// parser that has read one.
package secrets

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	fetchTime  = 5 * time.Second  // limit of one fetch, the SDK's own retries included
	retryFirst = time.Second / 2  // between two fetches of an unchanged secret; doubled each time, up to retryLast
	retryLast  = 30 * time.Second // also between two fetches after one that failed
)

// Secret is one secret, parsed and kept in memory. It is safe for concurrent use; callers that need
// a fetch at the same time share one. Name, Fetch and Same are required.
type Secret[T any] struct {
	Name  string                           // the setting that names it, for errors and logs: MASK_SECRET_ID
	Fetch func(context.Context) (T, error) // its error must be safe to log
	Same  func(a, b T) bool                // reports whether a fetch brought nothing new
	TTL   time.Duration                    // how long a value is used before it is fetched again; 0 means until Refetch
	Log   *slog.Logger                     // gets a warning when a fetch failed and the old value stays in use; nil means slog.Default

	mu      sync.Mutex
	have    bool
	value   T
	stale   time.Time     // when Value fetches again; zero means never
	next    time.Time     // when Refetch may fetch again
	pause   time.Duration // before the fetch after that
	pending *fetch[T]
}

// fetch is one call to Secrets Manager that any number of callers wait for.
type fetch[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// Value returns the secret, from memory if it is fresh. If it cannot be fetched again, the failure
// is logged and the last value is returned. Value fails only if no fetch has succeeded yet, or if
// ctx ends first.
func (s *Secret[T]) Value(ctx context.Context) (T, error) {
	s.mu.Lock()
	if s.have && (s.stale.IsZero() || time.Now().Before(s.stale)) {
		defer s.mu.Unlock()
		return s.value, nil
	}
	return s.wait(ctx, s.begin(ctx))
}

// Refetch returns the secret as it is now, for a caller that found the value in memory to be wrong.
// In the middle of a rotation Secrets Manager still gives the old value for a moment. So fetches
// that bring nothing new are repeated after half a second, then after one, and so on up to every 30
// s. Calls in between get the value in memory.
func (s *Secret[T]) Refetch(ctx context.Context) (T, error) {
	s.mu.Lock()
	if s.have && time.Now().Before(s.next) && s.pending == nil {
		defer s.mu.Unlock()
		return s.value, nil
	}
	return s.wait(ctx, s.begin(ctx))
}

// begin starts a fetch unless one is running. The fetch outlives the caller that started it,
// because others may wait for it. The caller holds s.mu.
func (s *Secret[T]) begin(ctx context.Context) *fetch[T] {
	if s.pending == nil {
		f := &fetch[T]{done: make(chan struct{})}
		s.pending = f
		go s.run(context.WithoutCancel(ctx), f)
	}
	return s.pending
}

// wait unlocks s.mu and waits for f.
func (s *Secret[T]) wait(ctx context.Context, f *fetch[T]) (T, error) {
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var zero T
		return zero, fmt.Errorf("%s: waiting for Secrets Manager: %w", s.Name, ctx.Err())
	}
}

func (s *Secret[T]) run(ctx context.Context, f *fetch[T]) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	value, err := s.Fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.value, f.err = s.settle(value, err)
	s.pending = nil
	close(f.done)
}

// settle keeps the result of a fetch and returns what its callers get. The caller holds s.mu.
func (s *Secret[T]) settle(value T, err error) (T, error) {
	now := time.Now()
	if s.have {
		s.pause = max(retryFirst, min(2*s.pause, retryLast))
	}
	switch {
	case err != nil && !s.have:
		return value, fmt.Errorf("%s: %w", s.Name, err)
	case err != nil:
		s.stale = now.Add(retryLast)
		s.log().Warn("secret not read again; its last value stays in use", "setting", s.Name, "error", err.Error())
		value = s.value
	default:
		if s.have && !s.Same(s.value, value) {
			s.pause = 0
		}
		s.have, s.value, s.stale = true, value, s.expiry(now)
	}
	s.next = now.Add(s.pause)
	return value, nil
}

func (s *Secret[T]) expiry(now time.Time) time.Time {
	if s.TTL == 0 {
		return time.Time{}
	}
	return now.Add(s.TTL)
}

func (s *Secret[T]) log() *slog.Logger {
	if s.Log == nil {
		return slog.Default()
	}
	return s.Log
}
