package main

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/local/sqsserver/sqstest"
	"sqs2pg/pkg/postgres/postgrestest"
)

// startSQS serves an SQS of the test's own.
func startSQS(t *testing.T) (endpoint string) {
	t.Helper()
	return sqstest.Start(t).URL
}

// client returns a client as the commands make it.
func client(t *testing.T, endpoint string) *sqs.Client {
	t.Helper()
	c, err := account.Place{URL: endpoint}.SQS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sqsAt(t *testing.T, endpoint string) *sqstest.Server {
	t.Helper()
	return &sqstest.Server{URL: endpoint, Client: client(t, endpoint)}
}

func createQueue(t *testing.T, endpoint, name string, attributes map[string]string) (queueURL string) {
	t.Helper()
	return sqsAt(t, endpoint).CreateQueue(t, name, attributes)
}

// withDead makes a queue and its dead-letter queue. After the number of receives a message is dead.
func withDead(t *testing.T, endpoint, name string, receives int) (queueURL, deadURL string) {
	t.Helper()
	return sqsAt(t, endpoint).CreateQueues(t, name, receives, nil)
}

// count is how many messages a queue holds, visible or not.
func count(t *testing.T, endpoint, queueURL string) string {
	t.Helper()
	return sqsAt(t, endpoint).Count(t, queueURL)
}

// sendAs sends bodies as events with identities of their own, so that the same events can be sent
// again.
func sendAs(t *testing.T, endpoint, queueURL string, bodies []string, id func(i int) string) {
	t.Helper()
	sqsAt(t, endpoint).SendAs(t, queueURL, bodies, id)
}

func TestSendsTheMessagesOfAFileInAnyForm(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	for name, tt := range map[string]struct{ text, said, count string }{
		"document": {"{\n  \"ip\": \"10.0.0.1\"\n}\n", "1 message from a JSON document\n", "1"},
		"array":    {"[{\"a\":1},\n{\"a\":2},3]\n", "3 messages from a JSON array\n", "3"},
		"mark":     {"\ufeff{\"ip\":\"10.0.0.1\"}\n{}\n", "2 messages, one a line; the byte order mark is left out\n", "2"},
		"lines":    {"{}\n\n{\"a\":1}\n[]\n", "3 messages, one a line\n", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queue := createQueue(t, endpoint, name, nil)
			code, out, errs := sqs2pgIn(t.Context(), folder(t), tt.text, "send", "--endpoint-url", endpoint, "--queue", name, "-")
			if code != 0 || out != "" || !strings.HasPrefix(errs, tt.said) || !strings.Contains(errs, "sent "+tt.count+" message") {
				t.Errorf("exits with %d, prints %q and says %q", code, out, errs)
			}
			if n := count(t, endpoint, queue); n != tt.count {
				t.Errorf("the queue holds %s", n)
			}
		})
	}
}

func TestSendsNothingOfAFileWithABadLine(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	queue := createQueue(t, endpoint, "logins", nil)
	good := strings.Repeat("{}\n", 30)
	for text, want := range map[string]string{
		good + "{\"a\":\"\xff\"}\n": "sqs2pg: line 31 is not valid UTF-8: ",
		good + "hello\n":            "sqs2pg: line 31 is not JSON: ",
	} {
		code, _, errs := sqs2pgIn(t.Context(), folder(t), text, "send", "--endpoint-url", endpoint, "--queue", "logins", "-")
		if n := count(t, endpoint, queue); code != 2 || !strings.HasPrefix(errs, want) || n != "0" {
			t.Errorf("exits with %d and says %q; %s sent", code, errs, n)
		}
	}
	code, _, errs := sqs2pgIn(t.Context(), folder(t), "hello\n[\n", "send", "--raw", "--endpoint-url", endpoint, "--queue", "logins", "-")
	if n := count(t, endpoint, queue); code != 0 || n != "2" {
		t.Errorf("with --raw: exits with %d, %s sent, want 0 and 2: %s", code, n, errs)
	}
}

func TestStoppedCommandDoesNotBlameTheDatabase(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	code, _, errs := sqs2pgIn(ctx, folder(t), "", "run", "--function", bootstrap, "--database-url", postgrestest.New(t).OwnerURL)
	if code != 1 || errs != "sqs2pg: stopped\n" {
		t.Errorf("exits with %d and says %q", code, errs)
	}
}

func TestQueueCreateMakesWhatDoctorWantsAndMayRunAgain(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := postgrestest.New(t, load(t, "user_logins"))
	for _, name := range []string{"logins", "logins.fifo"} {
		create := []string{"queue", "create", "--endpoint-url", endpoint, "logins"}
		if name != "logins" {
			create = append(create, "--fifo")
		}
		if out := succeed(t, create...); strings.Count(out, "made    http") != 2 {
			t.Errorf("prints %q, want two queues made", out)
		}
		doctor := succeed(t, "doctor", "--endpoint-url", endpoint, "--queue", name, "--database-url", db.URL)
		if strings.Contains(doctor, "\nnote") || strings.Contains(doctor, "\nfix") {
			t.Errorf("doctor is not content:\n%s", doctor)
		}
		code, out, errs := sqs2pg(t, create...)
		if code != 0 || strings.Count(out, "exists  http") != 2 || !strings.HasPrefix(errs, "queue "+name+" at "+endpoint+", region ") {
			t.Errorf("again: exits with %d, prints %q and says %q", code, out, errs)
		}
		code, out, errs = sqs2pg(t, append(create, "--max-receive-count", "3", "--json")...)
		if code != 1 || !strings.Contains(out, `"differences":["`+name+`: RedrivePolicy: maxReceiveCount is 10, not 3"]`) || !strings.Contains(errs, "1 setting is not as wanted") {
			t.Errorf("with another setting: exits with %d, prints %q and says %q", code, out, errs)
		}
	}
}
