package sqsserver

import (
	"encoding/base64"
	"encoding/binary"
)

// handleStart makes receipt handles begin with AQEB, as AWS's do.
const handleStart = 0x01010100

// handle is the receipt handle of the message's latest receive: queue, message and receive, so that it is found without a
// search and an older one is told from the newest.
func (q *queue) handle(m *message) string {
	var raw [24]byte
	binary.BigEndian.PutUint32(raw[0:], handleStart)
	binary.BigEndian.PutUint64(raw[4:], q.nonce)
	binary.BigEndian.PutUint64(raw[12:], m.ordinal)
	binary.BigEndian.PutUint32(raw[20:], uint32(m.receives))
	return base64.StdEncoding.EncodeToString(raw[:])
}

// find returns the message of a receipt handle, nil where it is gone or was received again since.
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

func (c *call) deleteMessage(in *deleteMessageInput) (*none, error) {
	q, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	return nil, q.discard(in.Handle)
}

// discard deletes the message of a receipt handle. A message that is gone, or that was received again since, is no error. On
// a FIFO queue a handle ends with its visibility timeout: the group may have gone on to another receiver.
func (q *queue) discard(handle string) error {
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

// maxVisibility is how long a message can stay invisible from the moment it was received, in seconds.
const maxVisibility = 43_200

type changeMessageVisibilityInput struct {
	URL     string `json:"QueueUrl"`
	Handle  string `json:"ReceiptHandle"`
	Timeout *int   `json:"VisibilityTimeout"`
}

func (c *call) changeMessageVisibility(in *changeMessageVisibilityInput) (*none, error) {
	q, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	defer q.release(now)
	return nil, q.extend(in.Handle, in.Timeout, now)
}

// extend lets the message of a receipt handle become visible that many seconds from now.
func (q *queue) extend(handle string, seconds *int, now int64) error {
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
