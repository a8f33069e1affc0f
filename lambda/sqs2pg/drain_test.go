package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/local/invoker"
	"sqs2pg/pkg/local/localpg"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/local/sqsserver"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

// keyring is that of tests whose commands must use the same keys.
const keyring = `{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}`

func load(t *testing.T, name string) contract.Table {
	t.Helper()
	c, err := contract.Load(contracts.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return c.Table()
}

func TestRunLoadsAHundredLoginsAndASecondRunAddsItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		code, out, err := sqs2pgIn(t.Context(), dir, "", "run", "--function", bootstrap, "--database-url=")
		if code != 0 {
			t.Fatalf("run exits with %d: %s", code, err)
		}
		for _, want := range []string{"select * from user_logins", "USER_ID", "k1:", "invalid: user_id required", "99 written, 1 dead-lettered"} {
			if !strings.Contains(out, want) {
				t.Errorf("standard output lacks %q:\n%s", want, out)
			}
		}
	}
	server, err := localpg.Start(t.Context(), localpg.Options{Dir: filepath.Join(dir, home.Dir, "postgres")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Stop()
		os.RemoveAll(server.Dir()) // as root it is not in dir
	})
	_, rows, err := schema.Preview(t.Context(), postgrestest.Open(t, server.URL("postgres")), load(t, "user_logins"), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2*99 {
		t.Errorf("%d rows, want 198", len(rows))
	}
	noLocale := 0
	for _, row := range rows {
		if row[4] == "NULL" {
			noLocale++
		}
	}
	if noLocale < 20 || noLocale > 100 {
		t.Errorf("%d of 198 rows without a locale, want about 60", noLocale)
	}
}

// stopper is a standard error. It calls stop when the text at is written, as a person would type
// Ctrl-C.
type stopper struct {
	bytes.Buffer
	at   string
	stop func()
}

func (s *stopper) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.at)) {
		s.stop()
	}
	return s.Buffer.Write(p)
}

func TestStoppedRunSaysHowManyMessagesAreWritten(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	talk := &stopper{at: "in flight", stop: stop}
	args := []string{"run", "--function", bootstrap, "--messages", "100000", "--database-url", postgrestest.New(t).OwnerURL}
	code := execute(ctx, args, &streams{In: strings.NewReader(""), Out: io.Discard, Err: talk, Dir: t.TempDir()})
	if code != 1 || !strings.Contains(talk.String(), "sqs2pg: stopped: ") || strings.Contains(talk.String(), "canceled") {
		t.Errorf("exits with %d and says %q", code, talk)
	}
}

// TestInvokeDrainsAQueueExactly holds the promise: every valid message becomes a row, every bad
// message goes to the dead-letter queue, and the same messages sent again add no row.
func TestInvokeDrainsAQueueExactly(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := postgrestest.New(t, load(t, "user_logins"))
	dlq := createQueue(t, endpoint, "dead", nil)
	queue := createQueue(t, endpoint, "logins", map[string]string{
		"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"3"}`,
		"VisibilityTimeout": "30",
	})
	bodies := sample.ValidLogins(963, 1)
	for i := range 37 {
		bodies = append(bodies[:i*26], append([]string{fmt.Sprintf(`{"ip":"10.0.0.%d"}`, i)}, bodies[i*26:]...)...)
	}
	invoke := []string{
		"invoke", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL, "--function", bootstrap,
		"--batch-size", "100", "--concurrency", "2", "--retry-delay", "0s", "--idle-timeout", "1s", "--json", "--keyring", keyring,
	}
	for round, want := range []invoker.Report{
		{Received: 963 + 3*37, Succeeded: 963, Failed: 3 * 37, DeadLettered: 37, Failures: map[string]int{"invalid: user_id required": 37}},
		{Received: 963 + 3*37, Succeeded: 963, Failed: 3 * 37, DeadLettered: 37, Failures: map[string]int{"invalid: user_id required": 37}},
	} {
		sendAs(t, endpoint, queue, bodies, func(i int) string { return fmt.Sprint("login ", i) })
		code, out, errs := sqs2pg(t, invoke...)
		if want := "sqs2pg: 37 messages failed; 37 are dead letters: see sqs2pg dlq list --queue logins --endpoint-url " + endpoint + "\n"; code != 1 || !strings.HasSuffix(errs, want) {
			t.Errorf("round %d exits with %d and says %q, want 1 and %q", round, code, errs, want)
		}
		var got invoker.Report
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(invoker.Report{}, "Invocations", "ElapsedSeconds", "BilledSeconds", "MaxMemory")); diff != "" {
			t.Errorf("round %d (-want +got):\n%s", round, diff)
		}
		if n := db.QueryStrings(t, "select count(*) from user_logins")[0]; n != "963" {
			t.Errorf("round %d: %s rows, want 963", round, n)
		}
		if n := count(t, endpoint, queue); n != "0" {
			t.Errorf("round %d: the queue holds %s", round, n)
		}
		if n, want := count(t, endpoint, dlq), fmt.Sprint(37*(round+1)); n != want {
			t.Errorf("round %d: the dead-letter queue holds %s, want %s", round, n, want)
		}
	}
}

// TestInvokeKeepsTheOrderOfAMessageGroup drains a FIFO queue one message at a time. A group waits
// behind its bad message until that is dead-lettered, then goes on in order. In larger batches SQS
// also counts the receives of the waiting messages, and dead-letters them with the bad one.
func TestInvokeKeepsTheOrderOfAMessageGroup(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := postgrestest.New(t, load(t, "user_logins"))
	db.Exec(t, "create sequence arrival; alter table user_logins add arrived bigint default nextval('arrival'); grant usage on sequence arrival to public")
	dlq := createQueue(t, endpoint, "dead.fifo", map[string]string{"FifoQueue": "true"})
	queue := createQueue(t, endpoint, "logins.fifo", map[string]string{
		"FifoQueue":         "true",
		"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":"3"}`,
		"VisibilityTimeout": "30",
	})
	for _, group := range []string{"a", "b"} {
		var messages strings.Builder
		for i, body := range sample.Messages(30, 1) {
			if group == "a" && i == 12 {
				body = `{}`
			}
			fmt.Fprintln(&messages, strings.Replace(body, `"user_id":"`, fmt.Sprintf(`"user_id":"%s-%02d-`, group, i), 1))
		}
		code, _, errs := sqs2pgIn(t.Context(), t.TempDir(), messages.String(), "send", "--endpoint-url", endpoint, "--queue", "logins.fifo", "--group", group, "-")
		if code != 0 {
			t.Fatal(errs)
		}
	}
	code, _, errs := sqs2pg(t, "invoke", "--endpoint-url", endpoint, "--queue", "logins.fifo", "--database-url", db.URL, "--function", bootstrap,
		"--batch-size", "1", "--concurrency", "2", "--retry-delay", "0s", "--idle-timeout", "500ms")
	if code != 1 || !strings.Contains(errs, "1 message failed; 1 is a dead letter") {
		t.Errorf("exits with %d and says %q", code, errs)
	}
	var want []string
	for _, group := range []string{"a", "b"} {
		for i := range 30 {
			if group != "a" || i != 12 {
				want = append(want, fmt.Sprintf("%s-%02d", group, i))
			}
		}
	}
	got := db.QueryStrings(t, "select left(user_id, 4) from user_logins order by left(user_id, 1), arrived")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows of each group in the order they were written (-want +got):\n%s", diff)
	}
	if q, d := count(t, endpoint, queue), count(t, endpoint, dlq); q != "0" || d != "1" {
		t.Errorf("the queue holds %s and the dead-letter queue %s, want 0 and 1", q, d)
	}
}

func TestInvokeCountsMessagesByReason(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := postgrestest.New(t, load(t, "user_logins"))
	db.Exec(t, "alter table user_logins add constraint no_refused check (user_id <> 'refused')")
	queue := createQueue(t, endpoint, "logins", nil)
	bodies := append(sample.Messages(3, 1), `{}`, `[`, strings.Replace(sample.Messages(1, 2)[0], `"user_id":"`, `"user_id":"refused","x":"`, 1))
	sendAs(t, endpoint, queue, bodies, func(i int) string { return fmt.Sprint(i) })
	code, out, errs := sqs2pg(t, "invoke", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL,
		"--function", bootstrap, "--idle-timeout", "500ms")
	if code != 1 || !strings.HasSuffix(errs, "sqs2pg: 3 messages failed; 3 are still on the queue\n") {
		t.Errorf("exits with %d and says %q", code, errs)
	}
	for _, want := range []string{"written 3", "failed, invalid: user_id required 1", "failed, malformed: json 1", "failed, rejected: 23514 no_refused 1", "billed seconds 0.", "max memory MB "} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("the closing table lacks %q:\n%s", want, out)
		}
	}
	if n := count(t, endpoint, queue); n != "3 in flight" {
		t.Errorf("the queue holds %s, want the 3 failed messages, until their visibility timeout", n)
	}
}

// reactions is a standard error. It calls each function once, when its text has been written after
// that of the one before.
type reactions struct {
	steps []reaction
	mu    sync.Mutex
	all   strings.Builder
	rest  string // what was written since the last step
}

type reaction struct {
	to string
	do func()
}

func (r *reactions) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all.Write(p)
	r.rest += string(p)
	for len(r.steps) > 0 && strings.Contains(r.rest, r.steps[0].to) {
		r.rest = ""
		r.steps[0].do()
		r.steps = r.steps[1:]
	}
	return len(p), nil
}

func TestStoppedInvokeSaysWhatIsWhere(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := postgrestest.New(t, load(t, "user_logins"))
	queue, _ := sqsAt(t, endpoint).CreateQueues(t, "logins", 100, map[string]string{"VisibilityTimeout": "600"})
	sendAs(t, endpoint, queue, append(sample.ValidLogins(3, 1), `{}`, `[`), func(i int) string { return fmt.Sprint(i) })
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	talk := &reactions{steps: []reaction{{"3 of 5 messages", stop}}}
	code := execute(ctx, []string{"invoke", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL, "--function", bootstrap, "--idle-timeout", "0s"},
		&streams{In: strings.NewReader(""), Out: io.Discard, Err: talk, Dir: folder(t)})
	want := regexp.MustCompile(`3 of 5 messages, .*, 0 in flight, 0 dead-lettered, 2 to be retried
stopped: 3 written, 0 duplicates, 0 dead-lettered; logins: 0 on the queue, 2 in flight, visible again within \d+ s
sqs2pg: 2 messages failed; 2 are still on the queue
$`)
	if said := talk.all.String(); code != 1 || !want.MatchString(said) {
		t.Errorf("exits with %d and says %q, want %s", code, said, want)
	}
}

// TestInvokeShowsAnOutageOfSQS takes SQS away from a drain, and gives it back.
func TestInvokeShowsAnOutageOfSQS(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, load(t, "user_logins"))
	server := sqsserver.New(sqsserver.Options{})
	defer server.Close()
	var away atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			panic(http.ErrAbortHandler)
		}
		server.ServeHTTP(w, r)
	}))
	defer web.Close()
	queue := createQueue(t, web.URL, "logins", map[string]string{"ReceiveMessageWaitTimeSeconds": "1"})
	send := func(n int) {
		sendAs(t, web.URL, queue, sample.ValidLogins(2, uint64(n)), func(i int) string { return fmt.Sprint(n, i) })
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	send(1)
	talk := &reactions{steps: []reaction{
		{"2 of 2 messages", func() { away.Store(true); go web.CloseClientConnections() }},
		{"; outage since ", func() { away.Store(false); go send(2) }},
		{"4 of 4 messages", stop},
	}}
	code := execute(ctx, []string{"invoke", "--endpoint-url", web.URL, "--queue", "logins", "--database-url", db.URL, "--function", bootstrap, "--idle-timeout", "0s"},
		&streams{In: strings.NewReader(""), Out: io.Discard, Err: talk, Dir: folder(t)})
	said := talk.all.String()
	outage, _, _ := strings.Cut(said[strings.Index(said, "; outage since ")+2:], "\n")
	if code != 0 || !regexp.MustCompile(`^outage since \d\d:\d\d:\d\d: SQS cannot be reached at http://127\.0\.0\.1:`).MatchString(outage) {
		t.Errorf("exits with %d and says %q", code, said)
	}
	if !strings.Contains(said, "stopped: 4 written") {
		t.Errorf("does not say what is written: %q", said)
	}
}

// TestInvokeStopsAtAFaultOfTheSetup takes the function's right away when its first batch is written.
// Without the stop all other messages would die.
func TestInvokeStopsAtAFaultOfTheSetup(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := postgrestest.New(t, load(t, "user_logins"))
	db.Exec(t, `create function revoke() returns trigger language plpgsql security definer as $$ begin
		revoke insert on public.user_logins from sqs2pg_writer; return null; end $$;
		create trigger revoke after insert on user_logins for each statement execute function revoke()`)
	queue, dead := withDead(t, endpoint, "logins", 3)
	sendAs(t, endpoint, queue, sample.ValidLogins(100, 1), func(i int) string { return fmt.Sprint(i) })
	code, _, errs := sqs2pg(t, "invoke", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL,
		"--function", bootstrap, "--idle-timeout", "500ms", "--retry-delay", "0s", "--batch-size", "5")
	const stopped, repair = "\nsqs2pg: stopped: table public.user_logins: ", ": run sqs2pg migrate, and make the role a member of sqs2pg_writer\n"
	if code != 1 || !strings.Contains(errs, stopped) || !strings.HasSuffix(errs, repair) {
		t.Errorf("exits with %d and says %q, want 1, %q and %q", code, errs, stopped, repair)
	}
	if rows := db.QueryStrings(t, "select count(*) from user_logins"); rows[0] != "5" {
		t.Errorf("%s rows, want those of the first batch", rows[0])
	}
	if n, dead := count(t, endpoint, queue), count(t, endpoint, dead); n != "95" || dead != "0" {
		t.Errorf("the queue holds %s and the dead-letter queue %s, want 95 and 0", n, dead)
	}
}

// TestInvokeSucceedsIfAFailedMessageSucceedsLater lets Postgres refuse the first rows, whatever they
// hold.
func TestInvokeSucceedsIfAFailedMessageSucceedsLater(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := postgrestest.New(t, load(t, "user_logins"))
	queue, _ := withDead(t, endpoint, "logins", 1000)
	sendAs(t, endpoint, queue, sample.ValidLogins(3, 1), func(i int) string { return fmt.Sprint(i) })
	db.Exec(t, `create sequence tried;
		create function refuse() returns trigger language plpgsql security definer as $$ begin
		if nextval('public.tried') <= 12 then raise exception 'not yet'; end if; return new; end $$;
		create trigger refuse before insert on user_logins for each row execute function refuse()`)
	var got invoker.Report
	if err := json.Unmarshal([]byte(succeed(t, "invoke", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL,
		"--function", bootstrap, "--retry-delay", "0s", "--idle-timeout", "500ms", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Failed == 0 || got.Succeeded != 3 || len(got.Failures) != 0 {
		t.Errorf("%+v, want failed receives and no failed message", got)
	}
}

func TestInvokeSaysOnceWhyTheFunctionRefusedToStart(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	createQueue(t, endpoint, "logins", nil)
	refusing := filepath.Join(t.TempDir(), "bootstrap")
	script := "#!/bin/sh\n" + `echo '{"level":"ERROR","message":"start refused","error":"PGSSLMODE: wrong"}'` + "\nexit 1\n"
	if err := os.WriteFile(refusing, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	code, out, errs := sqs2pg(t, "invoke", "--endpoint-url", endpoint, "--queue", "logins", "--keyring", keyring,
		"--database-url", postgrestest.New(t, load(t, "user_logins")).URL, "--function", refusing)
	if code != 1 || out != "" || !strings.HasSuffix(errs, "region us-east-1\nsqs2pg: the function refused to start: PGSSLMODE: wrong\n") || strings.Count(errs, "\n") != 2 {
		t.Errorf("exits with %d, prints %q and says %q", code, out, errs)
	}
}

// TestLoadsAnEventThatOnlyItsContractDescribes takes a contract with nested objects, every type and
// every mask from its file to its rows.
func TestLoadsAnEventThatOnlyItsContractDescribes(t *testing.T) {
	t.Parallel()
	file, err := filepath.Abs("../../pkg/contract/testdata/order_placed.json")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "order_placed.ddl.sql", succeed(t, "contract", "ddl", file))
	golden(t, "order_placed.columns.txt", succeed(t, "contract", "check", file))

	endpoint := startSQS(t)
	queue := createQueue(t, endpoint, "orders", nil)
	db := postgrestest.New(t)
	succeed(t, "migrate", "--database-url", db.OwnerURL, "--contract", file)
	code, _, errs := sqs2pgIn(t.Context(), t.TempDir(), orderPlaced+"\n", "send", "--endpoint-url", endpoint, "--queue", "orders", "-")
	if code != 0 {
		t.Fatalf("send exits with %d: %s", code, errs)
	}
	succeed(t, "invoke", "--endpoint-url", endpoint, "--queue", "orders", "--database-url", db.URL, "--contract", file,
		"--function", bootstrap, "--idle-timeout", "500ms", "--keyring", keyring)
	golden(t, "order_placed.row.json", db.QueryStrings(t, "select jsonb_pretty(to_jsonb(o) - 'sent_at' - 'event_id' - 'create_date') from order_placed o")[0]+"\n")
	if n := count(t, endpoint, queue); n != "0" {
		t.Errorf("the queue holds %s", n)
	}
}

func TestTryPrintsTheMaskedRowOrTheReason(t *testing.T) {
	t.Parallel()
	code, out, _ := sqs2pgIn(t.Context(), t.TempDir(), sample.Messages(1, 1)[0]+"\n\n"+`{"ip":"1.2.3.4"}`+"\n", "contract", "try", "--keyring", keyring)
	if code != 1 {
		t.Errorf("exits with %d, want 1 since a message is refused", code)
	}
	golden(t, "try.txt", out)
}

func TestSqsServesUntilStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if code, _, errs := sqs2pgIn(ctx, t.TempDir(), "", "sqs", "--listen", "127.0.0.1:0"); code != 0 || !strings.Contains(errs, "AWS_ENDPOINT_URL=http://127.0.0.1:") || strings.Contains(errs, "Warning") {
		t.Errorf("exits with %d and says %q", code, errs)
	}
	if code, _, errs := sqs2pgIn(ctx, t.TempDir(), "", "sqs", "--listen", "0.0.0.0:0"); code != 0 || strings.Contains(errs, "://0.0.0.0") || strings.Contains(errs, "://[::]") || !strings.Contains(errs, "Warning: anyone who can reach this address") {
		t.Errorf("on all addresses: exits with %d and says %q", code, errs)
	}
}

// orderPlaced is an event for the contract order_placed.
const orderPlaced = `{"order_id":"6f1d2c3b-4a59-4e68-8f70-1a2b3c4d5e6f","placed_at":"2026-03-01T12:00:00.5+01:00","deliver_on":"2026-03-04",` +
	`"customer":{"id":"c-77","email":"ada@example.com","phone":"+44 20 7946 0958","loyalty":{"tier":"gold","points":9007199254740993}},` +
	`"source_ip":"198.51.100.23","card":"4111111111111111","currency":"EUR","items":2,"total":19.9,"gift":true,"lines":[{"sku":"a","n":2}],"attributes":{"k":"v"},"undeclared":"not stored"}`

// TestSaysThatTheMessagesAreInFlight drains a queue whose messages somebody else has received.
func TestSaysThatTheMessagesAreInFlight(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := postgrestest.New(t, load(t, "user_logins"))
	queue := createQueue(t, endpoint, "logins", map[string]string{"VisibilityTimeout": "90"})
	sendAs(t, endpoint, queue, sample.ValidLogins(2, 1), func(i int) string { return fmt.Sprint(i) })
	if _, err := client(t, endpoint).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 2}); err != nil {
		t.Fatal(err)
	}
	code, _, errs := sqs2pg(t, "invoke", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL,
		"--function", bootstrap, "--idle-timeout", "500ms", "--keyring", keyring)
	if want := "no message came: 2 in flight, visible again within 90 s\n"; code != 0 || !strings.HasSuffix(errs, want) {
		t.Errorf("exits with %d and says %q, want 0 and %q", code, errs, want)
	}
}
