package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sqs2pg/pkg/local/localpg"
	"sqs2pg/pkg/local/sqsserver/sqstest"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/login"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/telemetry/leaktest"
	"sqs2pg/pkg/vault/open"
)

const (
	chaosWriter = "ingest"

	// chaosReceives is how many receives a message has. A visibility timeout of a second uses them up
	// fast on a slow machine, where a batch may wait for seconds.
	chaosReceives = 20
)

// world is everything around the function: a Postgres that can crash, the network in front of it, a
// Secrets Manager and an SQS.
type world struct {
	t         *testing.T
	name      string // of the function; its processes are found by it
	dir       string
	server    *localpg.Server
	log       io.Writer // Postgres's
	owner     *postgrestest.Database
	proxy     *proxy
	vault     *vault
	sqs       *sqstest.Server
	client    *sqs.Client
	queue     string
	dead      string
	sqlstates sqlstates
	reveals   reveals
	keyring   []byte
	key       *open.Key // of the vault
	keyFile   string
	publicKey string    // the setting
	output    io.Writer // takes what every release of the function prints
	live      live
	refusals  refusals
}

func newWorld(t *testing.T, seed uint64, search *leaktest.Search) *world {
	t.Helper()
	w := &world{t: t, name: fmt.Sprintf("chaos-%d-%d", os.Getpid(), seed), dir: filepath.Join(t.TempDir(), "postgres"), sqlstates: sqlstates{counts: map[string]int{}}, keyring: mask.GenerateKeyring()}
	w.reveals.fetched = make(chan struct{}, 1)
	w.key, w.keyFile, w.publicKey = newKey(t)
	w.log = io.MultiWriter(search.Stream("Postgres's log"), &w.sqlstates, &w.reveals)
	w.start()
	t.Cleanup(func() {
		w.server.Stop()
		os.RemoveAll(w.server.Dir())
	})
	w.proxy = newProxy(t, w.address())
	w.vault = newVault(t)
	w.setUp()
	w.sqs = sqstest.Start(t)
	w.client = w.sqs.Client
	w.queue, w.dead = w.sqs.CreateQueues(t, "logins", chaosReceives, map[string]string{
		"VisibilityTimeout": "1", // shorter than a batch may take, so that some messages are in two batches at a time
	})
	return w
}

// start starts Postgres, the first time or after a crash.
func (w *world) start() {
	w.t.Helper()
	server, err := localpg.Start(w.t.Context(), localpg.Options{Dir: w.dir, Log: w.log})
	if err != nil {
		w.t.Fatal(err)
	}
	w.server, w.owner = server, &postgrestest.Database{OwnerURL: server.URL("postgres")}
	if w.proxy != nil {
		w.proxy.set(func() { w.proxy.target = w.address() })
	}
}

func (w *world) address() string {
	u, _ := url.Parse(w.server.URL("postgres")) // its own
	return u.Host
}

// setUp migrates, makes the logins, and prepares what the faults need.
func (w *world) setUp() {
	w.t.Helper()
	pool := postgrestest.Open(w.t, w.owner.OwnerURL)
	defer pool.Close()
	w.migrate(pool)
	w.vault.set("password-0", w.proxy.port())
	if err := login.WithPassword(w.t.Context(), pool, chaosWriter, "password-0"); err != nil {
		w.t.Fatal(err)
	}
	w.owner.Exec(w.t, "alter system set log_line_prefix = 'sqlstate=%e '")
	w.owner.Exec(w.t, "alter system set log_min_duration_statement = 0") // every statement, with its parameters unless that is turned off
	w.owner.Exec(w.t, "select pg_reload_conf()")
	w.owner.Exec(w.t, `
		alter table user_logins add written_at timestamptz default clock_timestamp();
		alter table user_logins add constraint no_refused check (user_id not like 'refused%');
		alter role ingest set deadlock_timeout = '20ms';
		alter role ingest connection limit 12`)
	w.beforeInsert("null")
	w.owner.Exec(w.t, "create trigger beforeInsert before insert on user_logins for each statement execute function beforeInsert()")
	w.admit(pool)
}

func (w *world) beforeInsert(statements string) {
	w.t.Helper()
	w.owner.Exec(w.t, "create or replace function beforeInsert() returns trigger language plpgsql security definer as $$ begin "+statements+"; return null; end $$")
}

// environ returns the function's settings.
func (w *world) environ() []string {
	return []string{
		"DATABASE_SECRET_ID=database", "MASK_KEYRING=" + string(w.keyring), "CONTRACT=user_logins", w.publicKey,
		"AWS_ENDPOINT_URL_SECRETS_MANAGER=" + w.vault.server.URL, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_PROFILE=", "AWS_CONFIG_FILE=/dev/null",
	}
}

// waiting returns how many messages the queue holds, visible or not.
func (w *world) waiting() int { return w.holds(w.queue) }

func (w *world) holds(queueURL string) int {
	w.t.Helper()
	visible, hidden := w.sqs.Depth(w.t, queueURL)
	return visible + hidden
}

// deadLetters takes all messages off the dead-letter queue. Messages of an answer that was lost on
// the way come again.
func (w *world) deadLetters() (all []types.Message) {
	w.t.Helper()
	for w.holds(w.dead) > 0 {
		out, err := w.client.ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &w.dead, MaxNumberOfMessages: 10, VisibilityTimeout: 5, WaitTimeSeconds: 1, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, m := range out.Messages {
			if _, err := w.client.DeleteMessage(w.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &w.dead, ReceiptHandle: m.ReceiptHandle}); err != nil {
				w.t.Fatal(err)
			}
		}
		all = append(all, out.Messages...)
	}
	return all
}

// vault is a Secrets Manager with one secret. A stand-in, because the test must choose the moment
// of a rotation.
type vault struct {
	server *httptest.Server

	mu       sync.Mutex
	secret   string
	password string
}

func newVault(t *testing.T) *vault {
	v := &vault{}
	v.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		v.mu.Lock()
		defer v.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		json.NewEncoder(w).Encode(map[string]string{"SecretString": v.secret})
	}))
	t.Cleanup(v.server.Close)
	return v
}

func (v *vault) set(password, port string) {
	v.setTo(map[string]string{"host": "127.0.0.1", "port": port, "dbname": "postgres", "username": chaosWriter, "password": password})
}

func (v *vault) setTo(secret map[string]string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	text, _ := json.Marshal(secret) // strings only: cannot fail
	v.secret, v.password = string(text), secret["password"]
}

// lines cuts a stream into lines.
type lines struct{ rest []byte }

// each calls do for every line that ends in p, without its end.
func (l *lines) each(p []byte, do func(line []byte)) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return
		}
		do(line)
		l.rest = rest
	}
}

// sqlstates counts the SQLSTATEs in Postgres's log.
type sqlstates struct {
	mu     sync.Mutex
	counts map[string]int
	log    lines
}

var stateOfLine = regexp.MustCompile(`^sqlstate=(\w{5}) (?:ERROR|FATAL)`)

func (s *sqlstates) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.each(p, func(line []byte) {
		if m := stateOfLine.FindSubmatch(line); m != nil {
			s.counts[string(m[1])]++
		}
	})
	return len(p), nil
}

// eventually polls until another process has done something.
func (w *world) eventually(what string, limit time.Duration, done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: not within %s; the queue holds %d messages", what, limit, w.waiting())
		}
	}
}
