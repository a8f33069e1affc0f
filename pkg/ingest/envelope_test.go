package ingest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// loginIn is the login's contract with more keywords at its root, in a file.
func loginIn(t *testing.T, root string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "user_logins.json")
	document := strings.Replace(loginDocument(t), `"x-table"`, root+`"x-table"`, 1)
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func inSNS(id, message string) string {
	text, _ := json.Marshal(map[string]string{
		"Type": "Notification", "MessageId": id, "TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": message, "Timestamp": sent.Format(time.RFC3339),
	})
	return string(text)
}

func inEventBridge(id, detail string) string {
	return `{"version":"0","id":"` + id + `","detail-type":"login","source":"app","time":"` + sent.Format(time.RFC3339) + `","resources":[],"detail":` + detail + `}`
}

// AWS's own redrive makes a new message of a dead one: another message id, another SentTimestamp,
// the same body.
func TestMessageThatAWSRedrivesAddsNoRow(t *testing.T) {
	t.Parallel()
	id := "6a7e8feb-b491-4cf7-a9f1-bf3703467718"
	for name, test := range map[string]struct{ root, body string }{
		"SNS":                 {`"x-envelope": "sns",`, inSNS(id, login(nil))},
		"EventBridge":         {`"x-envelope": "eventbridge",`, inEventBridge(id, login(nil))},
		"EventBridge and SNS": {`"x-envelope": ["sns", "eventbridge"],`, inSNS(uuid.NewString(), inEventBridge(id, login(nil)))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := functionOf(t, loginIn(t, test.root))
			e := messages(standard, test.body)
			again := messages(standard, test.body)
			again.Records[0].MessageId = "another"
			again.Records[0].Attributes["SentTimestamp"] = "1772500000000"
			failed := f.invoke(t, e)
			f.metrics.Reset()
			if failed = append(failed, f.invoke(t, again)...); len(failed) != 0 {
				t.Fatalf("failed: %v", f.lines(t))
			}
			want := [][]string{{id, "2026-03-01 23:59:59"}}
			if diff := cmp.Diff(want, f.db.Query(t, "select event_id, sent_at at time zone 'UTC' from user_logins")); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if n := f.metric(t, "Duplicates"); n != 1 {
				t.Errorf("%v duplicates, want 1", n)
			}
		})
	}
}

// A producer that sends an event twice makes two notifications of it.
func TestEventThatIsSentTwiceAddsNoRow(t *testing.T) {
	t.Parallel()
	path := loginIn(t, `"x-envelope": "sns",`)
	document, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(document), `"properties": {`, `"properties": {"login_id": {"type": "string", "x-event-id": true}, "at": {"type": "string", "format": "date-time", "x-event-time": true},`, 1)
	text = strings.Replace(text, `"required": [`, `"required": ["login_id", "at", `, 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := functionOf(t, path)
	body := login(func(m map[string]any) { m["login_id"] = "login/1"; m["at"] = sent.Format(time.RFC3339) })
	for _, id := range []string{"one", "two"} {
		e := messages(standard, inSNS(id, body))
		e.Records[0].MessageId = id
		if failed := f.invoke(t, e); len(failed) != 0 {
			t.Fatalf("failed: %v", f.lines(t))
		}
	}
	if n := f.db.QueryStrings(t, "select count(*) from user_logins")[0]; n != "1" {
		t.Errorf("%s rows, want 1", n)
	}
}

func TestLogSaysWhatAWrappedMessageNeeds(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	f.invoke(t, messages(standard, inSNS("i", login(nil))))
	want := []map[string]string{{
		"messageId": "m0", "outcome": "invalid", "receiveCount": "2", "rule": "envelope",
		"hint": `the body is wrapped: set "x-envelope": "sns" in the contract`,
	}}
	if diff := cmp.Diff(want, f.lines(t)); diff != "" {
		t.Errorf("log lines (-want +got):\n%s", diff)
	}
}
