package sqsserver

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
