package contract_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/message/envelope"
)

const (
	snsID     = "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"
	snsTime   = "2026-01-02T03:04:05.678Z"
	eventID   = "6a7e8feb-b491-4cf7-a9f1-bf3703467718"
	eventTime = "2026-01-02T03:04:00Z"
)

// inSNS is an SNS notification with a message. more are further members, each after a comma.
func inSNS(message, more string) string {
	text, _ := json.Marshal(message)
	return `{"Type":"Notification","MessageId":"` + snsID + `","TopicArn":"arn:aws:sns:us-east-1:123456789012:t","Message":` + string(text) + `,"Timestamp":"` + snsTime + `"` + more + `}`
}

func inEventBridge(detail string) string {
	return `{"version":"0","id":"` + eventID + `","detail-type":"OrderPlaced","source":"shop","account":"123456789012","time":"` + eventTime + `","region":"us-east-1","resources":[],"detail":` + detail + `}`
}

// attributes are message attributes.
type attributes map[string]string

func (a attributes) MessageAttribute(name string) string { return a[name] }

// withRoot is a contract of the properties a (required) and b, with more keywords at the root.
func withRoot(t *testing.T, more string) *contract.Contract {
	t.Helper()
	return parse(t, `{"x-table":"t","type":"object","properties":{"a":{"type":"string"},"b":{"type":"array","minItems":1}},"required":["a"]`+more+`}`)
}

func TestOpensTheWrapperOfAnEvent(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time { parsed, _ := time.Parse(time.RFC3339, text); return parsed }
	own := attributes{"event-id": "sqs", "event-sent-at": "1"} // of the SQS message
	for name, test := range map[string]struct {
		root, body string
		want       contract.Identity
	}{
		"no wrapper":                   {``, `{"a":"v"}`, contract.Identity{ID: "sqs", SentAt: time.UnixMilli(1), Field: "event-sent-at"}},
		"SNS":                          {`,"x-envelope":"sns"`, inSNS(`{"a":"v"}`, ""), contract.Identity{ID: snsID, SentAt: at(snsTime), Field: "Timestamp"}},
		"EventBridge":                  {`,"x-envelope":"eventbridge"`, inEventBridge(`{"a":"v"}`), contract.Identity{ID: eventID, SentAt: at(eventTime), Field: "time"}},
		"EventBridge inside SNS":       {`,"x-envelope":["sns","eventbridge"]`, inSNS(inEventBridge(`{"a":"v"}`), ""), contract.Identity{ID: eventID, SentAt: at(eventTime), Field: "time"}},
		"SNS, with the producer's own": {`,"x-envelope":"sns"`, inSNS(`{"a":"v"}`, `,"MessageAttributes":{"event-id":{"Type":"String","Value":"o/1"},"event-sent-at":{"Type":"String","Value":"1700000000123"}}`), contract.Identity{ID: "o/1", SentAt: time.UnixMilli(1700000000123), Field: "event-sent-at"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := withRoot(t, test.root)
			record, err := c.DecodeMessage(contract.Message{Body: []byte(test.body), Attributes: own})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, record.Identity()); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"a=v", "b=NULL"}, c.Texts(c.Mask(keyring(t), record))); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSaysWhatAWrappedBodyNeeds(t *testing.T) {
	t.Parallel()
	const sns, bridge, both = `,"x-envelope":"sns"`, `,"x-envelope":"eventbridge"`, `,"x-envelope":["sns","eventbridge"]`
	const wrapped = "invalid: envelope: the body is wrapped: set \"x-envelope\": %s in the contract"
	const s3Test = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-01-02T03:04:05Z","Bucket":"b","RequestId":"r","HostId":"h"}`
	const raw = "invalid: envelope: the body is not an SNS notification: remove x-envelope if the subscription has raw message delivery"
	const transformed = "invalid: envelope: there is no EventBridge event: remove eventbridge from x-envelope if the rule has an input transformer"
	for _, test := range []struct{ root, body, want string }{
		{``, inSNS(`{"a":"v"}`, ""), fmt.Sprintf(wrapped, `"sns"`)},
		{``, inEventBridge(`{"a":"v"}`), fmt.Sprintf(wrapped, `"eventbridge"`)},
		{``, strings.Replace(inEventBridge(`{}`), `{`, `{"a":"v",`, 1), fmt.Sprintf(wrapped, `"eventbridge"`)}, // also where the contract finds what it needs
		{sns, inSNS(inEventBridge(`{}`), ""), fmt.Sprintf(wrapped, `["sns", "eventbridge"]`)},
		{sns, inEventBridge(`{}`), fmt.Sprintf(wrapped, `"eventbridge"`)},
		{both, inEventBridge(`{}`), fmt.Sprintf(wrapped, `"eventbridge"`)},
		{sns, `{"a":"v"}`, raw},
		{bridge, `{"a":"v"}`, transformed},
		{both, inSNS(`{"a":"v"}`, ""), transformed},
		{sns, inSNS(inSNS(`{}`, ""), ""), "invalid: envelope: the event is wrapped once more than AWS does: look at it with sqs2pg dlq show --body"},
		{sns, `not JSON`, "malformed: json"},
		{sns, inSNS(`{"a":"v"}`, "") + "x", "malformed: json"},
		{sns, inSNS(`{"a":"v"}`, `,"Message":"{}"`), "invalid: duplicate member"},
		{sns, inSNS(`not JSON`, ""), "malformed: json"},
		{sns, inSNS("{\"a\":1}", ""), "invalid: a: type"},
		{bridge, inEventBridge(`{"a":"v","b":[]}`), "invalid: b: minItems"}, // by the schema library
		{bridge, inEventBridge(`"text"`), "malformed: type"},
		{bridge, strings.Replace(inEventBridge(`{"a":"v"}`), eventTime, "noon", 1), "invalid: time: format date-time"},
		{``, s3Test, "invalid: s3 test event: S3 sends this test once when notifications are set up: delete it"},
		{sns, inSNS(s3Test, ""), "invalid: s3 test event: S3 sends this test once when notifications are set up: delete it"},
		{``, `["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"k"}]`, "invalid: s3 pointer: the body is in S3, where the extended client library has put it: send the event itself, SQS takes up to 1 MiB"},
		{sns, `["software.amazon.payloadoffloading.PayloadS3Pointer",{}]`, "invalid: s3 pointer: the body is in S3, where the extended client library has put it: send the event itself, SQS takes up to 1 MiB"},
		{sns, `{"Type":"SubscriptionConfirmation","MessageId":"m","Token":"t","TopicArn":"a","Message":"m","SubscribeURL":"u","Timestamp":"t"}`, "invalid: sns confirmation: SNS asks to confirm a subscription: open the SubscribeURL in the body, once"},
		{``, `{"a":"v","TopicArn":"a topic of ours"}`, ""},
		{``, `{"a":"v","x":{"detail-type":"x","detail":{},"source":"s","id":"i","time":"t"}}`, ""},
	} {
		_, err := withRoot(t, test.root).Decode([]byte(test.body))
		if got := fmt.Sprint(err); got != test.want && (err != nil || test.want != "") {
			t.Errorf("%s %s:\n got %s\nwant %s", test.root, test.body, got, test.want)
		}
	}
}

func TestContractMayReadTheWrapperItself(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"x-table":"t","type":"object","properties":{"id":{"type":"string"},"detail":{"type":"object","properties":{"a":{"type":"string"}}}}}`)
	record, err := c.Decode([]byte(inEventBridge(`{"a":"v"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"id=" + eventID, "detail_a=v"}, c.Texts(c.Mask(keyring(t), record))); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if record.Identity() != (contract.Identity{}) {
		t.Errorf("the wrapper identifies the event, although it is not opened: %+v", record.Identity())
	}
}

func TestReadsPropertiesFromMessageAttributes(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"x-table":"t","type":"object","additionalProperties":false,"properties":{
		"a":{"type":"string"},
		"tenant":{"type":"string","x-attribute":"Tenant","maxLength":5,"x-mask":"token"},
		"n":{"type":"integer","x-attribute":"N","minimum":1},
		"price":{"type":"number","x-attribute":"Price","x-type":"numeric(5,2)"},
		"flag":{"type":"boolean","x-attribute":"Flag"}},"required":["a","tenant"],"minProperties":1}`)
	body := []byte(`{"a":"v"}`)
	record, err := c.DecodeMessage(contract.Message{Body: body, Attributes: attributes{"Tenant": `a"b`, "N": "7", "Price": "1.50", "Flag": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a=v", "tenant=" + keyring(t).Token("tenant", `a"b`), "n=7", "price=1.50", "flag=true"}
	if diff := cmp.Diff(want, c.Texts(c.Mask(keyring(t), record))); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		attributes envelope.Attributes
		body, want string
	}{
		{nil, `{"a":"v"}`, "tenant: required"},
		{attributes{"Tenant": "t", "N": "0"}, `{"a":"v"}`, "n: minimum"},
		{attributes{"Tenant": "t", "N": "x"}, `{"a":"v"}`, "n: type"},
		{attributes{"Tenant": "t", "Flag": "yes"}, `{"a":"v"}`, "flag: type"},
		{attributes{"Tenant": "t", "Price": "1.505"}, `{"a":"v"}`, "price: range"},
		{attributes{"Tenant": "too long"}, `{"a":"v"}`, "tenant: maxLength"},
		{attributes{"Tenant": "t\x00"}, `{"a":"v"}`, "tenant: nul"},
		{attributes{"Tenant": "t"}, `{"a":"v","tenant":"t"}`, "*: additionalProperties"},
		{attributes{"Tenant": "t"}, `{}`, "a: required"},
	} {
		_, err := c.DecodeMessage(contract.Message{Body: []byte(test.body), Attributes: test.attributes})
		if err == nil || err.Error() != "invalid: "+test.want {
			t.Errorf("%v %s: %v, want %s", test.attributes, test.body, err, test.want)
		}
	}
}

func TestProducersOwnIDAndTimeIdentifyTheEvent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ id, at, body, wantID, wantTime string }{
		{`"type":"string"`, `"type":"string","format":"date-time"`, `{"id":"o/1","m":{"at":"2026-01-02T04:04:05.5+01:00"}}`, "o/1", "2026-01-02T03:04:05.5Z"},
		{`"type":"integer"`, `"type":"integer"`, `{"id":17,"m":{"at":1767323045500}}`, "17", "2026-01-02T03:04:05.5Z"},
		{`"type":"string","format":"uuid"`, `"type":"integer"`, `{"id":"6A7E8FEB-b491-4cf7-a9f1-bf3703467718","m":{"at":0}}`, eventID, "1970-01-01T00:00:00Z"},
	} {
		c := parse(t, `{"x-table":"t","type":"object","x-envelope":"eventbridge","properties":{"id":{`+test.id+`,"x-event-id":true},
			"m":{"type":"object","properties":{"at":{`+test.at+`,"x-event-time":true}},"required":["at"]}},"required":["id","m"]}`)
		record, err := c.Decode([]byte(inEventBridge(test.body)))
		if err != nil {
			t.Fatal(err)
		}
		got := record.Identity()
		if got.ID != test.wantID || got.SentAt.UTC().Format(time.RFC3339Nano) != test.wantTime || got.Field != "m.at" {
			t.Errorf("%s: %+v, want %s and %s", test.body, got, test.wantID, test.wantTime)
		}
	}
}

func TestEventTimeMayBeTheFirstProperty(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"x-table":"t","type":"object","properties":{"at":{"type":"integer","x-event-time":true},"id":{"type":"string","x-event-id":true}},"required":["at","id"]}`)
	record, err := c.Decode([]byte(`{"at":1767323045500,"id":"o/1"}`))
	if want := (contract.Identity{ID: "o/1", SentAt: time.UnixMilli(1767323045500), Field: "at"}); err != nil || record.Identity() != want {
		t.Errorf("%+v, %v, want %+v", record.Identity(), err, want)
	}
}

func TestRefusesABinaryEventIDInsideOfANotification(t *testing.T) {
	t.Parallel()
	for attributes, want := range map[string]string{
		`"event-id":{"Type":"Binary","Value":"aWQ="}`:                      "event-id",
		`"event-sent-at":{"Type":"Binary","Value":"MTcwMDAwMDAwMDEyMw=="}`: "event-sent-at",
	} {
		_, err := withRoot(t, `,"x-envelope":"sns"`).DecodeMessage(contract.Message{Body: []byte(inSNS(`{"a":"v"}`, `,"MessageAttributes":{`+attributes+`}`))})
		var v *contract.Violation
		if !errors.As(err, &v) || v.Field != want || v.Rule != "type" {
			t.Errorf("%s: %v", attributes, err)
		}
	}
}

func TestIdentityIsAskedForOnlyWhereItIsGiven(t *testing.T) {
	t.Parallel()
	_, err := withRoot(t, "").DecodeMessage(contract.Message{Body: []byte(`{"a":"v"}`), Attributes: attributes{"event-sent-at": "yesterday"}})
	var v *contract.Violation
	if !errors.As(err, &v) || v.Field != "event-sent-at" || v.Rule != "format date-time" {
		t.Errorf("a text that is not a time: %v", err)
	}
	record, err := withRoot(t, "").DecodeMessage(contract.Message{Body: []byte(`{"a":"v"}`), Attributes: attributes{"event-id": "e"}})
	if want := (contract.Identity{ID: "e"}); err != nil || record.Identity() != want {
		t.Errorf("an id without a time: %+v, %v", record.Identity(), err)
	}
}

// FuzzEnvelope wraps what the contract accepts or refuses, and expects the same answer.
func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{`{"a":"v"}`, `{"a":"é\ud83d\ude00"}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":1}`, `[`, `{"a":"v"} x`, `{"a":"v","a":"w"}`, ``} {
		f.Add([]byte(seed))
	}
	var all []*contract.Contract
	for _, root := range []string{``, `,"x-envelope":"sns"`, `,"x-envelope":"eventbridge"`} {
		c, err := contract.Parse("c", []byte(`{"x-table":"t","type":"object","properties":{"a":{"type":"string"}},"required":["a"]`+root+`}`))
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, c)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		record, plainErr := all[0].Decode(body)
		if v, ok := errors.AsType[*contract.Violation](plainErr); ok && v.Hint != "" {
			return // wrapped already
		}
		quoted, err := json.Marshal(string(body))
		if err != nil || strings.Contains(string(quoted), `\ufffd`) {
			return // not Unicode: no notification can hold it
		}
		same := func(name string, c *contract.Contract, wrapped string) {
			inner, err := c.Decode([]byte(wrapped))
			if fmt.Sprint(err) != fmt.Sprint(plainErr) {
				t.Errorf("%s: %v, alone: %v", name, err, plainErr)
			} else if err == nil && !cmp.Equal(c.Texts(c.Mask(nil, inner)), all[0].Texts(all[0].Mask(nil, record))) {
				t.Errorf("%s: another row", name)
			}
		}
		same("SNS", all[1], `{"Type":"Notification","MessageId":"i","Timestamp":"2026-01-02T03:04:05Z","Message":`+string(quoted)+`}`)
		if plainErr == nil { // else the wrapper may end elsewhere
			same("EventBridge", all[2], `{"id":"i","time":"2026-01-02T03:04:05Z","detail":`+string(body)+`}`)
		}
	})
}
