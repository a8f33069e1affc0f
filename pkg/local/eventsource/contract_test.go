package eventsource_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/queue"
)

// FIRST in a response stands for the id of the batch's first message, LAST for the id of its last.
var responses = map[string]struct {
	response string
	err      error
	ignore   bool
	kept     []string // bodies that are still on the queue; "all" and nothing are meant literally
	whole    bool     // the batch counts as failed
}{
	"empty batchItemFailures list":                         {response: `{"batchItemFailures":[]}`},
	"null batchItemFailures list":                          {response: `{"batchItemFailures":null}`},
	"empty response":                                       {response: ``},
	"empty object as response":                             {response: `{}`},
	"null response":                                        {response: `null`},
	"response of white space":                              {response: " \n"},
	"one message reported":                                 {response: `{"batchItemFailures":[{"itemIdentifier":"FIRST"}]}`, kept: []string{"0"}},
	"two messages reported":                                {response: `{"batchItemFailures":[{"itemIdentifier":"FIRST"},{"itemIdentifier":"LAST"}]}`, kept: []string{"0", "2"}},
	"one message reported twice":                           {response: `{"batchItemFailures":[{"itemIdentifier":"LAST"},{"itemIdentifier":"LAST"}]}`, kept: []string{"2"}},
	"other members beside the list and the identifier":     {response: `{"statusCode":200,"batchItemFailures":[{"itemIdentifier":"LAST","why":"x"}]}`, kept: []string{"2"}},
	"list under another name":                              {response: `{"BatchItemFailures":[{"itemIdentifier":"FIRST"}]}`},
	"invalid JSON":                                         {response: `{"batchItemFailures":[`, whole: true},
	"JSON and something after it":                          {response: `{"batchItemFailures":[]} ok`, whole: true},
	"not a JSON object":                                    {response: `"done"`, whole: true},
	"a list that is not a list":                            {response: `{"batchItemFailures":"FIRST"}`, whole: true},
	"an item that is not an object":                        {response: `{"batchItemFailures":["FIRST"]}`, whole: true},
	"a null item":                                          {response: `{"batchItemFailures":[null]}`, whole: true},
	"an empty itemIdentifier":                              {response: `{"batchItemFailures":[{"itemIdentifier":""}]}`, whole: true},
	"a null itemIdentifier":                                {response: `{"batchItemFailures":[{"itemIdentifier":null}]}`, whole: true},
	"an itemIdentifier that is a number":                   {response: `{"batchItemFailures":[{"itemIdentifier":1}]}`, whole: true},
	"an itemIdentifier with a bad key name":                {response: `{"batchItemFailures":[{"messageId":"FIRST"}]}`, whole: true},
	"an itemIdentifier with a capital letter":              {response: `{"batchItemFailures":[{"ItemIdentifier":"FIRST"}]}`, whole: true},
	"a good item and then a bad one":                       {response: `{"batchItemFailures":[{"itemIdentifier":"FIRST"},{"itemIdentifier":""}]}`, whole: true},
	"an itemIdentifier that is not in the batch":           {response: `{"batchItemFailures":[{"itemIdentifier":"424cdd21-063a-43a7-b91b-7ca1a833afae"}]}`, whole: true},
	"the function returns an error":                        {err: errors.New("typedError: no database"), whole: true},
	"the function times out":                               {err: errors.New("Sandbox.Timedout: Task timed out after 3.00 seconds"), whole: true},
	"ReportBatchItemFailures off: a list is ignored":       {response: `{"batchItemFailures":[{"itemIdentifier":"FIRST"}]}`, ignore: true},
	"ReportBatchItemFailures off: invalid JSON is ignored": {response: `not JSON`, ignore: true},
	"ReportBatchItemFailures off: an error still counts":   {err: errors.New("boom"), ignore: true, whole: true},
}

func TestResponseContract(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	for i, name := range slices.Sorted(maps.Keys(responses)) {
		test := responses[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := newQueue(t, client, fmt.Sprint("contract-", i), nil)
			send(t, client, url, numbered(3))
			f := &function{answer: func(e events.SQSEvent) ([]byte, error) {
				last := len(e.Records) - 1
				return []byte(strings.NewReplacer("FIRST", e.Records[0].MessageId, "LAST", e.Records[last].MessageId).Replace(test.response)), test.err
			}}
			var finished eventsource.Finished
			got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, IgnoreBatchItemFailures: test.ignore,
				Finished: func(f eventsource.Finished) { finished = f }})
			kept := len(test.kept)
			want := eventsource.Summary{Received: 3, Invocations: 1}
			if test.whole {
				kept, want.FailedBatches = 3, 1
			}
			want.Failed, want.Succeeded = kept, 3-kept
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(got, "Elapsed", "LastError", "Returns")); diff != "" || len(finished.Failed) != want.Failed || len(finished.Succeeded) != want.Succeeded {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
			if test.whole != (got.LastError != "") {
				t.Errorf("last error %q", got.LastError)
			}
			wantDepth(t, client, url, 0, kept)
		})
	}
}

// Exactly the messages that the response reports as failed come again.
func TestDeliversReportedMessagesAgain(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url, _ := withRedrive(t, client, "again", 2, nil)
	send(t, client, url, numbered(10))
	f := &function{answer: failing("3", "7")}
	run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f})
	want := append(numbered(10), "3", "7")
	if diff := cmp.Diff(want, f.bodies()); diff != "" {
		t.Errorf("bodies in the order of delivery (-want +got):\n%s", diff)
	}
	for _, m := range f.events[len(f.events)-1].Records {
		if got := m.Attributes["ApproximateReceiveCount"]; got != "2" {
			t.Errorf("receive count %s of the second delivery", got)
		}
	}
}

func FuzzResponse(f *testing.F) {
	for _, test := range responses {
		f.Add([]byte(strings.ReplaceAll(test.response, "FIRST", "id-1")))
	}
	ids := map[string]bool{"id-1": true, "id-2": true}
	f.Fuzz(func(t *testing.T, response []byte) {
		failed, err := eventsource.ReadFailures(response, ids)
		for id := range failed {
			if !ids[id] {
				t.Errorf("%q is not in the batch", id)
			}
		}
		if err != nil && len(failed) > 0 {
			t.Error("an error and a result")
		}
		if err == nil && len(failed) == 0 && strings.Contains(string(response), `"batchItemFailures":[{`) && !strings.Contains(string(response), `\`) &&
			strings.HasPrefix(string(response), `{"batchItemFailures":[{`) {
			t.Error("a list with an item is a success")
		}
	})
}
