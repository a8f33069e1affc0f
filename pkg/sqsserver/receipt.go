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
