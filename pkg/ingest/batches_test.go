package ingest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sqs2pg/pkg/telemetry/leaktest"
)

// TestMakesEachMessageARowOrAFailure compares random batches with a model of a few lines: exactly
// the wrong messages fail, on a FIFO queue also those behind them in their group, and every other
// message is one row. Log, metrics and answers hold no personal value.
func TestMakesEachMessageARowOrAFailure(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	f.db.Exec(t, "alter table user_logins add constraint no_refused check (user_id <> 'refused')")
	said := leaktest.For(userID, deviceID, "198.51.100.231", "refused-by-the-contract@example.org")
	rows := map[string]bool{}
	rapid.Check(t, func(r *rapid.T) {
		f.log.Reset()
		f.metrics.Reset()
		e, wrong := someBatch(r)
		want, written := []string{}, 0
		failed := map[string]bool{}
		for i, m := range e.Records {
			group := m.Attributes["MessageGroupId"]
			if wrong[i] || failed[group] {
				want = append(want, m.MessageId)
				failed[group] = strings.HasSuffix(m.EventSourceARN, ".fifo")
				continue
			}
			if id := *m.MessageAttributes["event-id"].StringValue; !rows[id] {
				rows[id] = true
				written++
			}
		}
		answer, err := f.Invoke(t.Context(), payload(t, e))
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(want, failedIDs(t, answer)); diff != "" {
			r.Fatalf("failed ids (-want +got):\n%s", diff)
		}
		if w, d := int(f.metric(t, "Written")), int(f.metric(t, "Duplicates")); w != written || w+d+len(want) != len(e.Records) {
			r.Fatalf("%d written, %d duplicates and %d failures of %d messages; want %d written", w, d, len(want), len(e.Records), written)
		}
		if n := f.db.QueryStrings(t, "select count(*) from user_logins")[0]; n != strconv.Itoa(len(rows)) {
			r.Fatalf("%s rows, want %d", n, len(rows))
		}
		for name, text := range map[string]string{"log": f.log.String(), "metrics": f.metrics.String(), "answer": string(answer)} {
			said.Text(name, text)
		}
	})
	for _, found := range said.Found() {
		t.Error("leak: ", found)
	}
	t.Logf("%d rows; searched %d bytes", len(rows), said.Bytes())
}

// someBatch returns a batch, and which of its messages are wrong by themselves.
func someBatch(r *rapid.T) (e events.SQSEvent, wrong []bool) {
	arn := rapid.SampledFrom([]string{standard, fifo}).Draw(r, "queue")
	for range rapid.SampledFrom([]int{1, 10, 130}).Draw(r, "messages") {
		kind := rapid.IntRange(0, 9).Draw(r, "kind")
		body := login(func(m map[string]any) {
			switch kind {
			case 0:
				m["user_id"] = "refused" // Postgres refuses it
			case 1:
				m["ip"] = "198.51.100.231x"
			case 2:
				delete(m, "app_version")
			}
		})
		if kind == 3 {
			body = rapid.SampledFrom([]string{"", "[]", "refused-by-the-contract@example.org", body + body, body[1:], `{"user_id":"refused-by-the-contract@example.org"}`}).Draw(r, "body")
		}
		one := messages(arn, body).Records[0]
		one.MessageId = fmt.Sprint("m", len(e.Records))
		id := strconv.Itoa(rapid.IntRange(0, 2000).Draw(r, "id"))
		one.MessageAttributes = map[string]events.SQSMessageAttribute{"event-id": {StringValue: &id, DataType: "String"}}
		one.Attributes["MessageGroupId"] = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "group")
		e.Records, wrong = append(e.Records, one), append(wrong, kind <= 3)
	}
	return e, wrong
}
