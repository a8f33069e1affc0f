package ingest_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
)

const rolloutBatch = 100 // messages

// TestOldAndNewCodeRunSideBySide rolls a contract with one more column out and back, while
// functions of both contracts load batches without a pause. Every event of either is there once.
func TestOldAndNewCodeRunSideBySide(t *testing.T) {
	t.Parallel()
	older := loginContract(t)
	newer := parseContract(t, "user_logins", strings.Replace(loginDocument(t), `"properties": {`,
		`"properties": {"country": {"type": ["string", "null"]},`, 1))
	db := postgrestest.New(t, older.Table())
	r := rollout{t: t, db: db, keyring: parseKeyring(t, `{"current": "k1", "k1": "`+upgradeKey+`"}`)}

	if err := r.enter(newer); err == nil || !strings.Contains(err.Error(), "column country") {
		t.Errorf("new code before the migration: got %v, want a refusal that names the column", err)
	}
	stopOlder := r.start(older)
	r.await(3)
	r.migrate(newer)
	stopNewer := r.start(newer)
	r.await(6)
	r.migrate(older) // as a deployment that is rolled back does
	if err := r.enter(older); err != nil {
		t.Errorf("old code after the rollback: %v", err)
	}
	r.await(6)
	stopNewer()
	r.await(3)
	stopOlder()

	want := strconv.FormatInt(r.sent.Load(), 10)
	got := db.Query(t, "select count(*), count(distinct event_id), count(country) > 0 and count(country) < count(*) from user_logins")[0]
	if got[0] != want || got[1] != want || got[2] != "t" {
		t.Errorf("%s rows of %s events, some with a country: %s; want %s of each, and true", got[0], got[1], got[2], want)
	}
	t.Logf("%.0f messages/s by both", float64(r.sent.Load())/time.Since(r.began).Seconds())
}

// rollout counts what functions of several contracts load into one table.
type rollout struct {
	t       *testing.T
	db      *postgrestest.Database
	keyring *mask.Keyring
	began   time.Time
	sent    atomic.Int64
	batches atomic.Int64
}

func (r *rollout) enter(c *contract.Contract) error {
	_, err := registry.Check(r.t.Context(), r.db.Pool, c.Table(), r.keyring)
	return err
}

func (r *rollout) migrate(c *contract.Contract) {
	r.t.Helper()
	if _, err := schema.Apply(r.t.Context(), postgrestest.Open(r.t, r.db.OwnerURL), c.Table()); err != nil {
		r.t.Fatal(err)
	}
}

// start loads batches by a function of the contract, until the function that it returns is called.
func (r *rollout) start(c *contract.Contract) (stop func()) {
	if r.began.IsZero() {
		r.began = time.Now()
	}
	pool := postgrestest.Open(r.t, r.db.URL)
	h := gated(handler(r.t, c, postgres.NewWriter(pool, c.Table())), pool)
	h.Keyring = func(context.Context) (*mask.Keyring, error) { return r.keyring, nil }
	ctx, cancel := context.WithCancel(r.t.Context())
	var loop sync.WaitGroup
	loop.Go(func() {
		for ctx.Err() == nil {
			n := r.batches.Add(1)
			var bodies []string
			for i := range rolloutBatch {
				bodies = append(bodies, login(func(m map[string]any) { m["country"] = "NO"; m["user_id"] = fmt.Sprint(n, i) }))
			}
			e := messages(standard, bodies...)
			for i := range e.Records {
				e.Records[i].MessageId = fmt.Sprintf("%d-%d", n, i)
			}
			answer, err := h.Invoke(r.t.Context(), payload(r.t, e))
			if err != nil || len(failedIDs(r.t, answer)) > 0 {
				r.t.Errorf("batch %d: %s, %v", n, answer, err)
				return
			}
			r.sent.Add(rolloutBatch)
		}
	})
	return func() { cancel(); loop.Wait() }
}

// await waits until so many more batches are loaded.
func (r *rollout) await(batches int64) {
	r.t.Helper()
	for until := r.sent.Load() + batches*rolloutBatch; r.sent.Load() < until; {
		if r.t.Failed() {
			r.t.FailNow()
		}
		select {
		case <-r.t.Context().Done():
			r.t.Fatal(r.t.Context().Err())
		case <-time.After(time.Millisecond):
		}
	}
}
