package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sys/unix"

	"sqs2pg/pkg/deadletter"
	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/runtimeapi"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/local/sqsserver"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/queue"
)

func TestListsDeadLettersWithReasonsAndWithoutBodies(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	_, dead := withDead(t, endpoint, "logins", 3)
	bodies := append(sample.Messages(1, 1), `{"user_id":"ursula"}`, `not json`, `{"user_id":"ursula","user_id":"ursula"}`) // a name that no random id can hold
	sendAs(t, endpoint, dead, bodies, func(i int) string { return fmt.Sprint(i) })

	var list struct {
		Depth    int
		Messages []deadletter.Line
	}
	text := succeed(t, "dlq", "list", "--endpoint-url", endpoint, "--queue", "logins", "--json")
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, l := range list.Messages {
		reasons = append(reasons, l.Reason)
	}
	slices.Sort(reasons)
	want := []string{"invalid: device_type required", "invalid: user_id duplicate member", "malformed: json", deadletter.Accepted}
	slices.Sort(want)
	if list.Depth != 4 || !slices.Equal(reasons, want) {
		t.Errorf("depth %d, reasons %q, want 4 and %q", list.Depth, reasons, want)
	}
	out := succeed(t, "dlq", "list", "--endpoint-url", endpoint, "--queue", "logins")
	id := list.Messages[0].ID
	shown := succeed(t, "dlq", "show", "--endpoint-url", endpoint, "--queue", "logins", id)
	for _, text := range []string{out, shown} {
		if strings.Contains(text, "ursula") || strings.Contains(text, "not json") {
			t.Errorf("a body is shown:\n%s", text)
		}
	}
	if !strings.Contains(out, "dead-logins: 4\na message of logins is dead after 3 receives\n") || !strings.Contains(out, "malformed: json") || !strings.Contains(strings.Join(strings.Fields(shown), " "), "event-sent-at 2026-03-01T12:00:00Z") {
		t.Errorf("list:\n%s\nshow:\n%s", out, shown)
	}
	if body := succeed(t, "dlq", "show", "--endpoint-url", endpoint, "--queue", "logins", "--body", id); !slices.ContainsFunc(bodies, func(b string) bool { return strings.HasSuffix(body, "\n\n"+b+"\n") }) {
		t.Errorf("show --body:\n%s", body)
	}
	if out := succeed(t, "dlq", "redrive", "--dry-run", "--endpoint-url", endpoint, "--queue", "logins"); !strings.Contains(out, "would redrive 1 messages from dead-logins to logins, and leave 3\n") {
		t.Errorf("dry run:\n%s", out)
	}
	if n := count(t, endpoint, dead); n != "4" {
		t.Errorf("the dead-letter queue holds %s, want 4 that can be received", n)
	}
}

// lostAnswer is a function that does its work and whose answer never arrives: what a timeout after
// the commit looks like.
type lostAnswer struct{ *runtimeapi.Function }

func (f lostAnswer) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if _, err := f.Function.Invoke(ctx, payload); err != nil {
		return nil, err
	}
	return nil, errors.New("the answer was lost")
}

// killWithRows writes messages to Postgres and lets them die nevertheless.
func killWithRows(t *testing.T, endpoint, queueURL string, db *postgrestest.Database, keyring string) {
	t.Helper()
	f, err := runtimeapi.Start(t.Context(), runtimeapi.Config{
		Bootstrap: bootstrap, Timeout: time.Minute, Env: []string{"CONTRACT=user_logins", "DATABASE_URL=" + db.URL, "MASK_KEYRING=" + keyring, "VAULT_PUBLIC_KEY=" + postgrestest.VaultKey().String()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close(context.Background())
	m := eventsource.Mapping{Queue: queue.New(client(t, endpoint), queueURL), Function: lostAnswer{f}, IdleTimeout: 100 * time.Millisecond}
	if summary, err := m.Run(t.Context()); err != nil || summary.Succeeded != 0 {
		t.Fatalf("%+v, %v", summary, err)
	}
}

func TestRedriveOfWrittenMessagesAddsNoRow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"logins", "logins.fifo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endpoint := startSQS(t)
			db := postgrestest.New(t, load(t, "user_logins"))
			source, dead := withDead(t, endpoint, name, 1)
			keyring := string(mask.GenerateKeyring())
			sqsAt(t, endpoint).Send(t, source, sample.Messages(30, 1))
			killWithRows(t, endpoint, source, db, keyring)
			before := db.QueryStrings(t, "select event_id::text || sent_at from user_logins order by 1")
			if n := count(t, endpoint, dead); n != "30" || len(before) != 30 {
				t.Fatalf("%s dead letters and %d rows, want 30 of each", n, len(before))
			}
			for range 2 { // the second finds nothing
				succeed(t, "dlq", "redrive", "--all", "--yes", "--endpoint-url", endpoint, "--queue", name)
			}
			if n := count(t, endpoint, dead); n != "0" {
				t.Errorf("the dead-letter queue holds %s", n)
			}
			out := succeed(t, "invoke", "--endpoint-url", endpoint, "--queue", name, "--database-url", db.URL, "--function", bootstrap,
				"--keyring", keyring, "--idle-timeout", "300ms")
			if !strings.Contains(strings.Join(strings.Fields(out), " "), "written 0 duplicates 30") {
				t.Errorf("closing table:\n%s", out)
			}
			if after := db.QueryStrings(t, "select event_id::text || sent_at from user_logins order by 1"); !slices.Equal(before, after) {
				t.Errorf("%d rows after, %d before", len(after), len(before))
			}
		})
	}
}

// TestRedriveMayBeInterruptedAnywhere ends a redrive in each of its calls, after SQS has done the
// work and before it has answered, and runs the redrive again.
func TestRedriveMayBeInterruptedAnywhere(t *testing.T) {
	t.Parallel()
	for call := 1; call <= 12; call++ {
		t.Run(fmt.Sprint("call ", call), func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			var later atomic.Int64
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			queues := sqsserver.New(sqsserver.Options{Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) == int32(call) {
					queues.ServeHTTP(httptest.NewRecorder(), r)
					interrupt()
					panic(http.ErrAbortHandler)
				}
				queues.ServeHTTP(w, r)
			}))
			t.Cleanup(func() { server.CloseClientConnections(); server.Close(); queues.Close() })
			calls.Store(-1 << 20) // for the preparations
			source, dead := withDead(t, server.URL, "logins", 3)
			bodies := sample.Messages(25, uint64(call))
			sendAs(t, server.URL, dead, bodies, func(i int) string { return fmt.Sprint(i) })
			calls.Store(0)
			sqs2pgIn(ctx, t.TempDir(), "", "dlq", "redrive", "--all", "--yes", "--endpoint-url", server.URL, "--queue", "logins")
			calls.Store(-1 << 20)
			later.Add(int64(2 * deadletter.LookTime)) // until what it had in hand is visible again
			for range 2 {
				succeed(t, "dlq", "redrive", "--all", "--yes", "--endpoint-url", server.URL, "--queue", "logins")
			}
			if n := count(t, server.URL, dead); n != "0" {
				t.Errorf("the dead-letter queue holds %s", n)
			}
			identities := identitiesOf(t, server.URL, source)
			if len(identities) != 25 {
				t.Errorf("%d different events on the queue, want 25", len(identities))
			}
		})
	}
}

// identitiesOf are the different identities of the messages on a queue.
func identitiesOf(t *testing.T, endpoint, queueURL string) map[string]bool {
	t.Helper()
	identities := map[string]bool{}
	for {
		out, err := client(t, endpoint).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &queueURL, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return identities
		}
		for _, m := range out.Messages {
			identities[*m.MessageAttributes["event-id"].StringValue+*m.MessageAttributes["event-sent-at"].StringValue] = true
		}
	}
}

func TestRefusesQueueWithoutDeadLetterQueue(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	createQueue(t, endpoint, "alone", nil)
	code, _, errs := sqs2pg(t, "dlq", "list", "--endpoint-url", endpoint, "--queue", "alone")
	if code != 1 || !strings.Contains(errs, "no redrive policy") {
		t.Errorf("exits with %d and says %q", code, errs)
	}
}

// Producers make the ids that they choose from what they have: the user's name.
func TestShowHidesValuesChosenByProducer(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	_, dead := withDead(t, endpoint, "logins.fifo", 3)
	sent, err := client(t, endpoint).SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &dead, MessageBody: aws.String("{}"), MessageGroupId: aws.String("group-ursula"), MessageDeduplicationId: aws.String("once-ursula"),
		MessageAttributes: map[string]types.MessageAttributeValue{"event-id": {DataType: aws.String("String"), StringValue: aws.String("login-ursula")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	show := []string{"dlq", "show", "--endpoint-url", endpoint, "--queue", "logins.fifo", *sent.MessageId}
	if out := succeed(t, show...); strings.Contains(out, "ursula") || !strings.Contains(out, "12 bytes, see --body") {
		t.Errorf("show:\n%s", out)
	}
	if out := succeed(t, append(show, "--body")...); strings.Count(out, "ursula") != 3 {
		t.Errorf("show --body:\n%s", out)
	}
}

// threeBad puts two logins and three messages that the contract refuses on a dead-letter queue.
func threeBad(t *testing.T, endpoint, dead string) {
	t.Helper()
	bodies := append(sample.ValidLogins(2, 1), `not json`, `{"user_id":"a"}`, `{"user_id":"b"}`)
	sendAs(t, endpoint, dead, bodies, func(i int) string { return fmt.Sprint(i) })
}

func TestRedriveLeavesWhatTheContractRefuses(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	source, dead := withDead(t, endpoint, "logins", 3)
	threeBad(t, endpoint, dead)
	redrive := []string{"dlq", "redrive", "--endpoint-url", endpoint, "--queue", "logins"}
	for want, moved := range []string{"2 of 5 messages redriven", "0 of 3 messages redriven"} { // the second time it fails: it moves nothing
		code, out, errs := sqs2pg(t, redrive...)
		words := strings.Join(strings.Fields(out), " ")
		if code != want || strings.HasSuffix(errs, "sqs2pg: no message was moved\n") != (want == 1) || !strings.Contains(errs, moved) || !strings.Contains(errs, "3 left, which the contract refuses") ||
			!strings.Contains(words, "1 malformed: json") || !strings.Contains(words, "2 invalid: device_type required") {
			t.Errorf("exits with %d and says %q, prints:\n%s", code, errs, out)
		}
		if q, d := count(t, endpoint, source), count(t, endpoint, dead); q != "2" || d != "3" {
			t.Errorf("the queue holds %s, the dead-letter queue %s, want 2 and 3", q, d)
		}
	}
	if code, _, errs := sqs2pg(t, append(redrive, "--all")...); code != 2 || !strings.Contains(errs, "add --yes") {
		t.Errorf("--all in a pipe: exits with %d and says %q", code, errs)
	}
	if n := count(t, endpoint, dead); n != "3" {
		t.Errorf("without --yes the dead-letter queue holds %s, want 3", n)
	}
	if code, _, errs := sqs2pg(t, append(redrive, "--all", "--yes")...); code != 0 || !strings.Contains(errs, "3 of 3 messages redriven") {
		t.Errorf("--all --yes: exits with %d and says %q", code, errs)
	}
	if q, d := count(t, endpoint, source), count(t, endpoint, dead); q != "5" || d != "0" {
		t.Errorf("the queue holds %s, the dead-letter queue %s, want 5 and 0", q, d)
	}
}

func TestRedriveAsksOnATerminal(t *testing.T) {
	t.Parallel()
	for answer, left := range map[string]string{"y": "0", "n": "5", "": "5"} {
		t.Run("answer "+answer, func(t *testing.T) {
			t.Parallel()
			endpoint := startSQS(t)
			_, dead := withDead(t, endpoint, "logins", 3)
			threeBad(t, endpoint, dead)
			keyboard, terminal := openTerminal(t)
			if _, err := keyboard.WriteString(answer + "\n"); err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			args := []string{"dlq", "redrive", "--all", "--endpoint-url", endpoint, "--queue", "logins"}
			if code := execute(t.Context(), args, &streams{In: terminal, Out: &out, Err: &errs, Dir: t.TempDir()}); code != 0 {
				t.Errorf("exits with %d", code)
			}
			if !strings.Contains(errs.String(), "Move all 5 messages to logins") {
				t.Errorf("says %q", errs.String())
			}
			if n := count(t, endpoint, dead); n != left {
				t.Errorf("the dead-letter queue holds %s, want %s", n, left)
			}
		})
	}
}

// openTerminal opens a pseudo-terminal: what is typed on the keyboard, a program reads from the
// terminal.
func openTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return keyboard, terminal
}

// Messages whose time the table does not take would come back at once.
func TestRedriveLeavesWhatIsTooOldForTheTable(t *testing.T) {
	t.Parallel()
	endpoint, db := startSQS(t), postgrestest.New(t, load(t, "user_logins"))
	db.Exec(t, "update sqs2pg.tables set retention_days = 17, epoch = epoch + 1")
	source, dead := withDead(t, endpoint, "logins", 3)
	bodies := sample.ValidLogins(3, 1)
	sendAs(t, endpoint, dead, bodies[:2], func(i int) string { return fmt.Sprint(i) }) // sent in March
	sqsAt(t, endpoint).Send(t, dead, bodies[2:])
	redrive := []string{"dlq", "redrive", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL}
	if out := succeed(t, append(redrive, "--dry-run")...); !strings.Contains(out, "would redrive 1 messages from dead-logins to logins, and leave 2\n") {
		t.Errorf("dry run:\n%s", out)
	}
	code, out, errs := sqs2pg(t, redrive...)
	if code != 0 || !strings.Contains(errs, "1 of 3 messages redriven") || strings.Contains(errs, "which the contract refuses") ||
		!strings.Contains(errs, "2 left, whose time the table does not take: for old events raise its retention, with sqs2pg maintain --retention-days") ||
		!strings.Contains(strings.Join(strings.Fields(out), " "), "2 invalid: event-sent-at expired") {
		t.Errorf("exits with %d and says %q, prints:\n%s", code, errs, out)
	}
	nowhere := append(redrive[:len(redrive)-1:len(redrive)-1], "postgres://u:secret-pw@127.0.0.1:1/d")
	if code, _, errs := sqs2pg(t, nowhere...); code != 0 || !strings.Contains(errs, "note: --database-url: database unavailable: connection refused") || !strings.Contains(errs, "2 of 2 messages redriven") {
		t.Errorf("without the database: exits with %d and says %q", code, errs)
	}
	if q, d := count(t, endpoint, source), count(t, endpoint, dead); q != "3" || d != "0" {
		t.Errorf("the queue holds %s, the dead-letter queue %s, want 3 and 0", q, d)
	}
}
