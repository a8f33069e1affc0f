package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/postgrestest"
)

// fault is something that goes wrong. begin starts it and returns a function that ends it. The SQL
// of a fault runs as the owner and does not go through the proxy.
type fault struct {
	name  string
	begin func(w *world, l *traffic, r *rand.Rand) (end func())
}

var faults = []fault{
	{"function killed", func(w *world, _ *traffic, r *rand.Rand) func() { return w.killFunction(r) }},
	{"Postgres crashed and restarted", func(w *world, _ *traffic, r *rand.Rand) func() { return w.crash(r) }},
	{"connections cut", func(w *world, _ *traffic, _ *rand.Rand) func() { w.proxy.cut(); return nothing }},
	{"connections torn in a message", (*world).tear},
	{"connections refused", func(w *world, _ *traffic, _ *rand.Rand) func() {
		w.proxy.set(func() { w.proxy.refusing = true })
		w.proxy.cut()
		return func() { w.proxy.set(func() { w.proxy.refusing = false }) }
	}},
	{"network slow", func(w *world, _ *traffic, r *rand.Rand) func() {
		w.proxy.set(func() { w.proxy.delay = time.Duration(5+r.IntN(100)) * time.Millisecond })
		return func() { w.proxy.set(func() { w.proxy.delay = 0 }) }
	}},
	{"network stalled", func(w *world, _ *traffic, _ *rand.Rand) func() { return w.proxy.stall() }},
	{"backends terminated 57P01", func(w *world, _ *traffic, _ *rand.Rand) func() { w.terminate(); return nothing }},
	{"connections exhausted 53300", func(w *world, _ *traffic, _ *rand.Rand) func() { return w.exhaust() }},
	{"deadlock 40P01", func(w *world, _ *traffic, _ *rand.Rand) func() { return w.deadlock() }},
	{"serialization failure 40001", func(w *world, _ *traffic, _ *rand.Rand) func() {
		return w.raise("if random() < 0.7 then raise exception 'conflict' using errcode = '40001'; end if")
	}},
	{"out of memory 53200", func(w *world, _ *traffic, _ *rand.Rand) func() {
		return w.raise("if random() < 0.7 then raise exception 'memory' using errcode = '53200'; end if")
	}},
	{"read-only server 25006", func(w *world, _ *traffic, _ *rand.Rand) func() {
		return w.setting("default_transaction_read_only", "on")
	}},
	{"statement timeout 57014", func(w *world, _ *traffic, _ *rand.Rand) func() {
		fast, unset := w.raise("perform pg_sleep(0.5)"), w.setting("statement_timeout", "100ms")
		return func() { fast(); unset() }
	}},
	{"partition missing 23514", func(w *world, l *traffic, _ *rand.Rand) func() { w.dropEmptyPartitions(); l.newDay(); return nothing }},
	{"pgbouncer restarted", (*world).restartPooler},
	{"release with another key under the same id", func(w *world, _ *traffic, _ *rand.Rand) func() {
		return w.release("MASK_KEYRING=" + string(mask.GenerateKeyring()))
	}},
	{"release with a mask removed", func(w *world, _ *traffic, _ *rand.Rand) func() {
		return w.release("CONTRACT=" + w.contract(func(p properties) { delete(p["ip"], "x-mask"); delete(p["ip"], "x-recover") }))
	}},
	{"release before its migration", func(w *world, _ *traffic, _ *rand.Rand) func() {
		return w.release("CONTRACT=" + w.contract(func(p properties) { p["country"] = map[string]any{"type": []string{"string", "null"}} }))
	}},
	{"release that recovers less", func(w *world, _ *traffic, _ *rand.Rand) func() {
		return w.release("CONTRACT=" + w.contract(func(p properties) { delete(p["ip"], "x-recover") }))
	}},
	{"release with a vault key that was not migrated", func(w *world, _ *traffic, _ *rand.Rand) func() {
		_, _, other := newKey(w.t)
		return w.release(other)
	}},
	{"epoch raised SQ001", func(w *world, _ *traffic, _ *rand.Rand) func() {
		w.owner.Exec(w.t, "update sqs2pg.tables set epoch = epoch + 1")
		return nothing
	}},
	{"password rotated 28P01", func(w *world, _ *traffic, r *rand.Rand) func() { return w.rotate(r) }},
}

func nothing() {}

// killFunction kills one of the function's processes, as the kernel does when memory is short.
func (w *world) killFunction(r *rand.Rand) func() {
	if pids := functionProcesses(w.name); len(pids) > 0 {
		syscall.Kill(pids[r.IntN(len(pids))], syscall.SIGKILL)
	}
	return nothing
}

// functionProcesses returns the process ids of the function with that name, which no other test
// uses. It works on Linux only.
func functionProcesses(name string) (pids []int) {
	setting := []byte("AWS_LAMBDA_FUNCTION_NAME=" + name)
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		environ, err := os.ReadFile(file)
		if err != nil {
			continue // of another user
		}
		for _, s := range bytes.Split(environ, []byte{0}) {
			if bytes.Equal(s, setting) {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func (w *world) crash(r *rand.Rand) func() {
	w.t.Helper()
	if err := w.server.Crash(); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(time.Duration(r.IntN(700)) * time.Millisecond)
	w.start()
	return nothing
}

func (w *world) tear(*traffic, *rand.Rand) func() {
	w.proxy.set(func() { w.proxy.torn = true })
	return func() { w.proxy.set(func() { w.proxy.torn = false }) }
}

// terminate ends all database sessions of the function and of those who reveal.
func (w *world) terminate() {
	w.t.Helper()
	w.owner.Exec(w.t, "select pg_terminate_backend(pid) from pg_stat_activity where usename in ($1, $2)", chaosWriter, chaosRevealer)
}

// setting changes a setting of the new sessions of the function and of those who reveal, and ends all old
// sessions.
func (w *world) setting(name, value string) func() {
	w.t.Helper()
	w.owner.Exec(w.t, fmt.Sprintf("alter role ingest set %[1]s = '%[2]s'; alter role revealer set %[1]s = '%[2]s'", name, value))
	w.terminate()
	return func() { // sessions that have it keep it: a read-only session stays read-only
		w.owner.Exec(w.t, fmt.Sprintf("alter role ingest reset %[1]s; alter role revealer reset %[1]s", name))
	}
}

// raise makes every write run the statements first.
func (w *world) raise(statements string) func() {
	w.t.Helper()
	w.beforeInsert(statements)
	return func() { w.beforeInsert("null") }
}

// exhaust takes all connections that the writer is allowed.
func (w *world) exhaust() func() {
	w.t.Helper()
	pool := postgrestest.Open(w.t, w.writerURL()+"&application_name=greedy&pool_max_conns=12")
	w.terminate()
	var release []func()
	for range 12 {
		conn, err := pool.Pgx().Acquire(w.t.Context())
		if err != nil {
			break // the function was faster
		}
		release = append(release, conn.Release)
	}
	return func() {
		for _, r := range release {
			r()
		}
		pool.Close()
	}
}

func (w *world) writerURL() string {
	w.vault.mu.Lock()
	defer w.vault.mu.Unlock()
	return fmt.Sprintf("postgres://%s:%s@%s/postgres?sslmode=disable", chaosWriter, w.vault.password, w.address())
}

// deadlock makes writers take one lock and then another, while a session takes the same two in the
// other order. The session checks for deadlocks only after a minute, so Postgres ends a writer and
// not the session.
func (w *world) deadlock() func() {
	w.t.Helper()
	ctx := w.t.Context()
	pool := postgrestest.Open(w.t, w.owner.OwnerURL)
	tx, err := pool.Pgx().Begin(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "set local deadlock_timeout = '1min'; set local lock_timeout = '3s'; select pg_advisory_xact_lock(2)"); err != nil {
		w.t.Fatal(err)
	}
	w.beforeInsert("perform pg_advisory_xact_lock_shared(1); perform pg_sleep(0.1); perform pg_advisory_xact_lock_shared(2)")
	time.Sleep(80 * time.Millisecond)
	_, _ = tx.Exec(ctx, "select pg_advisory_xact_lock(1)") // the deadlock happens even if it times out
	return func() {
		_ = tx.Rollback(ctx)
		pool.Close()
		w.beforeInsert("null")
	}
}

// dropEmptyPartitions drops the partitions that were made ahead. It gives up if a writer holds a
// lock.
func (w *world) dropEmptyPartitions() {
	w.t.Helper()
	w.owner.Exec(w.t, `
		set lock_timeout = '500ms';
		do $$
		declare parent regclass; partition regclass; used boolean;
		begin
			for parent, partition in select inhparent, inhrelid from pg_inherits where inhparent in ('user_logins'::regclass, 'sqs2pg_vault.user_logins'::regclass) loop
				execute 'lock table ' || parent || ', ' || partition || ' in access exclusive mode';
				execute 'select exists (select from ' || partition || ')' into used;
				if not used then execute 'drop table ' || partition; end if;
			end loop;
		exception when lock_not_available or deadlock_detected then null;
		end $$`)
}

// rotate changes the password: first at the server, or first in the secret.
func (w *world) rotate(r *rand.Rand) func() {
	w.t.Helper()
	password := fmt.Sprintf("password-%d", r.Int64())
	server := func() {
		w.owner.Exec(w.t, fmt.Sprintf("alter role ingest password '%s'", password))
		w.terminate()
	}
	secret := func() { w.vault.set(password, w.proxy.port()) }
	if r.IntN(2) == 0 {
		server, secret = secret, server
	}
	server()
	time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
	secret()
	return nothing
}
