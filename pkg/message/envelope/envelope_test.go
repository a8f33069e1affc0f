package envelope_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/message/envelope"
)

const (
	sns = `{"Type":"Notification","MessageId":"22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324","TopicArn":"arn:aws:sns:us-west-2:123456789012:MyTopic",` +
		`"Subject":"s","Message":"{\"a\":1}","Timestamp":"2012-05-02T00:54:06.655Z","SignatureVersion":"1"}`
	confirmation = `{"Type":"SubscriptionConfirmation","MessageId":"m","Token":"t","TopicArn":"arn:aws:sns:us-west-2:123456789012:MyTopic",` +
		`"Message":"You have chosen","SubscribeURL":"https://sns.us-west-2.amazonaws.com/","Timestamp":"2012-04-26T20:45:04.751Z"}`
	bridge = `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2",` +
		`"account":"111122223333","time":"2017-12-22T18:43:48Z","region":"us-west-1","resources":[],"detail":{"state":"terminated"}}`
	s3Test  = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE"}`
	pointer = ` ["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"k"}]`
)

func TestGuessesWhatABodyIs(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		sns:          {envelope.RuleEnvelope, "sns"},
		bridge:       {envelope.RuleEnvelope, "eventbridge"},
		confirmation: {envelope.RuleConfirmation},
		s3Test:       {envelope.RuleS3Test},
		pointer:      {envelope.RuleS3Pointer},
		`["com.amazon.sqs.javamessaging.MessageS3Pointer",{}]`:                   {envelope.RuleS3Pointer},
		`{"Type":"Notification","Message":"hello","TopicArn":"a topic of ours"}`: {},
		`{"detail-type":"x","detail":{}}`:                                        {},
		`{"Service":"Amazon S3","Event":"another"}`:                              {},
		`{"user_id":"u"}`:     {},
		`["software.amazon"]`: {},
		`[]`:                  {},
		``:                    {},
		`5`:                   {},
		sns[:len(sns)-2]:      {},
		`{"Type":"SubscriptionConfirmation","TopicArn":"a","Token":"t","MessageId":"m","Message":"m","Timestamp":"today"}`: {},
	} {
		rule, kind := envelope.Guess([]byte(body))
		if diff := cmp.Diff(want, [2]string{rule, string(kind)}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestChainReadsAsItIsWritten(t *testing.T) {
	t.Parallel()
	for text, kinds := range map[string][]string{
		`"sns"`: {"sns"}, `"eventbridge"`: {"eventbridge"}, `["sns", "eventbridge"]`: {"sns", "eventbridge"},
	} {
		chain, err := envelope.ParseChain(kinds...)
		if err != nil || chain.String() != text {
			t.Errorf("%v is read as %s, %v", kinds, chain, err)
		}
		if want := kinds[0] == "sns"; chain.HasAttributes() != want {
			t.Errorf("%s: attributes %v, want %v", text, chain.HasAttributes(), want)
		}
	}
	for _, kinds := range [][]string{nil, {"SNS"}, {"eventbridge", "sns"}, {"sns", "sns"}} {
		if chain, err := envelope.ParseChain(kinds...); err == nil {
			t.Errorf("%v is read as %s", kinds, chain)
		}
	}
}

func TestExplainSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule     string
		opened   envelope.Chain
		found    envelope.Kind
		expected envelope.Chain
		want     string
	}{
		{envelope.RuleEnvelope, nil, envelope.SNS, nil, `the body is wrapped: set "x-envelope": "sns" in the contract`},
		{envelope.RuleEnvelope, nil, envelope.EventBridge, envelope.Chain{envelope.SNS}, `the body is wrapped: set "x-envelope": "eventbridge" in the contract`},
		{envelope.RuleEnvelope, envelope.Chain{envelope.SNS}, envelope.EventBridge, envelope.Chain{envelope.SNS}, `the body is wrapped: set "x-envelope": ["sns", "eventbridge"] in the contract`},
		{envelope.RuleEnvelope, nil, "", envelope.Chain{envelope.SNS}, "the body is not an SNS notification: remove x-envelope if the subscription has raw message delivery"},
		{envelope.RuleEnvelope, nil, "", envelope.Chain{envelope.EventBridge}, "there is no EventBridge event: remove eventbridge from x-envelope if the rule has an input transformer"},
		{envelope.RuleS3Test, nil, "", nil, "S3 sends this test once when notifications are set up: delete it"},
		{"required", nil, "", nil, ""},
	} {
		if got := envelope.Explain(test.rule, test.opened, test.found, test.expected); got != test.want {
			t.Errorf("%+v: got %q", test, got)
		}
	}
}

func TestOpensAWrapper(t *testing.T) {
	t.Parallel()
	w, rule := envelope.SNS.Open([]byte(sns))
	if w.ID != "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324" || w.Time != "2012-05-02T00:54:06.655Z" || string(w.Event) != `"{\"a\":1}"` || rule != "" {
		t.Errorf("SNS: %+v, %q", w, rule)
	}
	w, rule = envelope.EventBridge.Open([]byte(bridge))
	if w.ID != "6a7e8feb-b491-4cf7-a9f1-bf3703467718" || w.Time != "2017-12-22T18:43:48Z" || string(w.Event) != `{"state":"terminated"}` || rule != "" {
		t.Errorf("EventBridge: %+v, %q", w, rule)
	}
}

func TestRefusesWhatIsNotTheWrapper(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		bridge: envelope.RuleEnvelope, "[]": envelope.RuleEnvelope, "": envelope.RuleEnvelope, "5": envelope.RuleEnvelope,
		sns[:len(sns)-1]: envelope.RuleJSON, sns + "x": envelope.RuleJSON,
		strings.Replace(sns, `"Subject":"s"`, `"MessageId":"n"`, 1):      envelope.RuleDuplicate,
		strings.Replace(sns, `"Timestamp":"`, `"Timestamp":1,"x":"`, 1):  envelope.RuleEnvelope,
		strings.Replace(sns, `"Message":"{\"a\":1}"`, `"Message":{}`, 1): envelope.RuleEnvelope,
		strings.Replace(sns, `22b`, `\ud800`, 1):                         envelope.RuleEnvelope,
	} {
		if _, rule := envelope.SNS.Open([]byte(text)); rule != want {
			t.Errorf("%s: rule %q, want %q", text, rule, want)
		}
	}
}

func TestReadsTheAttributesOfANotification(t *testing.T) {
	t.Parallel()
	w, rule := envelope.SNS.Open([]byte(strings.Replace(sns, `"Subject":"s"`,
		`"MessageAttributes":{"kind":{"Type":"String","Value":"or\u0064er"},"n":{"Value":"5","Type":"Number"},"odd":[],"none":{"Type":"String"},"k\u0065y":{"Type":"String","Value":"v"}}`, 1)))
	if rule != "" {
		t.Fatal(rule)
	}
	for name, want := range map[string]string{"kind": "order", "n": "5", "key": "v", "odd": "", "none": "", "other": ""} {
		if value := w.MessageAttribute(name); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
}

// FuzzGuess checks that no body makes Guess fail, and that it reads the members that mark a body
// which it knows.
func FuzzGuess(f *testing.F) {
	for _, seed := range []string{sns, bridge, confirmation, s3Test, pointer, `{"detail-type`, `{"TopicArn":"\ud800"`, "[\"\xff\"]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rule, kind := envelope.Guess(body)
		if (kind != "") != (rule == envelope.RuleEnvelope) {
			t.Errorf("rule %q with the kind %q", rule, kind)
		}
		if rule != "" && envelope.Explain(rule, nil, kind, nil) == "" {
			t.Errorf("rule %q has no explanation", rule)
		}
	})
}

// FuzzOpen holds the reader to encoding/json: both find the same id, time, event and attributes in
// what both take for a wrapper.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{sns, bridge, confirmation, `{"id":"i","time":"t","detail":[1],"MessageAttributes":{"a":{"Value":"\u00e9"}}}`, `{"Message":"\ud800"}`, `{"id":"i","\u0069d":"j"}`} {
		f.Add([]byte(seed), "a")
	}
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		for _, kind := range []envelope.Kind{envelope.SNS, envelope.EventBridge} {
			w, rule := kind.Open(text)
			if rule != "" {
				continue
			}
			value := w.MessageAttribute(name)
			var all map[string]json.RawMessage
			var attributes map[string]struct{ Value *string }
			if json.Unmarshal(text, &all) != nil || !utf8.Valid(text) || bytes.Contains(text, []byte(`\u`)) {
				continue // escaped names, and what encoding/json replaces, are told apart by the tests above
			}
			idName, timeName, eventName := kind.Members()
			var id, at string
			if json.Unmarshal(all[idName], &id) != nil || json.Unmarshal(all[timeName], &at) != nil || id != w.ID || at != w.Time || string(all[eventName]) != string(w.Event) {
				t.Errorf("%s: %+v", text, w)
			}
			if json.Unmarshal(all["MessageAttributes"], &attributes) == nil && value != "" && (attributes[name].Value == nil || *attributes[name].Value != value) && bytes.Count(text, []byte("Value")) == 1 {
				t.Errorf("%s: attribute %q is %q", text, name, value)
			}
		}
	})
}
