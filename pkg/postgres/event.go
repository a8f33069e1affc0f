package postgres

import (
	"encoding/binary"

	"sqs2pg/pkg/contract/wire"
)

func appendSentAt(b []byte, e *Event) []byte {
	return wire.AppendTime(binary.BigEndian.AppendUint32(b, 8), e.SentAt.UnixMicro())
}

func appendID(b []byte, e *Event) []byte {
	return append(binary.BigEndian.AppendUint32(b, 16), e.ID[:]...)
}

func appendCreateDate(b []byte, e *Event) []byte {
	return wire.AppendDate(binary.BigEndian.AppendUint32(b, 4), e.SentAt.UnixMicro())
}
