package sqsserver

import (
	"fmt"
	"regexp"
	"slices"
)

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// maxBatch is the largest number of entries in one batch call.
const maxBatch = 10

// batchOutput is the answer of every batch call. Its HTTP status is 200 even if all entries failed.
type batchOutput[T any] struct {
	Successful []T          `json:",omitempty"`
	Failed     []batchError `json:",omitempty"`
}

type batchError struct {
	ID          string `json:"Id"`
	SenderFault bool
	Code        string
	Message     string
}

func (b *batchOutput[T]) fail(id string, err error) {
	e := err.(*apiError)
	b.Failed = append(b.Failed, batchError{id, true, e.code, e.message})
}

// checkBatch returns the errors that fail a batch as a whole. The element is AWS's name for an
// entry in the error's message.
func checkBatch[E interface{ entryID() string }](entries []E, element string) error {
	switch n := len(entries); {
	case n == 0:
		return emptyBatch.because("There should be at least one %s in the request.", element)
	case n > maxBatch:
		return tooManyEntries.because("Maximum number of entries per request are %d. You have sent %d.", maxBatch, n)
	}
	for i, e := range entries {
		if !entryID.MatchString(e.entryID()) {
			return invalidEntryID.because("A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		for _, earlier := range entries[:i] {
			if earlier.entryID() == e.entryID() {
				return entryIDsNotDistinct.because("Id %s repeated.", e.entryID())
			}
		}
	}
	return nil
}

type sendBatchInput struct {
	URL     string `json:"QueueUrl"`
	Entries []sendEntry
}

type sendEntry struct {
	ID string `json:"Id"`
	sending
}

func (e sendEntry) entryID() string { return e.ID }

type sendResult struct {
	ID string `json:"Id"`
	sendMessageOutput
}

func (c *call) sendMessageBatch(in *sendBatchInput) (*batchOutput[sendResult], error) {
	q, err := c.at(in.URL)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, "SendMessageBatchRequestEntry"); err != nil {
		return nil, err
	}
	checked, refused, err := checkEntries(in.Entries, c.trace)
	if err != nil {
		return nil, err
	}
	now, err := q.lock()
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	for i := range in.Entries {
		if err := q.checkFIFO(&in.Entries[i].sending); err != nil {
			return nil, invalidParameter.because("%s", err.message) // in a batch AWS has one code for both
		}
	}
	out := &batchOutput[sendResult]{}
	for i, p := range checked {
		err := refused[i]
		if err == nil {
			err = q.accept(p, now)
		}
		if err != nil {
			out.fail(in.Entries[i].ID, err)
			continue
		}
		out.Successful = append(out.Successful, sendResult{in.Entries[i].ID, p.receipt})
	}
	return out, nil
}

// checkEntries checks each entry; refused[i] is the error of entry i. It returns an error if the
// batch as a whole is too long.
func checkEntries(entries []sendEntry, trace string) (checked []*checkedMessage, refused []error, err error) {
	checked, refused = make([]*checkedMessage, len(entries)), make([]error, len(entries))
	total := 0
	for i := range entries {
		if checked[i], refused[i] = entries[i].check(trace); refused[i] == nil {
			total += checked[i].size
		}
	}
	if most := numeric["MaximumMessageSize"].most; total > most {
		return nil, nil, batchTooLong.because("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", most, total)
	}
	return checked, refused, nil
}

type handleEntry struct {
	ID      string `json:"Id"`
	Handle  string `json:"ReceiptHandle"`
	Timeout *int   `json:"VisibilityTimeout"` // only in ChangeMessageVisibilityBatch
}

func (e handleEntry) entryID() string { return e.ID }

type handleBatchInput struct {
	URL     string `json:"QueueUrl"`
	Entries []handleEntry
}

type handleResult struct {
	ID string `json:"Id"`
}

func (c *call) deleteMessageBatch(in *handleBatchInput) (*batchOutput[handleResult], error) {
	return c.eachHandle(in, "DeleteMessageBatchRequestEntry", func(q *queue, e handleEntry, _ int64) error {
		return q.deleteByHandle(e.Handle)
	})
}

func (c *call) changeMessageVisibilityBatch(in *handleBatchInput) (*batchOutput[handleResult], error) {
	return c.eachHandle(in, "ChangeMessageVisibilityBatchRequestEntry", func(q *queue, e handleEntry, now int64) error {
		if e.Timeout == nil {
			at := slices.Index(in.Entries, e) + 1
			return missing(fmt.Sprintf("ChangeMessageVisibilityBatchRequestEntry.%d.VisibilityTimeout", at))
		}
		return q.setVisibility(e.Handle, e.Timeout, now)
	})
}

func (c *call) eachHandle(in *handleBatchInput, element string, do func(*queue, handleEntry, int64) error) (*batchOutput[handleResult], error) {
	q, err := c.at(in.URL)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, element); err != nil {
		return nil, err
	}
	now, err := q.lock()
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	out := &batchOutput[handleResult]{}
	for _, e := range in.Entries {
		if err := do(q, e, now); err != nil {
			out.fail(e.ID, err)
			continue
		}
		out.Successful = append(out.Successful, handleResult{e.ID})
	}
	return out, nil
}
