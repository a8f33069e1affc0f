package eventsource

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// outcome says which messages of a batch failed.
type outcome struct {
	whole  bool            // all messages failed
	failed map[string]bool // or the messages with these ids
	reason string          // why the whole batch failed
}

// fails reports whether the message with that id failed.
func (o *outcome) fails(id string) bool { return o.whole || o.failed[id] }

var errBadResponse = errors.New("the function's response is not a valid batch response")

// readOutcome reads the function's response by AWS's rules for an SQS mapping with
// ReportBatchItemFailures
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting).
// With ignore it plays a mapping without that setting.
func readOutcome(ids map[string]bool, response []byte, err error, ignore bool) outcome {
	switch {
	case err != nil:
		return outcome{whole: true, reason: err.Error()}
	case ignore:
		return outcome{}
	}
	failed, err := readFailures(response, ids)
	if err != nil {
		return outcome{whole: true, reason: fmt.Sprintf("%v: %v", errBadResponse, err)}
	}
	return outcome{failed: failed}
}

// readFailures returns the reported message ids. An empty response, null, and a list that is
// missing, null or empty mean that no message failed. Anything that cannot be understood in full is
// an error, so that no message is deleted by misunderstanding. Member names must match exactly,
// letter case included.
func readFailures(response []byte, ids map[string]bool) (map[string]bool, error) {
	if len(bytes.TrimSpace(response)) == 0 {
		return nil, nil
	}
	var r struct {
		Failures []struct {
			ID *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(response, &r); err != nil {
		return nil, errors.New("it is not JSON of the form {\"batchItemFailures\":[{\"itemIdentifier\":\"...\"}]}")
	}
	failed := make(map[string]bool, len(r.Failures))
	for i, f := range r.Failures {
		switch {
		case f.ID == nil:
			return nil, fmt.Errorf("item %d has no itemIdentifier", i)
		case *f.ID == "":
			return nil, fmt.Errorf("item %d has an empty itemIdentifier", i)
		case !ids[*f.ID]:
			return nil, fmt.Errorf("item %d names a message that is not in the batch", i)
		}
		failed[*f.ID] = true
	}
	return failed, nil
}
