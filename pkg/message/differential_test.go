package message_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sqs2pg/pkg/message"
)

// reading is what a reader says of one record. Of a body or a receipt handle that it refuses it
// keeps that only.
type reading struct {
	MessageID, ARN, Body, ReceiptHandle string
	BodyRefused                         bool
	SentTimestamp, ReceiveCount, Group  string
	Attributes                          map[string]string
}

// oldRead is the reader of the first release, by reflection. The reader of today must say the same
// of every payload.
func oldRead(payload []byte) (all []reading, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(payload), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if !enterRecords(d) {
		return nil, message.ErrNotSQSEvent
	}
	for d.PeekKind() != ']' {
		var r struct {
			MessageID      string         `json:"messageId"`
			Body           jsontext.Value `json:"body"`
			ReceiptHandle  jsontext.Value `json:"receiptHandle"`
			EventSourceARN string         `json:"eventSourceARN"`
			Attributes     struct {
				SentTimestamp           string
				ApproximateReceiveCount string
				MessageGroupId          string
			} `json:"attributes"`
			MessageAttributes map[string]struct {
				StringValue string `json:"stringValue"`
			} `json:"messageAttributes"`
		}
		if err := json.UnmarshalDecode(d, &r); err != nil || r.MessageID == "" {
			return nil, fmt.Errorf("record %d: %w", len(all), message.ErrNotSQSEvent)
		}
		one := reading{
			MessageID: r.MessageID, ARN: r.EventSourceARN, SentTimestamp: r.Attributes.SentTimestamp,
			ReceiveCount: r.Attributes.ApproximateReceiveCount, Group: r.Attributes.MessageGroupId, Attributes: map[string]string{},
		}
		if len(r.Body) > 0 && r.Body.Kind() != 'n' {
			body, err := jsontext.AppendUnquote(nil, r.Body)
			if one.BodyRefused = err != nil; err == nil {
				one.Body = string(body)
			}
		}
		if handle, err := jsontext.AppendUnquote(nil, r.ReceiptHandle); err == nil {
			one.ReceiptHandle = string(handle)
		}
		for name, a := range r.MessageAttributes {
			one.Attributes[name] = a.StringValue
		}
		all = append(all, one)
	}
	return all, nil
}

func enterRecords(d *jsontext.Decoder) bool {
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return false
		}
		if name.String() == "Records" {
			t, err := d.ReadToken()
			return err == nil && t.Kind() == '['
		}
		if err := d.SkipValue(); err != nil {
			return false
		}
	}
	return false
}

// newRead asks today's reader of the attributes that the old one has found.
func newRead(payload []byte, want []reading) (all []reading, err error) {
	records, err := message.Read(payload)
	for i, r := range records {
		one := reading{
			MessageID: r.MessageID, ARN: r.EventSourceARN, SentTimestamp: r.Attributes.SentTimestamp, ReceiptHandle: r.ReceiptHandle(),
			ReceiveCount: r.Attributes.ApproximateReceiveCount, Group: r.Attributes.MessageGroupId, Attributes: map[string]string{},
		}
		body, err := r.Body(nil)
		if one.BodyRefused = err != nil; err == nil {
			one.Body = string(body)
		}
		if i < len(want) {
			for name := range want[i].Attributes {
				one.Attributes[name] = r.MessageAttribute(name)
			}
		}
		all = append(all, one)
	}
	return all, err
}

// difference is "" if both readers say the same of a payload.
func difference(payload []byte) string {
	want, wantErr := oldRead(payload)
	got, err := newRead(payload, want)
	if err != nil && !errors.Is(err, message.ErrNotSQSEvent) {
		return err.Error()
	}
	if diff := cmp.Diff(fmt.Sprint(wantErr), fmt.Sprint(err)); diff != "" {
		return "errors (-old +new):\n" + diff
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return "records (-old +new):\n" + diff
	}
	return ""
}

// Parts of events, by what is unusual about them.
var (
	members = []string{
		"messageId", "body", "receiptHandle", "eventSourceARN", "attributes", "messageAttributes", "SentTimestamp", "ApproximateReceiveCount",
		"MessageGroupId", "stringValue", "event-id", "Records",
		"MessageId", "BODY", "message\\u0049d", "bod\\u0079", "stringvalue", "", "\xff", "\\ud800", // names of other members
	}
	scalars = []string{
		`"m"`, `"arn:aws:sqs:q.fifo"`, `"1772409599999"`, `"{\"a\":\"\\n\u00e9\"}"`, `""`, `"\ud83d\ude00"`, `"\/"`, `"é"`, "\"\x7f\"", `null`,
		`"\ud800"`, `"\udc00\ud800x"`, "\"\xff\"", "\"a\xc3\"", "\"\\\"\xe2\x82\"", // strings that are not Unicode
		`1`, `-0.5e+3`, `true`, `false`, `{}`, `[]`, `[1,{"a":[]}]`, `{"a":1,"a":2}`, // other types
		`01`, `1.`, `.5`, `-`, `1e`, `+1`, `nul`, `nullx`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", `"`, `"\`, `[1,]`, `{"a"}`, `{,}`, `[`, `]`, `,`, "\x00", // not JSON
	}
)

func someValue(t *rapid.T, depth int) string {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "scalar") == 0 {
		return rapid.SampledFrom(scalars).Draw(t, "value")
	}
	return someObject(t, depth, rapid.SliceOfN(rapid.SampledFrom(members), 0, 4).Draw(t, "names"))
}

func someObject(t *rapid.T, depth int, names []string) string {
	var parts []string
	for _, name := range names {
		value := `"v"`
		if rapid.IntRange(0, 3).Draw(t, "odd") == 0 || name == "attributes" || name == "messageAttributes" {
			value = someValue(t, depth-1)
		}
		parts = append(parts, `"`+name+`"`+rapid.SampledFrom([]string{":", " : "}).Draw(t, "colon")+value)
	}
	return "{" + strings.Join(parts, rapid.SampledFrom([]string{",", "\n ,\t"}).Draw(t, "comma")) + "}"
}

func TestReadsWhatTheFirstReleaseRead(t *testing.T) {
	t.Parallel()
	read := 0
	rapid.Check(t, func(t *rapid.T) {
		var records []string
		for range rapid.IntRange(0, 3).Draw(t, "records") {
			records = append(records, someObject(t, 3, append([]string{"messageId"}, rapid.SliceOfN(rapid.SampledFrom(members), 0, 6).Draw(t, "names")...)))
		}
		payload := `{"Records":[` + strings.Join(records, ",") + `],"more":1}`
		if all, _ := oldRead([]byte(payload)); len(all) > 0 {
			read++
		}
		if diff := difference([]byte(payload)); diff != "" {
			t.Fatalf("%s\n%s", payload, diff)
		}
	})
	if read == 0 {
		t.Error("no generated event could be read")
	}
}

func TestReadsTheBeginningOfAnEventAsTheFirstReleaseDid(t *testing.T) {
	t.Parallel()
	for i := range len(event) {
		for _, end := range []string{"", "}", "]", ",", `"`, "\\", "\xff"} {
			if payload := event[:i] + end; difference([]byte(payload)) != "" {
				t.Errorf("%s\n%s", payload, difference([]byte(payload)))
			}
		}
	}
}

func TestReadsNestedValuesAsTheFirstReleaseDid(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{10, 9996, 9997, 9998, 20_000} {
		for _, brackets := range [][2]string{{"[", "]"}, {`{"":`, "}"}} {
			value := strings.Repeat(brackets[0], depth) + "0" + strings.Repeat(brackets[1], depth)
			for _, payload := range []string{`{"Records":[{"messageId":"m","x":` + value + `}]}`, `{"x":` + value + `,"Records":[]}`} {
				if diff := difference([]byte(payload)); diff != "" {
					t.Errorf("%d times %s: %s", depth, brackets[0], diff)
				}
			}
		}
	}
}

func FuzzReadsWhatTheFirstReleaseRead(f *testing.F) {
	f.Add([]byte(event))
	f.Add([]byte(`{"Records":[{"messageId":"m","receiptHandle":"\ud800","body":"\ud800"}]}`))           // not Unicode
	f.Add([]byte(`{"Records":[{"messageId":"m","body":"a","body":"b"},{"body":"c","messageId":"n"}]}`)) // a member twice
	f.Add([]byte(`{"Records" : [ { "messageId" : "m" , "body" : "a" , "receiptHandle" : null } ] }`))   // white space
	f.Add([]byte(`{"x":{"Records":[1]},"Records":[]}`))
	for _, attributes := range []string{`null`, `{"a":{"stringValue":"x"},"a":{}}`, `{"a":{"stringValue":"x"},"a":null}`, `{"a":{"stringValue":null}}`} {
		f.Add([]byte(`{"Records":[{"messageId":"m","attributes":` + attributes + `,"messageAttributes":` + attributes + `}]}`))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if diff := difference(payload); diff != "" {
			t.Error(diff)
		}
	})
}
