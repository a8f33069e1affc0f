package disclosure_test

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/localpg"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

// serverLog is what a server has logged.
type serverLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// ownServer is a vault on a server of its own, which is durable and takes prepared transactions.
func ownServer(t *testing.T) (ledger, *serverLog) {
	t.Helper()
	log, options := &serverLog{}, localpg.Options{Dir: t.TempDir(), Download: os.Getenv("TEST_POSTGRES") == "download"}
	options.Log = log
	start := func() *localpg.Server {
		server, err := localpg.Start(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Stop() })
		return server
	}
	server := start()
	v := ledger{&postgrestest.Database{OwnerURL: server.URL("postgres")}, t}
	for _, setting := range []string{"max_prepared_transactions = 5", "autovacuum = off"} {
		v.Exec(t, "alter system set "+setting)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	v.OwnerURL = start().URL("postgres")
	if _, err := schema.Apply(t.Context(), postgrestest.Open(t, v.OwnerURL), visits(contract.Insert)); err != nil {
		t.Fatal(err)
	}
	return v, log
}

// A commit with synchronous_commit off can be seen before it is on the disk. Here it never gets
// there by itself, because the process that writes the server's log is stopped.
func TestFetchWaitsUntilTheRequestIsOnTheDisk(t *testing.T) {
	t.Parallel()
	v, _ := ownServer(t)
	v.add(event(1))
	pool := v.revealer()
	granted := v.request(pool, inquiry(event(1)))

	pid, err := strconv.Atoi(v.QueryStrings(t, "select pid from pg_stat_activity where backend_type = 'walwriter'")[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()

	conn, err := pool.Pgx().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "set synchronous_commit = off"); err != nil {
		t.Fatal(err)
	}
	sentAt, ids := []time.Time{event(1).SentAt}, [][16]byte{event(1).EventID}
	var seq int64
	if err := conn.QueryRow(t.Context(), sqlRequest, sentAt, ids).Scan(&seq); err != nil || seq != 2 {
		t.Fatalf("request %d, %v", seq, err)
	}
	if _, err := conn.Exec(t.Context(), sqlFetch, seq, sentAt, ids); state(err) != "SQ006" {
		t.Errorf("a request that is not on the disk: got %v, want SQ006", err)
	}
	if keys, err := v.fetch(pool, granted); err != nil || len(keys) != 1 { // commits something that waits for the disk
		t.Errorf("got %v and %d values, want one", err, len(keys))
	}
	if _, err := conn.Exec(t.Context(), sqlFetch, seq, sentAt, ids); err != nil {
		t.Errorf("after a commit that waits for the disk: %v", err)
	}
}

func TestFetchRefusesARequestThatIsOnlyPrepared(t *testing.T) {
	t.Parallel()
	v, _ := ownServer(t)
	v.add(event(1))
	conn, err := v.revealer().Pgx().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	sentAt, ids := []time.Time{event(1).SentAt}, [][16]byte{event(1).EventID}
	var seq int64
	for _, sql := range []string{"begin", "", "prepare transaction 'p'"} {
		if sql == "" {
			err = conn.QueryRow(t.Context(), sqlRequest, sentAt, ids).Scan(&seq)
		} else {
			_, err = conn.Exec(t.Context(), sql)
		}
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if _, err := conn.Exec(t.Context(), sqlFetch, seq, sentAt, ids); state(err) != "SQ005" {
		t.Errorf("prepared: got %v, want SQ005", err)
	}
	if _, err := conn.Exec(t.Context(), "commit prepared 'p'"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), sqlFetch, seq, sentAt, ids); err != nil {
		t.Errorf("committed: %v", err)
	}
}

// The log has the head of each request that was fetched, and nothing that a person typed.
func TestServerLogHasHeadsAndNoValues(t *testing.T) {
	t.Parallel()
	const secret = "192.0.2.77"
	v, log := ownServer(t)
	v.add(event(1))
	pool := v.revealer()
	granted := v.request(pool, inquiry(event(1)))
	if _, err := v.fetch(pool, granted); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*disclosure.Inquiry){
		func(q *disclosure.Inquiry) { q.Purpose = secret },
		func(q *disclosure.Inquiry) { q.Ticket = secret },
		func(q *disclosure.Inquiry) { q.Caller = secret + " " },
		func(q *disclosure.Inquiry) { q.Fields = []string{secret} },
	} {
		q := inquiry(event(1))
		change(&q)
		if _, err := disclosure.Request(t.Context(), pool, q); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v, want a refusal without what was given", err)
		}
	}
	if _, err := disclosure.Find(t.Context(), pool, visits(contract.Insert), disclosure.Selection{Columns: []string{"nope"}, Values: []string{secret}}, 1); err == nil {
		t.Error("a column that is not there was found")
	}
	heads, err := disclosure.ParseHeads(strings.NewReader(log.String()))
	granted.Head.Database = v.QueryStrings(t, "select quote_ident(current_database())")[0]
	if diff := cmp.Diff([]disclosure.Head{granted.Head}, heads); diff != "" || err != nil {
		t.Errorf("%v; heads in the log (-want +got):\n%s", err, diff)
	}
	if _, err := disclosure.Verify(t.Context(), v.as("aud", "sqs2pg_auditor"), heads...); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "is not one of fraud") {
		t.Error("the log has no refusal, so this test shows nothing")
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("the log has what was given:\n%s", log)
	}
}
