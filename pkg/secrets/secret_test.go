package secrets_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sqs2pg/pkg/secrets"
)

// source is a secret that takes a second to fetch.
type source struct {
	mu      sync.Mutex
	value   string
	err     error
	fetches int
	log     bytes.Buffer
}

func (s *source) secret(ttl time.Duration) *secrets.Secret[string] {
	return &secrets.Secret[string]{
		Name: "MASK_SECRET_ID",
		TTL:  ttl,
		Log:  slog.New(slog.NewTextHandler(&s.log, nil)),
		Same: func(a, b string) bool { return a == b },
		Fetch: func(ctx context.Context) (string, error) {
			time.Sleep(time.Second)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.fetches++
			return s.value, s.err
		},
	}
}

func (s *source) set(value string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.err = value, err
}

func (s *source) expect(t *testing.T, what, want, got string, err error, fetches int) {
	t.Helper()
	if err != nil || got != want {
		t.Errorf("%s: %q, %v; want %q", what, got, err, want)
	}
	if s.fetches != fetches {
		t.Errorf("%s: %d fetches, want %d", what, s.fetches, fetches)
	}
}

func TestFetchesAgainAfterTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{value: "old"}
		secret := s.secret(5 * time.Minute)
		got, err := secret.Value(t.Context())
		s.expect(t, "first", "old", got, err, 1)

		s.set("new", nil)
		time.Sleep(5*time.Minute - time.Second)
		got, err = secret.Value(t.Context())
		s.expect(t, "before its time", "old", got, err, 1)

		time.Sleep(time.Second)
		got, err = secret.Value(t.Context())
		s.expect(t, "after its time", "new", got, err, 2)
	})
}

func TestKeepsValueWithoutTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{value: "old"}
		secret := s.secret(0)
		_, _ = secret.Value(t.Context())
		time.Sleep(24 * time.Hour)
		got, err := secret.Value(t.Context())
		s.expect(t, "a day later", "old", got, err, 1)
	})
}

func TestCallersShareOneFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{value: "v"}
		secret := s.secret(time.Minute)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if got, err := secret.Value(t.Context()); err != nil || got != "v" {
					t.Errorf("got %q, %v", got, err)
				}
			})
			wg.Go(func() { _, _ = secret.Refetch(t.Context()) })
		}
		wg.Wait()
		if s.fetches != 1 {
			t.Errorf("%d fetches for 100 callers at once, want 1", s.fetches)
		}
	})
}

func TestFetchOutlivesCallerThatGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{value: "v"}
		secret := s.secret(time.Minute)
		hasty, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := secret.Value(hasty)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "MASK_SECRET_ID") {
				t.Errorf("the hasty caller got %v, want a deadline error that names the setting", err)
			}
		})
		synctest.Wait()
		got, err := secret.Value(t.Context())
		wg.Wait()
		s.expect(t, "the patient caller", "v", got, err, 1)
	})
}

func TestKeepsLastValueWhileFetchFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{value: "good"}
		secret := s.secret(time.Minute)
		_, _ = secret.Value(t.Context())

		s.set("", errors.New("no answer"))
		time.Sleep(2 * time.Minute)
		got, err := secret.Value(t.Context())
		s.expect(t, "while it fails", "good", got, err, 2)
		if log := s.log.String(); !strings.Contains(log, "MASK_SECRET_ID") || !strings.Contains(log, "no answer") || strings.Contains(log, "good") {
			t.Errorf("log %q must name the setting and the reason, and not hold the secret", log)
		}
		time.Sleep(29 * time.Second)
		got, err = secret.Value(t.Context())
		s.expect(t, "soon after a failure", "good", got, err, 2)

		s.set("newer", nil)
		time.Sleep(time.Second)
		got, err = secret.Value(t.Context())
		s.expect(t, "when it answers again", "newer", got, err, 3)
	})
}

func TestFailsUntilFirstFetchSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{err: errors.New("no answer")}
		secret := s.secret(time.Minute)
		if _, err := secret.Value(t.Context()); err == nil || err.Error() != "MASK_SECRET_ID: no answer" {
			t.Errorf("error %v, want the setting and the reason", err)
		}
		s.set("late", nil)
		got, err := secret.Value(t.Context())
		s.expect(t, "the next call", "late", got, err, 2)
	})
}

func TestRefetchesUnchangedSecretAtGrowingIntervals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{value: "refused"}
		secret := s.secret(0)
		_, _ = secret.Value(t.Context())
		start, last := time.Now(), s.fetches
		var at []int
		for time.Since(start) < 2*time.Minute {
			before := time.Since(start)
			_, _ = secret.Refetch(t.Context())
			if s.fetches > last {
				last = s.fetches
				at = append(at, int(before.Seconds()))
			}
			time.Sleep(250 * time.Millisecond)
		}
		for i := 2; i < len(at); i++ {
			if gap := at[i] - at[i-1]; gap > 33 || gap < min(at[i-1]-at[i-2], 30) {
				t.Errorf("fetches at %v s: the gaps must grow up to 30 s", at)
				break
			}
		}
		if len(at) < 5 || len(at) > 10 {
			t.Errorf("%d fetches in two minutes, at %v s", len(at), at)
		}
	})
}

func TestFindsChangeWithinSecondsOfRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{value: "old"}
		secret := s.secret(0)
		_, _ = secret.Value(t.Context())
		time.Sleep(time.Hour)
		// The database already has the new password; Secrets Manager gives it two seconds later.
		_, _ = secret.Refetch(t.Context())
		time.AfterFunc(2*time.Second, func() { s.set("new", nil) })
		start := time.Now()
		for got := ""; got != "new"; got, _ = secret.Refetch(t.Context()) {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("the new value came %v after the first refusal", took)
		}
	})
}
