package sqsserver

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
