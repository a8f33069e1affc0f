package queue_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sqs2pg/pkg/queue"
)

func TestCreatedSaysWhatIsNewAndWhatDiffers(t *testing.T) {
	t.Parallel()
	q, dead := queue.New(nil, "http://sqs/1/logins"), queue.New(nil, "http://sqs/1/logins-dlq")
	created := queue.Created{Queue: q, Dead: dead}
	for _, test := range []struct {
		made         []*queue.Queue
		differences  []queue.Difference
		prints, json string
	}{
		{
			[]*queue.Queue{dead, q}, nil, "made    http://sqs/1/logins\nmade    http://sqs/1/logins-dlq\n",
			`{"dead_letter_queue":"http://sqs/1/logins-dlq","differences":[],"made":["http://sqs/1/logins-dlq","http://sqs/1/logins"],"queue":"http://sqs/1/logins"}`,
		},
		{
			[]*queue.Queue{dead}, []queue.Difference{{Queue: q, Attribute: "VisibilityTimeout", Have: "30", Want: "180"}},
			"exists  http://sqs/1/logins\nmade    http://sqs/1/logins-dlq\nlogins: VisibilityTimeout is 30, not 180\n",
			`{"dead_letter_queue":"http://sqs/1/logins-dlq","differences":["logins: VisibilityTimeout is 30, not 180"],"made":["http://sqs/1/logins-dlq"],"queue":"http://sqs/1/logins"}`,
		},
	} {
		created.Made, created.Differences = test.made, test.differences
		var out strings.Builder
		created.Print(&out)
		report, err := json.Marshal(created.Report())
		if out.String() != test.prints || string(report) != test.json || err != nil {
			t.Errorf("prints %q and reports %s, %v", &out, report, err)
		}
	}
}
