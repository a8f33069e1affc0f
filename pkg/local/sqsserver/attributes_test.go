package sqsserver_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

func TestNewQueueHasDefaultAttributes(t *testing.T) {
	f := start(t)
	standard := attributes{
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0", "ApproximateNumberOfMessagesNotVisible": "0",
		"DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
		"ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true", "VisibilityTimeout": "30",
	}
	fifo := attributes{"FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}
	for name, value := range standard {
		fifo[name] = value
	}
	for _, test := range []struct {
		name         string
		create, want attributes
	}{
		{"of a standard queue", nil, standard},
		{"of a FIFO queue", attributes{"FifoQueue": "true"}, fifo},
	} {
		f.sub(test.name, func(f fixture) {
			url := f.queue(test.create)
			got := f.attributes(url)
			arn := got["QueueArn"]
			if name := url[strings.LastIndex(url, "/")+1:]; !strings.HasPrefix(arn, "arn:aws:sqs:") || !strings.HasSuffix(arn, ":"+name) {
				f.Errorf("got ARN %q", arn)
			}
			for _, name := range []string{"CreatedTimestamp", "LastModifiedTimestamp"} {
				if at, err := strconv.ParseInt(got[name], 10, 64); err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
					f.Errorf("%s is %s, want about now in seconds", name, got[name])
				}
				delete(got, name)
			}
			delete(got, "QueueArn")
			if diff := cmp.Diff(test.want, got); diff != "" {
				f.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestReturnsOnlyRequestedQueueAttributes(t *testing.T) {
	f := start(t)
	url := f.queue(attributes{"DelaySeconds": "3"})
	got := f.attributes(url, "DelaySeconds", "VisibilityTimeout", "RedrivePolicy")
	if diff := cmp.Diff(attributes{"DelaySeconds": "3", "VisibilityTimeout": "30"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	_, err := f.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"Colour"}})
	f.refused(err, "InvalidAttributeName", "Unknown Attribute Colour.")
}

func TestSetsQueueAttributesWithinTheirLimits(t *testing.T) {
	f := start(t)
	for _, test := range []struct {
		name, attribute string
		value           string
		ok              bool
	}{
		{"the longest delay", "DelaySeconds", "900", true},
		{"too long a delay", "DelaySeconds", "901", false},
		{"a negative delay", "DelaySeconds", "-1", false},
		{"a delay that is not a number", "DelaySeconds", "soon", false},
		{"the smallest maximum size", "MaximumMessageSize", "1024", true},
		{"too small a maximum size", "MaximumMessageSize", "1023", false},
		{"the largest maximum size", "MaximumMessageSize", "1048576", true},
		{"too large a maximum size", "MaximumMessageSize", "1048577", false},
		{"the shortest retention", "MessageRetentionPeriod", "60", true},
		{"too short a retention", "MessageRetentionPeriod", "59", false},
		{"the longest retention", "MessageRetentionPeriod", "1209600", true},
		{"too long a retention", "MessageRetentionPeriod", "1209601", false},
		{"the longest wait", "ReceiveMessageWaitTimeSeconds", "20", true},
		{"too long a wait", "ReceiveMessageWaitTimeSeconds", "21", false},
		{"no visibility timeout", "VisibilityTimeout", "0", true},
		{"the longest visibility timeout", "VisibilityTimeout", "43200", true},
		{"too long a visibility timeout", "VisibilityTimeout", "43201", false},
		{"encryption off", "SqsManagedSseEnabled", "false", true},
		{"a policy", "Policy", `{"Version":"2012-10-17","Statement":[]}`, true},
		{"a policy that is not JSON", "Policy", `{`, false},
	} {
		f.sub(test.name, func(f fixture) {
			url := f.queue(nil)
			_, err := f.SetQueueAttributes(f.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributes{test.attribute: test.value}})
			if !test.ok {
				f.refused(err, "InvalidAttributeValue", "Invalid value for the parameter "+test.attribute+".")
				return
			}
			f.must(err)
			if got := f.attributes(url)[test.attribute]; got != test.value {
				f.Errorf("got %q, want %q", got, test.value)
			}
		})
	}
}

func TestRefusesToSetOtherAttributes(t *testing.T) {
	f := start(t)
	for _, test := range []struct{ name, attribute string }{
		{"an unknown attribute", "Colour"},
		{"an attribute that SQS computes", "QueueArn"},
		{"a FIFO attribute on a standard queue", "ContentBasedDeduplication"},
		{"the type of the queue", "FifoQueue"},
	} {
		f.sub(test.name, func(f fixture) {
			url := f.queue(nil)
			_, err := f.SetQueueAttributes(f.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributes{test.attribute: "true"}})
			f.refused(err, "InvalidAttributeName", "Unknown Attribute "+test.attribute+".")
		})
	}
}

func TestRefusedAttributeChangesNothing(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	_, err := f.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributes{"DelaySeconds": "5", "VisibilityTimeout": "x"}})
	f.refused(err, "InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout.")
	if got := f.attributes(url)["DelaySeconds"]; got != "0" {
		t.Errorf("the delay is %s, although the call failed", got)
	}
}

func TestSetsHighThroughputFIFO(t *testing.T) {
	f := start(t)
	url := f.queue(attributes{"FifoQueue": "true"})
	set := func(a attributes) error {
		_, err := f.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: a})
		return err
	}
	f.must(set(attributes{"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}))
	f.sub("needs deduplication by group", func(f fixture) {
		f.refused(set(attributes{"DeduplicationScope": "queue"}), "InvalidAttributeValue",
			"The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.")
	})
}

func TestShowsEncryptionByKey(t *testing.T) {
	f := start(t)
	url := f.queue(attributes{"KmsMasterKeyId": "alias/mine"})
	got := f.attributes(url, "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled")
	want := attributes{"KmsMasterKeyId": "alias/mine", "KmsDataKeyReusePeriodSeconds": "300", "SqsManagedSseEnabled": "false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
