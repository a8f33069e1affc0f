package sqsserver

import (
	"encoding/base64"
	"encoding/binary"
)

// handleStart makes receipt handles begin with AQEB, like AWS's.
const handleStart = 0x01010100

// handle returns the receipt handle of the message's latest receive. It contains the queue, the
// message and the number of the receive, so find needs no search and recognises a handle that is
// not the newest.
func (q *queue) handle(m *message) string {
	var raw [24]byte
	binary.BigEndian.PutUint32(raw[0:], handleStart)
	binary.BigEndian.PutUint64(raw[4:], q.nonce)
	binary.BigEndian.PutUint64(raw[12:], m.ordinal)
	binary.BigEndian.PutUint32(raw[20:], uint32(m.receives))
	return base64.StdEncoding.EncodeToString(raw[:])
}

// find returns the message of a receipt handle. It returns nil if the message is gone, or was
// received again after the receive of the handle.
func (q *queue) find(handle string) (*message, error) {
	if handle == "" {
		return nil, missing("ReceiptHandle")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(handle)
	if err != nil || len(raw) != 24 || binary.BigEndian.Uint32(raw) != handleStart || binary.BigEndian.Uint64(raw[4:]) != q.nonce {
		return nil, receiptHandleIsInvalid.because("The input receipt handle \"%s\" is not a valid receipt handle.", handle)
	}
	m := q.received[binary.BigEndian.Uint64(raw[12:])]
	if m == nil || uint32(m.receives) != binary.BigEndian.Uint32(raw[20:]) {
		return nil, nil
	}
	return m, nil
}

type deleteMessageInput struct {
	URL    string `json:"QueueUrl"`
	Handle string `json:"ReceiptHandle"`
}

func (c *call) deleteMessage(in *deleteMessageInput) (*noOutput, error) {
	q, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	return nil, q.deleteByHandle(in.Handle)
}

// deleteByHandle deletes the message of a receipt handle. If the message is gone or was received
// again, it does nothing. On a FIFO queue a handle expires with the visibility timeout, because
// another receiver may have continued the group.
func (q *queue) deleteByHandle(handle string) error {
	m, err := q.find(handle)
	if err != nil || m == nil {
		return err
	}
	if q.fifo && m.state != inFlight {
		return invalid(handle, "ReceiptHandle", "The receipt handle has expired.")
	}
	q.remove(m)
	return nil
}

// maxVisibility is the longest time in seconds from a receive until the message is visible again.
const maxVisibility = 43_200

type changeMessageVisibilityInput struct {
	URL     string `json:"QueueUrl"`
	Handle  string `json:"ReceiptHandle"`
	Timeout *int   `json:"VisibilityTimeout"`
}

func (c *call) changeMessageVisibility(in *changeMessageVisibilityInput) (*noOutput, error) {
	q, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	return nil, q.setVisibility(in.Handle, in.Timeout, now)
}

// setVisibility makes the message of a receipt handle visible after that many seconds from now.
func (q *queue) setVisibility(handle string, seconds *int, now int64) error {
	if seconds == nil {
		return missing("VisibilityTimeout")
	}
	if *seconds < 0 || *seconds > maxVisibility {
		return invalid(*seconds, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	m, err := q.find(handle)
	switch until := now + int64(*seconds)*1000; {
	case err != nil:
		return err
	case m == nil:
		return invalid(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	case m.state != inFlight:
		return messageNotInflight.because("The message referred to isn't in flight.")
	case *seconds == 0:
		q.show(m)
	case until > m.received+maxVisibility*1000:
		return invalid(*seconds, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	default:
		q.schedule.move(m, until)
	}
	return nil
}
