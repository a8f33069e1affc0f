package message_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/message"
)

const event = `{"Records":[
	{"messageId":"m0","receiptHandle":"AQEB\/+=","body":"{\"ip\":\"192.0.2.1\"}","attributes":{"ApproximateReceiveCount":"2","SentTimestamp":"1772409599999","MessageGroupId":"a"},
	 "messageAttributes":{"event-id":{"stringValue":"order/1","dataType":"String"}},"md5OfBody":"x","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:q.fifo"},
	{"messageId":"m1","body":null,"attributes":{"MessageGroupId":"a"},"eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:q"}
],"Records":3}`

func TestReadsEveryRecordOfAnEvent(t *testing.T) {
	t.Parallel()
	records, err := message.Read([]byte(event))
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, r := range records {
		body, err := r.Body([]byte("before "))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, []string{r.MessageID, r.ReceiptHandle(), string(body), r.Attributes.ApproximateReceiveCount, r.Attributes.SentTimestamp, r.Group()})
	}
	want := [][]string{
		{"m0", "AQEB/+=", `before {"ip":"192.0.2.1"}`, "2", "1772409599999", "a"},
		{"m1", "", "before ", "", "", ""}, // a message group on a standard queue does not order anything
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// A sequence number has up to 128 bits, so it does not fit an integer of Go.
func TestSequenceNumberOrdersTheMessagesOfAFIFOQueue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ queue, text, want string }{
		{"q.fifo", "18849496460467696128", "00000000000000010596dd297128f200"},
		{"q.fifo", "340282366920938463463374607431768211455", "ffffffffffffffffffffffffffffffff"},
		{"q.fifo", "340282366920938463463374607431768211456", "00000000000000000000000000000000"},
		{"q.fifo", "-1", "00000000000000000000000000000000"},
		{"q.fifo", "", "00000000000000000000000000000000"},
		{"q", "18849496460467696128", "00000000000000000000000000000000"},
	} {
		r := message.Record{EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:" + test.queue, Attributes: message.Attributes{SequenceNumber: test.text}}
		if got := fmt.Sprintf("%x", r.Sequence()); got != test.want {
			t.Errorf("%s of %s is %s, want %s", test.text, test.queue, got, test.want)
		}
	}
}

func TestRefusesBodyThatIsNotAUnicodeString(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`1`, `{}`, `"\ud800"`, "\"\xff\""} {
		records, err := message.Read([]byte(`{"Records":[{"messageId":"m","body":` + body + `,"receiptHandle":` + body + `}]}`))
		if err != nil {
			t.Fatalf("%s fails the whole event: %v", body, err)
		}
		if got, err := records[0].Body(nil); err == nil {
			t.Errorf("body %s is read as %q", body, got)
		}
		if got := records[0].ReceiptHandle(); got != "" {
			t.Errorf("receipt handle %s is read as %q", body, got)
		}
	}
}

func TestRefusesPayloadThatIsNotAnSQSEvent(t *testing.T) {
	t.Parallel()
	for payload, at := range map[string]string{
		"": "", "null": "", "[]": "", "{}": "", `{"Records":null}`: "", `{"Records":{}}`: "", `{"key":"hunter2"}`: "",
		`{"Records":[1]}`: "record 0", `{"Records":[{}]}`: "record 0", `{"Records":[{"messageId":""}]}`: "record 0",
		`{"Records":[`: "record 0", `{"Records":[{"messageId":"hunter2"},{"messageId":{}}]}`: "record 1",
	} {
		records, err := message.Read([]byte(payload))
		if !errors.Is(err, message.ErrNotSQSEvent) || records != nil {
			t.Errorf("%s: %d records, error %v", payload, len(records), err)
			continue
		}
		if !strings.HasPrefix(err.Error(), at) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %q does not start with %q, or repeats the payload", payload, err, at)
		}
	}
}
