package sqsserver_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sqs2pg/pkg/local/sqsserver"
)

// query sends one request of the query protocol to a path, with a form in its body.
func query(ctx context.Context, h http.Handler, path, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWireQueryAnswers(t *testing.T) {
	t.Parallel()
	const (
		namespace = ` xmlns="http://queue.amazonaws.com/doc/2012-11-05/">`
		path      = "/000000000000/q"
		attribute = "&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=%3Cv%3E"
		entry     = "&SendMessageBatchRequestEntry."
	)
	for _, test := range []struct {
		name, path, form string
		code             int
		answer           string
	}{
		{"an operation without output", path, "Action=SetQueueAttributes&Attribute.1.Name=DelaySeconds&Attribute.1.Value=0", 200, "<SetQueueAttributesResponse" + namespace + "<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></SetQueueAttributesResponse>"},
		{"an attribute without a number", path, "Action=SetQueueAttributes&Attribute.Name=DelaySeconds&Attribute.Value=0", 200, "<SetQueueAttributesResponse"},
		{"a queue's URL beside its path", "/", "Action=GetQueueAttributes&AttributeName.1=DelaySeconds&QueueUrl=http%3A%2F%2Fx%2F000000000000%2Fq", 200, "<GetQueueAttributesResponse" + namespace + "<GetQueueAttributesResult><Attribute><Name>DelaySeconds</Name><Value>7</Value></Attribute></GetQueueAttributesResult>"},
		{"a list with member", path, "Action=GetQueueAttributes&AttributeName.member.1=DelaySeconds", 200, "<GetQueueAttributesResponse" + namespace + "<GetQueueAttributesResult><Attribute>"},
		{"a list of one without a number", path, "Action=GetQueueAttributes&AttributeName=DelaySeconds", 200, "<GetQueueAttributesResponse" + namespace + "<GetQueueAttributesResult><Attribute>"},
		{"an empty URL beside a path", path, "Action=ListQueueTags&QueueUrl=", 200, "<ListQueueTagsResponse"},
		{"an empty list as botocore writes it", path, "Action=GetQueueAttributes&AttributeNames=", 200, "<GetQueueAttributesResponse" + namespace + "<GetQueueAttributesResult></GetQueueAttributesResult>"},
		{"everything after the question mark", "/?Action=ListQueues&Version=2012-11-05", "", 200, "<ListQueuesResponse" + namespace + "<ListQueuesResult><QueueUrl>http://example.com/000000000000/q</QueueUrl></ListQueuesResult>"},
		{"tags", path, "Action=ListQueueTags", 200, "<ListQueueTagsResponse" + namespace + "<ListQueueTagsResult><Tag><Key>k</Key><Value>&lt;&amp;</Value></Tag></ListQueueTagsResult>"},
		{"a receive of nothing", path, "Action=ReceiveMessage&WaitTimeSeconds=0", 200, "<ReceiveMessageResponse" + namespace + "<ReceiveMessageResult></ReceiveMessageResult>"},
		{"a list in the order of its numbers", path, "Action=AddPermission&Label=l&AWSAccountId.1=1&ActionName.10=d&ActionName.9=c&ActionName.8=b&ActionName.7=a&ActionName.6=SendMessage", 400, "<ErrorResponse" + namespace + "<Error><Type>Sender</Type><Code>InvalidParameterValue</Code><Message>Value SQS:a for parameter"},
		{"a batch that is refused", path, "Action=SendMessageBatch" + entry + "1.Id=a!", 400, "<ErrorResponse" + namespace + "<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.InvalidBatchEntryId</Code><Message>A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.</Message><Detail></Detail></Error><RequestId>ID</RequestId></ErrorResponse>"},
		{"a batch that fails in part", path, "Action=SendMessageBatch" + entry + "1.Id=a" + entry + "1.MessageBody=" + entry + "1.MessageAttributes=", 200, "<SendMessageBatchResponse" + namespace + "<SendMessageBatchResult><BatchResultErrorEntry><Id>a</Id><SenderFault>true</SenderFault><Code>MissingParameter</Code><Message>The request must contain the parameter MessageBody.</Message></BatchResultErrorEntry></SendMessageBatchResult>"},
		{"a message with an attribute", path, "Action=SendMessage&MessageBody=x" + attribute, 200, "<SendMessageResponse" + namespace + "<SendMessageResult><MD5OfMessageBody>9dd4e461268c8034f5c8564e155c67a6</MD5OfMessageBody><MD5OfMessageAttributes>"},
		{"an unknown parameter", path, "Action=SendMessage&MessageBody=x&Colour.1.a=b&a.b.c.d.e.f.g.h=i", 200, "<SendMessageResponse"},
		{"no action", "/", "Version=2012-11-05", 400, "<ErrorResponse" + namespace + "<Error><Type>Sender</Type><Code>MissingAction</Code>"},
		{"an unknown action", "/", "Action=%3CSing%3E", 400, "<ErrorResponse" + namespace + "<Error><Type>Sender</Type><Code>InvalidAction</Code><Message>The action &lt;Sing&gt; is not valid for this endpoint.</Message>"},
		{"a malformed form", "/", "Action=%zz", 404, "<ErrorResponse" + namespace + "<Error><Type>Sender</Type><Code>MalformedQueryString</Code>"},
		{"text that is not UTF-8", path, "Action=SendMessage&MessageBody=%ff", 404, "<ErrorResponse" + namespace + "<Error><Type>Sender</Type><Code>MalformedQueryString</Code>"},
		{"text instead of a number", path, "Action=ReceiveMessage&WaitTimeSeconds=x", 400, "<ErrorResponse" + namespace + "<Error><Type>Sender</Type><Code>InvalidParameterValue</Code><Message>The parameters are not those that this action takes at /WaitTimeSeconds.</Message>"},
		{"a list where a text should be", path, "Action=SendMessage&MessageBody.1=x", 400, "<ErrorResponse" + namespace + "<Error><Type>Sender</Type><Code>InvalidParameterValue</Code>"},
		{"a body over the limit", "/", "Action=SendMessage&MessageBody=" + strings.Repeat("x", 9<<20), 413, "<ErrorResponse" + namespace + "<Error><Type>Sender</Type><Code>RequestEntityTooLargeException</Code>"},
		{"no queue", "/", "Action=PurgeQueue", 400, "<ErrorResponse" + namespace + "<Error><Type>Sender</Type><Code>MissingParameter</Code>"},
		{"a queue that does not exist", "/000000000000/r", "Action=PurgeQueue", 400, "<ErrorResponse" + namespace + "<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := sqsserver.New(sqsserver.Options{})
			defer s.Close()
			post(s, "CreateQueue", `{"QueueName":"q","Attributes":{"DelaySeconds":"7"},"tags":{"k":"<&"}}`)
			got := query(t.Context(), s, test.path, test.form)
			id := got.Header().Get("x-amzn-RequestId")
			answer := strings.ReplaceAll(strings.TrimPrefix(got.Body.String(), xml.Header), id, "ID")
			if got.Code != test.code || !strings.HasPrefix(answer, test.answer) {
				t.Errorf("got %d %s\nwant %d %s", got.Code, answer, test.code, test.answer)
			}
			if id == "" || got.Header().Get("Content-Type") != "text/xml" {
				t.Errorf("headers %v", got.Header())
			}
		})
	}
}

func TestWireQueryReceivesWhatJSONSent(t *testing.T) {
	t.Parallel()
	s := sqsserver.New(sqsserver.Options{})
	defer s.Close()
	post(s, "CreateQueue", `{"QueueName":"q"}`)
	post(s, "SendMessage", `{"QueueUrl":"/000000000000/q","MessageBody":"<\r\n&","MessageAttributes":{
		"a.text":{"DataType":"String","StringValue":"]]>"},"b":{"DataType":"Binary","BinaryValue":"AP8="},"c":{"DataType":"String","StringValue":"z"}}}`)
	r := httptest.NewRequest(http.MethodGet, "/000000000000/q?Action=ReceiveMessage&AttributeName.1=ApproximateReceiveCount&MessageAttributeName.1=a.*&MessageAttributeName.2=b", nil)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	answer := w.Body.String()
	for _, want := range []string{
		"<Body>&lt;&#xD;&#xA;&amp;</Body>",
		"<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>",
		"<MessageAttribute><Name>a.text</Name><Value><DataType>String</DataType><StringValue>]]&gt;</StringValue></Value></MessageAttribute>",
		"<MessageAttribute><Name>b</Name><Value><DataType>Binary</DataType><BinaryValue>AP8=</BinaryValue></Value></MessageAttribute></Message></ReceiveMessageResult>",
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("got %s\nwithout %s", answer, want)
		}
	}
}

func TestWirePresignedURLNamesRegion(t *testing.T) {
	t.Parallel()
	s := sqsserver.New(sqsserver.Options{})
	defer s.Close()
	form := url.Values{"Action": {"CreateQueue"}, "QueueName": {"q"}, "X-Amz-Credential": {"AKIA/20260101/eu-west-1/sqs/aws4_request"}}
	query(t.Context(), s, "/", form.Encode())
	form = url.Values{"Action": {"GetQueueAttributes"}, "AttributeName": {"QueueArn"}, "X-Amz-Credential": form["X-Amz-Credential"]}
	if got := query(t.Context(), s, "/000000000000/q?"+form.Encode(), "").Body.String(); !strings.Contains(got, ">arn:aws:sqs:eu-west-1:000000000000:q<") {
		t.Errorf("got %s", got)
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		// requests that succeed
		"Action=CreateQueue&QueueName=r.fifo&Attribute.1.Name=FifoQueue&Attribute.1.Value=true&Tag.1.Key=a&Tag.1.Value=b",
		"Action=SendMessage&MessageBody=x&DelaySeconds=0&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=Number&MessageAttribute.1.Value.StringValue=1",
		"Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=%3C&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=b&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=Binary&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.BinaryValue=AA==",
		"Action=ReceiveMessage&MaxNumberOfMessages=10&VisibilityTimeout=0&AttributeName=All&MessageAttributeName.1=All",
		"Action=AddPermission&Label=l&AWSAccountId.1=1&ActionName.1=*",
		"Action=ListQueues&QueueNamePrefix=q&MaxResults=1",
		"Action=ListQueueTags", "Action=ListDeadLetterSourceQueues", "Action=GetQueueAttributes&AttributeName.1=All",
		"Action=ListMessageMoveTasks&SourceArn=arn:aws:sqs:us-east-1:000000000000:q",
		"Action=DeleteMessageBatch&DeleteMessageBatchRequestEntry.1.Id=a&DeleteMessageBatchRequestEntry.1.ReceiptHandle=b",
		// names that contradict each other, malformed numbers, names that are too long
		"Action=SendMessage&MessageBody=a&MessageBody.1=b&MessageBody.1.2=c",
		"Action=TagQueue&Tag.0.Key=a&Tag.-1.Key=b&Tag.01.Key=c&Tag.x.Key=d&Tag.Key=e&Tag=f&Tag.1=g",
		"Action=SendMessageBatch&SendMessageBatchRequestEntry=&SendMessageBatchRequestEntry.1=x&SendMessageBatchRequestEntry.99999999999999999999.Id=y",
		"Action=TagQueue&member=a&.=b&Tag..Key=c&a.b.c.d.e.f.g.h.i.j.k.l.m.n.o=p",
		// text at the edge of XML and of forms
		"Action=%00&a=%", "Action=ListQueues&QueueNamePrefix=%ff", "Action=GetQueueUrl&QueueName=%EF%BF%BE%00%3C", "Action=PurgeQueue&QueueUrl=%00/%0b/%ed%a0%80", ";", "&&=",
	} {
		f.Add(seed)
	}
	gone, cancel := context.WithCancel(f.Context())
	cancel() // the client has gone already, so no long poll waits
	f.Fuzz(func(t *testing.T, form string) {
		s := sqsserver.New(sqsserver.Options{})
		defer s.Close()
		post(s, "CreateQueue", `{"QueueName":"q","tags":{"a":"b"}}`)
		post(s, "SendMessage", `{"QueueUrl":"/000000000000/q","MessageBody":"x"}`)
		w := query(gone, s, "/000000000000/q", form)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%q: %s", form, w.Body)
		}
		answer := xml.NewDecoder(w.Body)
		for {
			if _, err := answer.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%q: not XML: %v", form, err)
			}
		}
	})
}
