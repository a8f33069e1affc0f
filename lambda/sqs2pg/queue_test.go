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

func TestRefusesFileThatIsNotOneMessageALine(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	queue := createQueue(t, endpoint, "logins", nil)
	const document = "the file is one JSON document: one message a line"
	for text, want := range map[string]string{
		"{\n  \"ip\": \"10.0.0.1\"\n}\n": document,
		"[{\"a\":1},{\"a\":2}]\n":        document,
		"\n[\n{}\n,{}]":                  document,
		"\ufeff{\"ip\":\"10.0.0.1\"}\n":  "the file begins with a byte order mark (BOM)",
	} {
		for _, args := range [][]string{{"send", "--endpoint-url", endpoint, "--queue", "logins", "-"}, {"contract", "try", "user_logins"}} {
			code, out, errs := sqs2pgIn(t.Context(), folder(t), text, args...)
			if code != 2 || out != "" || !strings.Contains(errs, want) {
				t.Errorf("%s %q: exits with %d, prints %q and says %q", args[0], text, code, out, errs)
			}
		}
	}
	if n := count(t, endpoint, queue); n != "0" {
		t.Errorf("%s messages are sent", n)
	}
	code, _, errs := sqs2pgIn(t.Context(), folder(t), "{\n{}\n\n{\"a\":1}\n[]\n", "send", "--endpoint-url", endpoint, "--queue", "logins", "-")
	if n := count(t, endpoint, queue); code != 0 || n != "4" {
		t.Errorf("bad lines among others: exits with %d, %s sent, want 0 and 4: %s", code, n, errs)
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

func TestRedriveSaysHowManyLettersAreInFlight(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	_, dead := withDead(t, endpoint, "logins", 3)
	sendAs(t, endpoint, dead, []string{"{}"}, func(int) string { return "1" })
	if _, err := client(t, endpoint).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &dead, VisibilityTimeout: 600}); err != nil {
		t.Fatal(err)
	}
	_, _, errs := sqs2pg(t, "dlq", "redrive", "--contract", "user_logins", "--endpoint-url", endpoint, "--queue", "logins")
	if !strings.Contains(errs, "0 of 0 messages redriven") || !strings.Contains(errs, "1 more in flight: another program") {
		t.Errorf("says %q", errs)
	}
}
