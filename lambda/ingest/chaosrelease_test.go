package main

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/runtimeapi"
	"sqs2pg/pkg/postgres/postgrestest"
)

// live is the release of the function that gets the batches.
type live struct {
	mu      sync.RWMutex
	current eventsource.Function
}

func (l *live) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	l.mu.RLock()
	current := l.current
	l.mu.RUnlock()
	return current.Invoke(ctx, payload)
}

func (l *live) set(f eventsource.Function) (before eventsource.Function) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.current = l.current, f
	return before
}

// release makes a wrong release live: the function with one setting changed. It must refuse every
// batch. The function that it returns takes the release back, once it has been given a batch.
func (w *world) release(setting string) (takeBack func()) {
	w.t.Helper()
	wrong, err := runtimeapi.Start(w.t.Context(), runtimeapi.Config{
		Bootstrap: bootstrap, Environments: 1, Timeout: chaosTimeout, FunctionName: w.name + "-wrong",
		Env: append(w.environ(), setting), Output: io.MultiWriter(w.output, &w.refusals),
	})
	if err != nil {
		w.t.Error(err) // the database may be down at the same time
		return nothing
	}
	right := w.live.set(wrong)
	return func() {
		for end := time.Now().Add(5 * time.Second); wrong.Stats().Invocations == 0 && w.waiting() > 0 && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
		w.live.set(right)
		wrong.Close(context.WithoutCancel(w.t.Context()))
	}
}

// properties are those of a contract.
type properties map[string]map[string]any

// contract returns the path of the login contract with changed properties.
func (w *world) contract(change func(properties)) string {
	w.t.Helper()
	var document map[string]json.RawMessage
	var p properties
	text, err := os.ReadFile("../../infra/contracts/user_logins.json")
	if err == nil {
		err = json.Unmarshal(text, &document)
	}
	if err == nil {
		err = json.Unmarshal(document["properties"], &p)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	change(p)
	document["properties"], _ = json.Marshal(p) // cannot fail: it was JSON
	text, _ = json.Marshal(document)
	path := filepath.Join(w.t.TempDir(), "user_logins.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// refusals counts the batches that wrong releases gave back because they compared before they wrote.
type refusals struct {
	mu    sync.Mutex
	count int
}

func (r *refusals) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count += strings.Count(string(p), `"reason":"contract"`)
	return len(p), nil
}

// restartPooler puts a pgbouncer between the function and Postgres, and restarts it once.
func (w *world) restartPooler(_ *traffic, r *rand.Rand) func() {
	w.t.Helper()
	w.vault.mu.Lock()
	password := w.vault.password
	w.vault.mu.Unlock()
	through := func() *postgrestest.Pooler {
		p, err := postgrestest.StartPooler(w.address(), chaosWriter, password)
		if err != nil {
			w.t.Fatal(err)
		}
		w.proxy.set(func() { w.proxy.target = p.Address })
		w.proxy.cut()
		return p
	}
	p := through()
	time.Sleep(time.Duration(100+r.IntN(300)) * time.Millisecond)
	p.Stop()
	p = through()
	return func() {
		w.proxy.set(func() { w.proxy.target = w.address() })
		w.proxy.cut()
		p.Stop()
	}
}
