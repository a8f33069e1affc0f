package sqsserver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync/atomic"
)

type sendMessageInput struct {
	URL string `json:"QueueUrl"`
	sending
}

// sending holds the parameters that SendMessage and an entry of SendMessageBatch share.
type sending struct {
	Body             string                    `json:"MessageBody"`
	Delay            *int                      `json:"DelaySeconds"`
	Attributes       map[string]attributeValue `json:"MessageAttributes"`
	SystemAttributes map[string]attributeValue `json:"MessageSystemAttributes"`
	DedupID          *string                   `json:"MessageDeduplicationId"`
	GroupID          *string                   `json:"MessageGroupId"`
}

type sendMessageOutput struct {
	BodyMD5             string `json:"MD5OfMessageBody"`
	AttributesMD5       string `json:"MD5OfMessageAttributes,omitempty"`
	SystemAttributesMD5 string `json:"MD5OfMessageSystemAttributes,omitempty"`
	ID                  string `json:"MessageId"`
	Sequence            string `json:"SequenceNumber,omitempty"`
}

func (c *call) sendMessage(in *sendMessageInput) (*sendMessageOutput, error) {
	q, err := c.at(in.URL)
	if err != nil {
		return nil, err
	}
	checked, err := in.check(c.trace)
	if err != nil {
		return nil, err
	}
	now, err := q.lock()
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	if err := q.checkFIFO(&in.sending); err != nil {
		return nil, err
	}
	if err := q.accept(checked, now); err != nil {
		return nil, err
	}
	return &checked.receipt, nil
}

// A checkedMessage is a message that passed all checks that need no queue.
type checkedMessage struct {
	content content
	delay   *int
	size    int
	receipt sendMessageOutput
}

func (s *sending) check(trace string) (*checkedMessage, error) {
	if s.Body == "" {
		return nil, missing("MessageBody")
	}
	if !allowedText(s.Body) {
		return nil, invalidMessageContents.because(badCharacters)
	}
	if err := checkID("MessageGroupId", s.GroupID); err != nil {
		return nil, err
	}
	if err := checkID("MessageDeduplicationId", s.DedupID); err != nil {
		return nil, err
	}
	attributes, size, err := readAttributes(s.Attributes)
	if err != nil {
		return nil, err
	}
	system, err := readSystemAttributes(s.SystemAttributes)
	if err != nil {
		return nil, err
	}
	p := &checkedMessage{delay: s.Delay, size: len(s.Body) + size}
	p.content = content{
		id: newID(), body: s.Body, bodyMD5: digest(s.Body), attributes: attributes,
		group: orDefault(s.GroupID, ""), dedup: orDefault(s.DedupID, ""), trace: trace,
	}
	if len(system) > 0 {
		p.content.trace = system[0].text
	}
	p.receipt = sendMessageOutput{
		ID: p.content.id, BodyMD5: p.content.bodyMD5,
		AttributesMD5: attributesMD5(attributes), SystemAttributesMD5: attributesMD5(system),
	}
	return p, nil
}

// accept adds a message to the queue, or returns why the queue refuses it. The caller holds the
// lock.
func (q *queue) accept(p *checkedMessage, now int64) error {
	if most := q.settings.numbers["MaximumMessageSize"]; p.size > most {
		return invalidParameter.because("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", most)
	}
	delay, err := q.delayOf(p)
	if err != nil {
		return err
	}
	if !q.fifo && p.content.dedup != "" {
		return invalid(p.content.dedup, "MessageDeduplicationId", "The request includes a parameter that is not valid for this queue type.")
	}
	if q.fifo && q.deduplicate(p, now) {
		return nil
	}
	p.content.sent = now
	q.put(&message{content: p.content, enqueued: now}, now, delay)
	return nil
}

// delayOf returns the delay of the message in milliseconds.
func (q *queue) delayOf(p *checkedMessage) (int64, error) {
	seconds := q.settings.numbers["DelaySeconds"]
	if p.delay != nil {
		b := numeric["DelaySeconds"]
		if *p.delay < b.least || *p.delay > b.most {
			return 0, invalid(*p.delay, "DelaySeconds", fmt.Sprintf("DelaySeconds must be >= %d and <= %d.", b.least, b.most))
		}
		if q.fifo && *p.delay > 0 {
			return 0, invalid(*p.delay, "DelaySeconds", "The request include parameter that is not valid for this queue type.")
		}
		if !q.fifo {
			seconds = *p.delay
		}
	}
	return int64(seconds) * 1000, nil
}

// checkFIFO returns an error if a message for a FIFO queue lacks its group or its deduplication id.
func (q *queue) checkFIFO(s *sending) *apiError {
	switch {
	case q.fifo && s.GroupID == nil:
		return missing("MessageGroupId")
	case q.fifo && s.DedupID == nil && q.settings.texts["ContentBasedDeduplication"] != "true":
		return invalidParameter.because("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return nil
}

// deduplicate gives a message of a FIFO queue its sequence number. It reports whether the message
// is a duplicate; its receipt is then that of the earlier message.
func (q *queue) deduplicate(p *checkedMessage, now int64) (duplicate bool) {
	c := &p.content
	if c.dedup == "" {
		sum := sha256.Sum256([]byte(c.body))
		c.dedup = hex.EncodeToString(sum[:])
	}
	key := dedupKey{id: c.dedup}
	if q.settings.texts["DeduplicationScope"] == "messageGroup" {
		key.group = c.group
	}
	if sent := q.sends.get(key, now); sent != nil {
		p.receipt.ID, p.receipt.Sequence = sent.id, sent.sequence
		return true
	}
	c.sequence = nextSequence()
	p.receipt.Sequence = c.sequence
	q.sends.add(key, &content{id: c.id, sequence: c.sequence}, now)
	return false
}

// sequences counts the sequence numbers of all queues.
var sequences atomic.Uint64

// nextSequence returns a sequence number of 20 digits, like AWS's.
func nextSequence() string { return fmt.Sprintf("188%017d", sequences.Add(1)) }

// checkID checks that an id has 1 to 128 characters, all of them letters, digits or punctuation. It
// accepts nil; callers check required ids.
func checkID(parameter string, id *string) error {
	outside := func(r rune) bool { return r <= ' ' || r > '~' }
	if id != nil && (*id == "" || len(*id) > 128 || strings.ContainsFunc(*id, outside)) {
		return invalid(*id, parameter, parameter+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return nil
}
