package deadletter_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/deadletter"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/local/sqsserver"
	"sqs2pg/pkg/local/sqsserver/sqstest"
	"sqs2pg/pkg/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// withLetters makes a queue whose dead-letter queue holds the bodies, and opens it.
func withLetters(t *testing.T, name string, bodies ...string) (*sqstest.Server, *deadletter.Letters) {
	t.Helper()
	server := sqstest.Start(t)
	url, dead := server.CreateQueues(t, name, 4, nil)
	server.Send(t, dead, bodies)
	letters, err := deadletter.Open(t.Context(), queue.New(server.Client, url))
	if err != nil {
		t.Fatal(err)
	}
	return server, letters
}

func numbered(n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprint(i)
	}
	return bodies
}

func bodiesSeen(t *testing.T, letters *deadletter.Letters, most int) (bodies []string) {
	t.Helper()
	if err := letters.Look(t.Context(), func(l *deadletter.Letter) bool {
		bodies = append(bodies, l.Body())
		return len(bodies) < most
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(bodies)
	return bodies
}

func TestOpenFindsTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	server, letters := withLetters(t, "logins", numbered(3)...)
	if letters.Source.Name() != "logins" || letters.Queue.Name() != "dead-logins" || letters.Visible != 3 || letters.Hidden != 0 || letters.MaxReceiveCount != 4 {
		t.Errorf("%+v", letters)
	}
	if _, err := server.Client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &letters.Queue.URL, MaxNumberOfMessages: 2}); err != nil {
		t.Fatal(err)
	}
	if again, err := deadletter.Open(t.Context(), letters.Source); err != nil || again.Visible != 1 || again.Hidden != 2 {
		t.Errorf("after a receive: %+v, %v", again, err)
	}
	_, err := deadletter.Open(t.Context(), letters.Queue)
	if !errors.Is(err, deadletter.ErrNoRedrivePolicy) || !strings.Contains(err.Error(), "dead-logins; if it is a dead-letter queue itself, name the queue that it serves") {
		t.Errorf("of a dead-letter queue: %v", err)
	}
	_, err = deadletter.Open(t.Context(), queue.New(server.Client, strings.Replace(letters.Source.URL, "logins", "gone", 1)))
	if !errors.Is(err, queue.ErrMissing) {
		t.Errorf("of a missing queue: %v", err)
	}
}

func TestLookShowsEachLetterOnceAndLeavesAll(t *testing.T) {
	t.Parallel()
	server, letters := withLetters(t, "logins", numbered(25)...)
	want := numbered(25)
	slices.Sort(want)
	for range 2 {
		if diff := cmp.Diff(want, bodiesSeen(t, letters, 100)); diff != "" {
			t.Errorf("letters (-want +got):\n%s", diff)
		}
	}
	if seen := bodiesSeen(t, letters, 3); len(seen) != 3 {
		t.Errorf("%d letters after the third", len(seen))
	}
	if n := server.Count(t, letters.Queue.URL); n != "25" {
		t.Errorf("the dead-letter queue holds %s, want 25 visible letters", n)
	}
}

func TestLookShowsTenLettersOfAFIFOGroup(t *testing.T) {
	t.Parallel()
	_, letters := withLetters(t, "logins.fifo", numbered(25)...)
	if seen := bodiesSeen(t, letters, 100); len(seen) != 10 {
		t.Errorf("%d letters, want 10", len(seen))
	}
}

func TestReasonSaysWhatTheContractHasAgainstALetter(t *testing.T) {
	t.Parallel()
	set, err := routes.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		sample.ValidLogins(1, 1)[0]:             deadletter.Accepted,
		`not json`:                              "malformed: json",
		`[]`:                                    "malformed: type",
		`{"user_id":"ursula"}`:                  "invalid: device_type required",
		`{"user_id":"ursula","user_id":"anna"}`: "invalid: user_id duplicate member",
	}
	var bodies []string
	for body := range want {
		bodies = append(bodies, body)
	}
	_, letters := withLetters(t, "logins", bodies...)
	got := map[string]string{}
	if err := letters.Look(t.Context(), func(l *deadletter.Letter) bool {
		got[l.Body()] = l.Reason(set)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

// text is a message attribute.
func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

func TestFieldsHideWhatTheProducerMadeUp(t *testing.T) {
	t.Parallel()
	const id = "0c9bb8b4-3c1d-4b9a-9d5c-1a2b3c4d5e6f"
	server, letters := withLetters(t, "logins.fifo")
	if _, err := server.Client.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &letters.Queue.URL, MessageBody: aws.String("{}"), MessageGroupId: aws.String("group-ursula"), MessageDeduplicationId: aws.String(id),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"event-id": text("login-ursula"), "event-sent-at": text("2026-03-01T12:00:00Z"), "name": text("ursula"),
		},
	}); err != nil {
		t.Fatal(err)
	}
	fields := map[bool]map[string]string{true: {}, false: {}}
	if err := letters.Look(t.Context(), func(l *deadletter.Letter) bool {
		for all := range fields {
			for _, f := range l.Fields(all) {
				fields[all][f.Name] = f.Value
			}
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]string{ // hidden, and with all
		"bytes":                   {"2", "2"},
		"MessageGroupId":          {"12 bytes, see --body", "group-ursula"},
		"MessageDeduplicationId":  {id, id}, // a UUID
		"attribute event-id":      {"12 bytes, see --body", "login-ursula"},
		"attribute event-sent-at": {"2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"},
		"attribute name":          {"String", "String"},
	} {
		if got := [2]string{fields[false][name], fields[true][name]}; got != want {
			t.Errorf("%s is shown as %q, want %q", name, got, want)
		}
	}
	if at := fields[false]["SentTimestamp"]; !strings.HasPrefix(at, "20") || !strings.HasSuffix(at, "Z") {
		t.Errorf("SentTimestamp is shown as %q, want a date", at)
	}
}

func TestFieldsShowOnlyATimeAsEventSentAt(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"2026-03-01T12:00:00Z":      "2026-03-01T12:00:00Z",
		"1772366400000":             "1772366400000",
		"ursula@example.com":        "18 bytes, see --body",
		"491701234567":              "12 bytes, see --body", // milliseconds before SQS began
		"2026-03-01T12:00:00Z Anna": "25 bytes, see --body",
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			server, letters := withLetters(t, "logins")
			if _, err := server.Client.SendMessage(t.Context(), &sqs.SendMessageInput{
				QueueUrl: &letters.Queue.URL, MessageBody: aws.String("{}"),
				MessageAttributes: map[string]types.MessageAttributeValue{"event-sent-at": text(value)},
			}); err != nil {
				t.Fatal(err)
			}
			got := map[bool]string{}
			if err := letters.Look(t.Context(), func(l *deadletter.Letter) bool {
				for _, all := range []bool{true, false} {
					for _, f := range l.Fields(all) {
						if f.Name == "attribute event-sent-at" {
							got[all] = f.Value
						}
					}
				}
				return true
			}); err != nil {
				t.Fatal(err)
			}
			if got[false] != want || got[true] != value {
				t.Errorf("event-sent-at is shown as %q, want %q; with --body as %q", got[false], want, got[true])
			}
		})
	}
}

func TestRedriveKeepsTheIdentityOfALetter(t *testing.T) {
	t.Parallel()
	server, letters := withLetters(t, "logins", "own identity")
	server.SendAs(t, letters.Queue.URL, []string{"identity of the producer"}, func(int) string { return "login-1" })
	letters, err := deadletter.Open(t.Context(), letters.Source)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]string{"identity of the producer": {"login-1", "2026-03-01T12:00:00Z"}}
	if err := letters.Look(t.Context(), func(l *deadletter.Letter) bool {
		if l.Body() == "own identity" {
			want[l.Body()] = [2]string{l.ID(), fmt.Sprint(l.SentAt().UnixMilli())}
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if moved, err := letters.Redrive(t.Context(), nil); moved != 2 || err != nil {
		t.Fatalf("%d moved, %v", moved, err)
	}
	out, err := server.Client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &letters.Source.URL, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][2]string{}
	for _, m := range out.Messages {
		got[*m.Body] = [2]string{*m.MessageAttributes["event-id"].StringValue, *m.MessageAttributes["event-sent-at"].StringValue}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("identities (-want +got):\n%s", diff)
	}
}

// SQS takes ten message attributes, and a redrive adds two.
func TestRedriveSaysWhichLetterHasNoRoomForItsIdentity(t *testing.T) {
	t.Parallel()
	server, letters := withLetters(t, "logins")
	for _, n := range []int{8, 9, 10} {
		attributes := map[string]types.MessageAttributeValue{}
		for i := range n {
			attributes[fmt.Sprint("attribute-", i)] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("v")}
		}
		if n == 10 { // it has an identity of its own
			attributes["event-id"], attributes["event-sent-at"] = attributes["attribute-0"], attributes["attribute-0"]
			delete(attributes, "attribute-0")
			delete(attributes, "attribute-1")
		}
		if _, err := server.Client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &letters.Queue.URL, MessageBody: aws.String(fmt.Sprint(n)), MessageAttributes: attributes}); err != nil {
			t.Fatal(err)
		}
	}
	letters, err := deadletter.Open(t.Context(), letters.Source)
	if err != nil {
		t.Fatal(err)
	}
	moved, err := letters.Redrive(t.Context(), nil)
	if moved != 2 || err == nil || !strings.Contains(err.Error(), "refused 1 messages") || !strings.Contains(err.Error(), "with more than 10 message attributes (a redrive adds event-id and event-sent-at)") {
		t.Errorf("%d moved, %v", moved, err)
	}
	if q, d := server.Count(t, letters.Source.URL), server.Count(t, letters.Queue.URL); q != "2" || d != "1" {
		t.Errorf("the queue holds %s, the dead-letter queue %s, want 2 and 1", q, d)
	}
}

func TestRedriveMovesTheChosenLetters(t *testing.T) {
	t.Parallel()
	server, letters := withLetters(t, "logins", numbered(47)...)
	asked := map[string]int{}
	moved, err := letters.Redrive(t.Context(), func(l *deadletter.Letter) bool {
		asked[l.ID()]++
		return strings.HasSuffix(l.Body(), "3")
	})
	if moved != 5 || err != nil {
		t.Errorf("%d moved, %v, want 5", moved, err)
	}
	for id, n := range asked {
		if n != 1 {
			t.Errorf("asked %d times for %s", n, id)
		}
	}
	if q, d := server.Count(t, letters.Source.URL), server.Count(t, letters.Queue.URL); q != "5" || d != "42" || len(asked) != 47 {
		t.Errorf("the queue holds %s, the dead-letter queue %s, asked for %d; want 5, 42 and 47", q, d, len(asked))
	}
}

// direct hands requests to a server without a network, which has no place in simulated time.
type direct struct{ server *sqsserver.Server }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	d.server.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

// A look or a redrive that takes longer than LookTime still meets each letter once, and all of
// them.
func TestKeepsLettersInvisibleWhileItGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sqsServer := sqsserver.New(sqsserver.Options{})
		defer sqsServer.Close()
		cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: direct{sqsServer}}
		created, err := queue.Create(t.Context(), queue.NewClient(cfg, "http://sqs.test"), "logins", queue.Settings{VisibilityTimeout: time.Minute, MaxReceiveCount: 4})
		if err != nil {
			t.Fatal(err)
		}
		source, dead := created.Queue, created.Dead
		for i := range 57 {
			if _, _, err := dead.Send(t.Context(), []queue.Message{{MessageBody: aws.String(fmt.Sprint(i))}}); err != nil {
				t.Fatal(err)
			}
		}
		letters, err := deadletter.Open(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		met := map[string]int{}
		n := 0 // letters in this pass
		meet := func(l *deadletter.Letter) bool {
			met[l.Body()]++
			if n++; n%10 > 0 || n > 50 {
				return true
			}
			if a, err := dead.Attributes(t.Context()); err != nil || a.Visible != 57-n {
				t.Errorf("after %d letters %d are visible, %v, want %d", n, a.Visible, err, 57-n)
			}
			time.Sleep(deadletter.LookTime * 3 / 4) // simulated
			return true
		}
		if err := letters.Look(t.Context(), meet); err != nil || len(met) != 57 {
			t.Errorf("a look meets %d letters, %v, want 57", len(met), err)
		}
		n = 0
		moved, err := letters.Redrive(t.Context(), func(l *deadletter.Letter) bool {
			meet(l)
			return l.Body() == "56"
		})
		if moved != 1 || err != nil {
			t.Errorf("%d moved, %v, want the last", moved, err)
		}
		for body, n := range met {
			if n != 2 { // by the look and by the redrive
				t.Errorf("letter %s was met %d times", body, n)
			}
		}
		if a, err := dead.Attributes(t.Context()); err != nil || a.Visible != 56 {
			t.Errorf("%d letters are visible at the end, %v, want 56", a.Visible, err)
		}
	})
}
