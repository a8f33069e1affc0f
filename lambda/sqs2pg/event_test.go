package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"sqs2pg/pkg/postgres/postgrestest"
)

func TestEventCapturesABatchAndLeavesItOnTheQueue(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	for _, test := range []struct {
		name string
		args []string
		want int
	}{
		{"without a redrive policy", nil, 10},
		{"all-at-once", []string{"--batch-size", "100"}, 25},
	} {
		queue := strings.ReplaceAll(test.name, " ", "-")
		queueURL := createQueue(t, endpoint, queue, nil)
		at := []string{"--endpoint-url", endpoint, "--queue", queue}
		succeed(t, append([]string{"send", "--count", "25"}, at...)...)

		var event events.SQSEvent
		out := succeed(t, append(append([]string{"event"}, at...), test.args...)...)
		if err := json.Unmarshal([]byte(out), &event); err != nil {
			t.Fatal(err)
		}
		if len(event.Records) != test.want || event.Records[0].EventSourceARN != "arn:aws:sqs:us-east-1:000000000000:"+queue {
			t.Errorf("%s: %d records of %s, want %d", test.name, len(event.Records), event.Records[0].EventSourceARN, test.want)
		}
		if got := count(t, endpoint, queueURL); got != "25" {
			t.Errorf("%s: the queue holds %s messages afterwards, want 25", test.name, got)
		}
	}
	createQueue(t, endpoint, "empty", nil)
	code, out, err := sqs2pg(t, "event", "--endpoint-url", endpoint, "--queue", "empty", "--wait", "1s")
	if code != 1 || out != "" || !strings.Contains(err, "sqs2pg send --queue empty") {
		t.Errorf("an empty queue: exit %d, %q, %q", code, out, err)
	}
}

func TestMaintainSaysWhatItChanged(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, load(t, "user_logins"))
	db.Exec(t, "select sqs2pg.make_partition('user_logins', '2026-01-01Z')")
	at := []string{"maintain", "--database-url", db.OwnerURL}
	code, _, err := sqs2pg(t, append(at, "--retention-days", "30")...)
	if code != 0 || !strings.Contains(err, "dropped partition public.user_logins_p20260101\n") || !strings.Contains(err, "partitions for 7 days ahead, 0 rows outside") {
		t.Errorf("exit %d: %s", code, err)
	}
	for _, wrong := range [][]string{{"--retention-days", "-1"}, {"--partition-width", "week"}} {
		if code, _, err := sqs2pg(t, append(at, wrong...)...); code != 2 || strings.Count(err, "\n") != 1 {
			t.Errorf("%v: exit %d: %s", wrong, code, err)
		}
	}
}
