package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/local/sqsserver/sqstest"
)

// startSQS serves an SQS of the test's own.
func startSQS(t *testing.T) (endpoint string) {
	t.Helper()
	return sqstest.Start(t).URL
}

// client returns a client as the commands make it.
func client(t *testing.T, endpoint string) *sqs.Client {
	t.Helper()
	c, err := newSQS(t.Context(), endpoint)
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
