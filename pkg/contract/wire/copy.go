package wire

import (
	"encoding/binary"
	"io"
	"math"
)

// CopyReader reads as the binary form of COPY: a header, the tuples, and a trailer.
// See https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
type CopyReader struct {
	next          func(b []byte) ([]byte, error)
	chunk, unread []byte
	ended         bool
}

// NewCopyReader returns a reader of the tuples that next appends to b, some at a time, and none at
// the end. An error of next is that of Read.
func NewCopyReader(next func(b []byte) ([]byte, error)) *CopyReader {
	header := append(make([]byte, 0, 16<<10), "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	return &CopyReader{next: next, chunk: header, unread: header}
}

// Read implements io.Reader.
func (r *CopyReader) Read(p []byte) (int, error) {
	if len(r.unread) == 0 {
		if r.ended {
			return 0, io.EOF
		}
		if err := r.encode(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.unread)
	r.unread = r.unread[n:]
	return n, nil
}

func (r *CopyReader) encode() error {
	b, err := r.next(r.chunk[:0])
	if err != nil {
		return err
	}
	if r.ended = len(b) == 0; r.ended {
		b = binary.BigEndian.AppendUint16(b, math.MaxUint16)
	}
	r.chunk, r.unread = b, b
	return nil
}

// AppendTuple begins a tuple, whose fields follow.
func AppendTuple(b []byte, fields int) []byte {
	return binary.BigEndian.AppendUint16(b, uint16(fields))
}
