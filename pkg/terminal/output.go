package terminal

import (
	"io"
	"os"
)

// Output is a standard output that remembers its first failed write, such as on a full disk. Most
// callers print and look at no error; whoever made the Output asks at the end. It is for one
// goroutine at a time.
type Output struct {
	w   io.Writer
	err error
}

// NewOutput returns an Output that writes to w. It is a terminal if w is one.
func NewOutput(w io.Writer) *Output { return &Output{w: w} }

// Write writes to the stream. Its errors are those of the stream.
func (o *Output) Write(text []byte) (int, error) {
	n, err := o.w.Write(text)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// Err is the error of the first write that failed, or nil.
func (o *Output) Err() error { return o.err }

// file returns the file behind a reader or writer.
func file(stream any) (*os.File, bool) {
	if o, ok := stream.(*Output); ok {
		stream = o.w
	}
	f, ok := stream.(*os.File)
	return f, ok
}
