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

// sending is what SendMessage and an entry of SendMessageBatch share.
type sending struct {
	Body             string                    `json:"MessageBody"`
	Delay            *int                      `json:"DelaySeconds"`
	Attributes       map[string]attributeValue `json:"MessageAttributes"`
	SystemAttributes map[string]attributeValue `json:"MessageSystemAttributes"`
	DedupID          string                    `json:"MessageDeduplicationId"`
	GroupID          string                    `json:"MessageGroupId"`
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
	parcel, err := in.pack(c.trace)
	if err != nil {
		return nil, err
	}
	now, err := q.lock()
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	if err := q.accept(parcel, now); err != nil {
		return nil, err
	}
	return &parcel.receipt, nil
}

// A parcel is a message that was checked as far as that is possible without its queue.
type parcel struct {
	letter  letter
	delay   *int
	size    int
	receipt sendMessageOutput
}

func (s *sending) pack(trace string) (*parcel, error) {
	if s.Body == "" {
		return nil, missing("MessageBody")
	}
	if !allowedText(s.Body) {
		return nil, invalidMessageContents.because(badCharacters)
	}
	attributes, size, err := readAttributes(s.Attributes)
	if err != nil {
		return nil, err
	}
	system, err := readSystemAttributes(s.SystemAttributes)
	if err != nil {
		return nil, err
	}
	p := &parcel{delay: s.Delay, size: len(s.Body) + size}
	p.letter = letter{id: newID(), body: s.Body, bodyMD5: digest(s.Body), attributes: attributes, group: s.GroupID, dedup: s.DedupID, trace: trace}
	if len(system) > 0 {
		p.letter.trace = system[0].text
	}
	p.receipt = sendMessageOutput{
		ID: p.letter.id, BodyMD5: p.letter.bodyMD5,
		AttributesMD5: attributesMD5(attributes), SystemAttributesMD5: attributesMD5(system),
	}
	return p, nil
}

// accept takes a parcel into the queue, or refuses it. The caller holds the lock.
func (q *queue) accept(p *parcel, now int64) error {
	if most := q.settings.numbers["MaximumMessageSize"]; p.size > most {
		return invalidParameter.because("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", most)
	}
	delay, err := q.delayOf(p)
	if err != nil {
		return err
	}
	if err := checkID("MessageGroupId", p.letter.group); err != nil {
		return err
	}
	if err := checkID("MessageDeduplicationId", p.letter.dedup); err != nil {
		return err
	}
	if q.fifo {
		if sent, err := q.order(p, now); sent != nil || err != nil {
			return err
		}
	} else if p.letter.dedup != "" {
		return invalid(p.letter.dedup, "MessageDeduplicationId", "The request includes a parameter that is not valid for this queue type.")
	}
	p.letter.sent = now
	q.put(&message{letter: p.letter, enqueued: now}, now, delay)
	return nil
}

// delayOf is how long the message stays invisible, in milliseconds.
func (q *queue) delayOf(p *parcel) (int64, error) {
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

// order gives the message of a FIFO queue its sequence number, or returns what it is a duplicate of.
func (q *queue) order(p *parcel, now int64) (duplicate *letter, err error) {
	l := &p.letter
	if l.group == "" {
		return nil, missing("MessageGroupId")
	}
	if l.dedup == "" {
		if q.settings.texts["ContentBasedDeduplication"] != "true" {
			return nil, invalidParameter.because("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
		sum := sha256.Sum256([]byte(l.body))
		l.dedup = hex.EncodeToString(sum[:])
	}
	key := dedupKey{id: l.dedup}
	if q.settings.texts["DeduplicationScope"] == "messageGroup" {
		key.group = l.group
	}
	if sent := q.memory.recall(key, now); sent != nil {
		p.receipt.ID, p.receipt.Sequence = sent.id, sent.sequence
		return sent, nil
	}
	l.sequence = nextSequence()
	p.receipt.Sequence = l.sequence
	q.memory.remember(key, &letter{id: l.id, sequence: l.sequence}, now)
	return nil, nil
}

// sequences is the last sequence number given to any message.
var sequences atomic.Uint64

// nextSequence is a number of 20 digits, as AWS's are.
func nextSequence() string { return fmt.Sprintf("188%017d", sequences.Add(1)) }

// checkID holds a group or deduplication id to 1 to 128 letters, digits and punctuation; "" is none.
func checkID(parameter, id string) error {
	if len(id) > 128 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return invalid(id, parameter, parameter+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return nil
}
