package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/postgres/login"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/vault/reveal"
)

const (
	chaosRevealer = "revealer"
	chaosAuditor  = "auditor"

	// sqs2pg is the command, built for this test.
	sqs2pg = "../../build/test/ingest/sqs2pg"
)

// question is what somebody wants to see of the vault.
type question struct {
	way     string
	args    []string
	fields  []string // in the contract's order
	purpose string
	about   func(id string, o origin) bool
	whole   bool // everything that it is about was loaded before it was asked
}

// attempt is one run of the command. A question is asked until a run answers it. Each run has a ticket of
// its own, by which its entry in the audit is found.
type attempt struct {
	question
	ticket       string
	began, ended time.Time
	out          []byte
	answered     bool
}

// reveals are all attempts. Postgres's log is written to it, and the audit's heads are kept.
type reveals struct {
	mu       sync.Mutex
	attempts []attempt
	tickets  int
	open     int           // questions without an answer
	failure  string        // of the last attempt that failed
	took     time.Duration // by the last attempt that did not
	log      lines
	heads    bytes.Buffer
	fetched  chan struct{} // gets something when a head is logged: a value is about to be given out
}

func (v *reveals) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.log.each(p, func(line []byte) {
		if bytes.Contains(line, []byte("sqs2pg audit head of ")) {
			fmt.Fprintf(&v.heads, "%s\n", line)
			select {
			case v.fetched <- struct{}{}:
			default:
			}
		}
	})
	return len(p), nil
}

func (v *reveals) count(open int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open += open
}

// waiting returns how many questions have no answer.
func (v *reveals) waiting() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.open
}

func (v *reveals) lastFailure() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.failure
}

// all returns all attempts, and the lines of Postgres's log that have heads.
func (v *reveals) all() ([]attempt, []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.attempts), bytes.Clone(v.heads.Bytes())
}

// duration returns how long an attempt takes.
func (v *reveals) duration() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return cmp.Or(v.took, 300*time.Millisecond)
}

// admit makes a login that may reveal and nothing else, and one that may read the audit.
func (w *world) admit(pool *postgres.Pool) {
	w.t.Helper()
	if out, err := exec.Command("go", "build", "-o", sqs2pg, "../sqs2pg").CombinedOutput(); err != nil {
		w.t.Fatalf("build the command: %v\n%s", err, out)
	}
	if err := login.ToReveal(w.t.Context(), pool, chaosRevealer, "secret"); err != nil {
		w.t.Fatal(err)
	}
	w.owner.Exec(w.t, `
		create role auditor login password 'secret' in role sqs2pg_auditor;
		update sqs2pg.reveal_limit set events_per_hour = 1000000;
		alter role revealer set deadlock_timeout = '20ms';
		create trigger beforeInsert before insert on sqs2pg.audit for each statement execute function beforeInsert()`)
}

// command is the command as that login starts it. Like the function it reaches Postgres by the proxy.
func (w *world) command(ctx context.Context, login string, args ...string) *exec.Cmd {
	path, _ := filepath.Abs(sqs2pg) // the test has a working directory
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = filepath.Dir(w.keyFile)
	cmd.Env = []string{
		"DATABASE_URL=postgres://" + login + ":secret@127.0.0.1:" + w.proxy.port() + "/postgres?sslmode=disable",
		"MASK_KEYRING=" + string(w.keyring), "VAULT_KEY_FILE=" + w.keyFile, "CONTRACT=user_logins", "HOME=" + cmd.Dir,
	}
	return cmd
}

// ways are the ways to name events. They return the flag and its value for events of the ledger.
var ways = []struct {
	name string
	make func(c *chaos, some []message) (args []string, about func(id string, o origin) bool)
}{
	{"events", func(_ *chaos, some []message) (args []string, about func(string, origin) bool) {
		ids := map[string]bool{}
		for _, m := range some {
			ids[m.id] = true
			args = append(args, "--event", m.id)
		}
		return args, func(id string, _ origin) bool { return ids[id] }
	}},
	{"a subject's file", func(c *chaos, some []message) ([]string, func(string, origin) bool) {
		user := c.traffic.valid[some[0].id].user
		file := filepath.Join(c.t.TempDir(), "subject")
		if err := os.WriteFile(file, []byte(user), 0o600); err != nil {
			c.t.Fatal(err)
		}
		return []string{"--subject-file", file}, func(_ string, o origin) bool { return o.user == user }
	}},
	{"a token", func(c *chaos, some []message) ([]string, func(string, origin) bool) {
		keyring, err := mask.ParseKeyring(c.keyring)
		if err != nil {
			c.t.Fatal(err)
		}
		device := c.traffic.valid[some[0].id].from.Device
		return []string{"--token", keyring.Token("device_id", device)}, func(_ string, o origin) bool { return o.from.Device == device }
	}},
}

// question makes one about events that were sent. Number i has way i.
func (c *chaos) question(i int, r *rand.Rand) question {
	c.eventually("a message is sent", time.Minute, func() bool { return c.traffic.count() >= 10 })
	c.traffic.mu.Lock()
	defer c.traffic.mu.Unlock()
	some := make([]message, 3)
	for k := range some {
		some[k] = c.traffic.recent[r.IntN(len(c.traffic.recent))]
	}
	way := ways[i%len(ways)]
	q := question{
		way: way.name, purpose: reveal.Purposes[r.IntN(len(reveal.Purposes))],
		fields: [][]string{{"ip"}, {"device_id"}, {"ip", "device_id"}}[r.IntN(3)],
	}
	q.args, q.about = way.make(c, some)
	return q
}

// ask asks until there is an answer. It begins at a moment of r. Every other first run is killed at one.
func (c *chaos) ask(ctx context.Context, q question, r *rand.Rand) {
	defer c.reveals.count(-1)
	time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
	first, stop := ctx, func() {}
	if r.IntN(2) == 0 {
		first, stop = context.WithTimeout(ctx, time.Duration(r.Float64()*float64(c.reveals.duration())))
	}
	answered := c.attempt(first, q)
	stop()
	for ; !answered && ctx.Err() == nil; answered = c.attempt(ctx, q) {
		time.Sleep(50 * time.Millisecond) // an outage may last, and a run is short
	}
	if !answered { // the test has failed
		c.t.Error("no answer: " + c.reveals.lastFailure())
	}
}

// crashAtFetch crashes Postgres at the moment when a value is given out. What was given out by then must
// stay in the audit.
func (c *chaos) crashAtFetch(r *rand.Rand) {
	select {
	case <-c.reveals.fetched: // of an earlier moment
	default:
	}
	select {
	case <-c.reveals.fetched:
		c.injected["Postgres crashed as a value was given out"]++
		c.crash(r)
	case <-time.After(3 * time.Second): // the machine is slow
	}
}

// attempt runs the command once, and keeps what it has printed.
func (c *chaos) attempt(ctx context.Context, q question) (answered bool) {
	v := &c.reveals
	v.mu.Lock()
	v.tickets++
	a := attempt{question: q, ticket: "CHAOS-" + strconv.Itoa(v.tickets), began: time.Now()}
	v.mu.Unlock()
	args := append([]string{"vault", "reveal", "--json", "--purpose", q.purpose, "--ticket", a.ticket, "--fields", strings.Join(q.fields, ",")}, q.args...)
	cmd := c.command(ctx, chaosRevealer, args...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, io.MultiWriter(&talk, c.search.Stream("standard error of vault reveal"))
	err := cmd.Run()
	a.ended, a.out, a.answered = time.Now(), out.Bytes(), err == nil
	if failed, ok := errors.AsType[*exec.ExitError](err); ctx.Err() == nil && err != nil && (!ok || failed.ExitCode() != 1) {
		c.t.Errorf("vault reveal by %s: %v: %s", q.way, err, &talk)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.attempts = append(v.attempts, a)
	if err == nil {
		v.took = a.ended.Sub(a.began)
	} else {
		v.failure = fmt.Sprintf("by %s: %v: %s", q.way, err, &talk)
	}
	return a.answered
}

// askAll asks a question by each way, when nothing fails any more and everything is loaded.
func (c *chaos) askAll(r *rand.Rand) {
	for i := range ways {
		q := c.question(i, r)
		q.whole = true
		if !c.attempt(c.t.Context(), q) {
			c.t.Error("no answer when everything was loaded: " + c.reveals.lastFailure())
		}
	}
}

// revealed is a line that the command has printed.
type revealed struct {
	SentAt   time.Time         `json:"sent_at"`
	EventID  uuid.UUID         `json:"event_id"`
	Values   map[string]string `json:"values"`
	Verified map[string]string `json:"verified"`
}

// printed returns the lines of the output. The last line of a run that was killed may be cut off.
func (a *attempt) printed() (all []revealed, err error) {
	for line := range bytes.Lines(a.out) {
		var r revealed
		if err := json.Unmarshal(line, &r); err != nil {
			if a.answered || bytes.HasSuffix(line, []byte("\n")) {
				return nil, err
			}
			return all, nil
		}
		all = append(all, r)
	}
	return all, nil
}

// compareReveals compares what was printed with the ledger and with the audit. It returns what is wrong,
// and how many events were printed.
func (l *ledger) compareReveals(attempts []attempt, audit []disclosure.Entry) (wrong []string, events int) {
	entries := map[string][]disclosure.Entry{}
	for _, e := range audit {
		entries[e.Ticket] = append(entries[e.Ticket], e)
	}
	for _, a := range attempts {
		all, err := a.printed()
		if err != nil {
			wrong = append(wrong, a.ticket+": output that is no JSON")
		}
		events += len(all)
		wrong = append(wrong, l.compareValues(a, all)...)
		if what := a.compareEntries(entries[a.ticket], all); what != "" {
			wrong = append(wrong, a.ticket+" by "+a.way+": "+what)
		}
		delete(entries, a.ticket)
	}
	for ticket := range entries {
		wrong = append(wrong, "an entry of the audit that nobody asked for: "+ticket)
	}
	return wrong, events
}

// compareValues compares what a run has printed with what was sent.
func (l *ledger) compareValues(a attempt, all []revealed) (wrong []string) {
	given := map[string]bool{}
	for _, r := range all {
		id := r.EventID.String()
		o, ok := l.valid[id]
		originals := map[string]string{"ip": o.from.IP, "device_id": o.from.Device}
		switch {
		case !ok || !a.about(id, o):
			wrong = append(wrong, a.ticket+": revealed, and not asked for: "+id)
		case given[id]:
			wrong = append(wrong, a.ticket+": revealed twice: "+id)
		case len(r.Values) != len(a.fields):
			wrong = append(wrong, a.ticket+": other fields than those asked for: "+id)
		}
		for _, field := range a.fields {
			if r.Values[field] != originals[field] || r.Verified[field] != "verified" {
				wrong = append(wrong, a.ticket+": not the "+field+" that was sent, or not verified: "+id)
			}
		}
		given[id] = true
	}
	if a.whole {
		for id, o := range l.valid {
			if a.about(id, o) && !given[id] {
				wrong = append(wrong, a.ticket+": not revealed: "+id)
			}
		}
	}
	return wrong
}

// compareEntries says what is wrong with the entries of a run. One that has given nothing out may have
// none. One that failed may have asked for more than it has printed.
func (a *attempt) compareEntries(entries []disclosure.Entry, all []revealed) string {
	switch len(entries) {
	case 0:
		if len(a.out) > 0 || a.answered {
			return "given out, and not in the audit"
		}
		return ""
	case 1:
	default:
		return "in the audit more than once"
	}
	e, printed := entries[0], int64(len(all))
	switch {
	case e.Login != chaosRevealer || e.Action != "reveal" || e.Purpose != a.purpose || e.Target != "public.user_logins" || !slices.Equal(e.Fields, a.fields):
		return fmt.Sprintf("the audit has another request: %+v", e)
	case e.At.Before(a.began.Add(-time.Second)) || e.At.After(a.ended.Add(time.Second)):
		return "the audit has another time"
	case e.N < printed || a.answered && e.N != printed:
		return fmt.Sprintf("the audit has %d events, and %d were printed", e.N, printed)
	case e.N == printed && !bytes.Equal(e.KeysSHA256, hashOf(all)):
		return "the audit has other events"
	}
	return ""
}

// hashOf computes what sqs2pg.hash_of_keys does.
func hashOf(all []revealed) []byte {
	slices.SortFunc(all, func(a, b revealed) int {
		return cmp.Or(a.SentAt.Compare(b.SentAt), bytes.Compare(a.EventID[:], b.EventID[:]))
	})
	h := sha256.New()
	for _, r := range all {
		_ = binary.Write(h, binary.BigEndian, r.SentAt.UnixMicro())
		_, _ = h.Write(r.EventID[:])
	}
	return h.Sum(nil)
}

// reportReveals compares all attempts with ledger and audit, verifies the audit against the heads that
// Postgres has logged, and searches it for personal values. It returns a line for the report.
func (c *chaos) reportReveals() string {
	c.t.Helper()
	pool := postgrestest.Open(c.t, c.owner.OwnerURL)
	defer pool.Close()
	var audit []disclosure.Entry
	if err := disclosure.List(c.t.Context(), pool, 0, func(e disclosure.Entry) error { audit = append(audit, e); return nil }); err != nil {
		c.t.Fatal(err)
	}
	for _, row := range c.owner.QueryStrings(c.t, "select to_jsonb(a)::text from sqs2pg.audit a") {
		c.search.Text("the audit", row)
	}
	attempts, log := c.reveals.all()
	wrong, events := c.traffic.compareReveals(attempts, audit)
	if len(wrong) > 0 {
		c.t.Errorf("%d things about the reveals are wrong, the first:\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 20)], "\n"))
	}
	answered := 0
	for _, a := range attempts {
		if a.answered {
			answered++
		}
	}
	heads, err := disclosure.ParseHeads(bytes.NewReader(log))
	if err != nil || len(heads) < answered {
		c.t.Errorf("Postgres's log has %d heads of %d reveals, %v", len(heads), answered, err)
	}
	c.verifyAudit(log, len(audit))
	return fmt.Sprintf("questions answered %d in %d runs of vault reveal, %d events revealed; the audit has %d entries, and %d heads in Postgres's log",
		answered, len(attempts), events, len(audit), len(heads))
}

// verifyAudit runs the command that verifies the audit against kept heads.
func (c *chaos) verifyAudit(heads []byte, entries int) {
	c.t.Helper()
	cmd := c.command(c.t.Context(), chaosAuditor, "vault", "audit", "verify", "--anchor", "-")
	var out, talk bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(heads), &out, &talk
	err := cmd.Run()
	c.search.Text("what vault audit verify prints", out.String()+talk.String())
	if err != nil || !strings.HasPrefix(out.String(), strconv.Itoa(entries)+" ") {
		c.t.Errorf("vault audit verify: %v: %s%s", err, &out, &talk)
	}
}
