package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/runtimeapi"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/local/sqsserver/sqstest"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/queue"
)

// TestKilledProcessesLoseAndRepeatNothing kills one of four processes with SIGKILL in the middle of
// a drain, four times. Set KILL_MESSAGES for another number of messages.
func TestKilledProcessesLoseAndRepeatNothing(t *testing.T) {
	t.Parallel()
	messages := 5000
	if n, err := strconv.Atoi(os.Getenv("KILL_MESSAGES")); err == nil {
		messages = n
	}
	server := sqstest.Start(t)
	source, dead := server.CreateQueues(t, "logins", 10, nil)
	db := postgrestest.New(t, userLogins(t))
	server.Send(t, source, sample.ValidLogins(messages, 1))
	pids := t.TempDir()
	f, err := runtimeapi.Start(t.Context(), runtimeapi.Config{
		Bootstrap: tellingItsPid(t, bootstrap, pids), Environments: processes, Timeout: time.Minute,
		Env: []string{"CONTRACT=user_logins", "DATABASE_URL=" + db.URL, "MASK_KEYRING=" + string(mask.GenerateKeyring()), "VAULT_PUBLIC_KEY=" + postgrestest.VaultKey().String()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close(context.Background())
	const batch = 200
	k := &killer{Function: f, t: t, pids: pids, spacing: max(1, messages/batch/processes/(kills+1)), kills: kills}
	m := eventsource.Mapping{
		Queue: queue.New(server.Client, source), Function: k, BatchSize: batch, Concurrency: processes, IdleTimeout: 200 * time.Millisecond,
	}
	summary, err := m.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.killing.Wait()
	stats := f.Stats()
	t.Logf("%d messages in %s, %d batches came back, %d crashes, %d restarts", messages, summary.Elapsed.Round(time.Millisecond), summary.FailedBatches, stats.Crashes, stats.Restarts)
	if stats.Restarts < kills || stats.Crashes < 1 || summary.FailedBatches != stats.Crashes || summary.Succeeded != messages || summary.DeadLettered != 0 {
		t.Errorf("%+v, %+v, want %d kills, at least one of a process at work", stats, summary, kills)
	}
	want := fmt.Sprint(messages)
	if got := db.Query(t, "select count(*), count(distinct event_id) from user_logins")[0]; got[0] != want || got[1] != want {
		t.Errorf("%s rows of %s events, want %s", got[0], got[1], want)
	}
	if q, d := server.Count(t, source), server.Count(t, dead); q != "0" || d != "0" {
		t.Errorf("the queue holds %s, the dead-letter queue %s", q, d)
	}
}

const (
	processes = 4
	kills     = 4
)

// killer invokes the function. In some rounds it holds invocations back until there are four, so
// that every process gets one, and then kills one process.
type killer struct {
	*runtimeapi.Function
	t       *testing.T
	pids    string
	spacing int // rounds of four invocations from one kill to the next
	killing sync.WaitGroup

	mu      sync.Mutex
	begun   int
	kills   int
	arrived int
	gate    chan struct{}
}

func (k *killer) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if gate := k.arrive(); gate != nil {
		select {
		case <-gate:
		case <-time.After(time.Second): // fewer than four batches are left
		}
	}
	return k.Function.Invoke(ctx, payload)
}

// arrive returns a channel to wait for if this round ends with a kill, else nil.
func (k *killer) arrive() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	round := k.begun / processes
	k.begun++
	if k.kills == 0 || round%k.spacing != 0 {
		return nil
	}
	if k.arrived == 0 {
		k.gate = make(chan struct{})
	}
	if k.arrived++; k.arrived < processes {
		return k.gate
	}
	close(k.gate)
	k.arrived = 0
	which := k.kills
	k.kills--
	k.killing.Go(func() {
		time.Sleep(2 * time.Millisecond) // the process has read the event and is still at work on it
		killOne(k.t, k.pids, which)
	})
	return k.gate
}

// tellingItsPid returns the path of a bootstrap that runs another and leaves a file in dir, named by
// its process id.
func tellingItsPid(t *testing.T, bootstrap, dir string) string {
	t.Helper()
	function, err := filepath.Abs(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bootstrap")
	script := fmt.Sprintf("#!/bin/sh\n: > '%s'/$$\nexec '%s'\n", dir, function)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// killOne kills one of the processes that are alive.
func killOne(t *testing.T, dir string, which int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Errorf("%d processes, %v", len(entries), err)
		return
	}
	entry := entries[which%len(entries)]
	os.Remove(filepath.Join(dir, entry.Name()))
	pid, err := strconv.Atoi(entry.Name())
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		t.Errorf("kill %s: %v", entry.Name(), err)
	}
}
