package bodies

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/queue"
)

// The marks that editors and shells put before a text.
var (
	mark   = []byte("\ufeff")
	utf16s = [][]byte{{0xff, 0xfe}, {0xfe, 0xff}}
)

// blank are the bytes that JSON allows between values.
const blank = " \t\r\n"

// seekable returns in itself, or a copy in a temporary file if in cannot be read twice. The file has
// no name, so nothing of it is left.
func seekable(ctx context.Context, in io.Reader) (io.ReadSeeker, func(), error) {
	if s, ok := in.(io.ReadSeeker); ok {
		if _, err := s.Seek(0, io.SeekCurrent); err == nil {
			return s, func() {}, nil
		}
	}
	f, err := os.CreateTemp("", "sqs2pg-")
	if err != nil {
		return nil, nil, err
	}
	os.Remove(f.Name())
	copied := make(chan error, 1)
	go func() { // a read of a terminal cannot be cut off
		_, err := io.Copy(f, in)
		copied <- err
	}()
	select {
	case err = <-copied:
	case <-ctx.Done():
		err = errors.New("stopped while reading: nothing is sent")
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, func() { f.Close() }, nil
}

// skipMark finds the start of the text.
func (t *Text) skipMark() error {
	var err error
	if t.start, err = t.in.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	first := make([]byte, len(mark))
	n, err := io.ReadFull(t.in, first)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	for _, m := range utf16s {
		if bytes.HasPrefix(first[:n], m) {
			return errors.New("the file is UTF-16: save it as UTF-8")
		}
	}
	if t.Mark = bytes.Equal(first, mark); t.Mark {
		t.start += int64(len(mark))
	}
	return nil
}

// rewind goes back to the start of the text.
func (t *Text) rewind() error {
	_, err := t.in.Seek(t.start, io.SeekStart)
	return err
}

// recognise finds the form. An array is one if nothing follows it. What breaks off is taken for what
// its first line says, so that the error names the right place.
func (t *Text) recognise() error {
	if t.options.Raw {
		return nil
	}
	first, err := t.firstLine()
	if err != nil || len(first) == 0 || first[0] != '[' && first[0] != '{' {
		return err
	}
	alone := json.Valid(first)
	begun := decode(bytes.NewReader(first)).SkipValue() == nil // more may follow on the line
	if begun && (!alone || first[0] == '{') {
		return nil
	}
	if err := t.rewind(); err != nil {
		return err
	}
	d := decode(t.in)
	sound := d.SkipValue() == nil
	if sound && first[0] == '[' {
		_, end := d.ReadToken()
		sound = errors.Is(end, io.EOF)
	}
	switch {
	case !sound && (alone || t.options.Unchecked):
	case first[0] == '[':
		t.Form = Array
	default:
		t.Form = Documents
	}
	return nil
}

// firstLine returns the first line that is not blank, without the blanks around it, or the start of a
// line that is longer than a message may be.
func (t *Text) firstLine() (line []byte, err error) {
	if err := t.rewind(); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(t.in, queue.MaxSize)
	for err == nil && len(line) == 0 {
		line, err = in.ReadSlice('\n')
		line = bytes.Trim(line, blank)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) {
		err = nil
	}
	return line, err
}

// lines gives the lines that are not blank. A raw line may hold blanks only.
func (t *Text) lines(yield func(Body, error) bool) {
	if err := t.rewind(); err != nil {
		yield(Body{}, err)
		return
	}
	scanner := bufio.NewScanner(t.in)
	scanner.Buffer(nil, queue.MaxSize+len("\r\n"))
	number := 0
	for scanner.Scan() {
		number++
		line := scanner.Bytes()
		if len(line) == 0 || !t.options.Raw && len(bytes.Trim(line, blank)) == 0 {
			continue
		}
		if !yield(Body{number, line}, nil) {
			return
		}
	}
	switch err := scanner.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		yield(Body{}, fmt.Errorf("line %d is longer than the %d bytes that SQS takes", number+1, queue.MaxSize))
	case err != nil:
		yield(Body{}, fmt.Errorf("read line %d: %w", number+1, err))
	}
}

func decode(in io.Reader) *jsontext.Decoder {
	return jsontext.NewDecoder(in, jsontext.AllowDuplicateNames(true)) // the contract refuses them
}

// values gives the elements of an array, or the documents, without the blanks in them.
func (t *Text) values(yield func(Body, error) bool) {
	if err := t.rewind(); err != nil {
		yield(Body{}, err)
		return
	}
	d := decode(t.in)
	if t.Form == Array {
		_, _ = d.ReadToken() // recognise has seen it
	}
	for number := 1; ; number++ {
		value, err := d.ReadValue()
		if err == nil {
			err = value.Compact(jsontext.AllowDuplicateNames(true))
		}
		if err != nil {
			if err = t.end(d, number, err); err != nil {
				yield(Body{}, err)
			}
			return
		}
		if !yield(Body{number, value}, nil) {
			return
		}
	}
}

// end returns nil if err means that there are no more values, or says where the value of that number
// is not JSON.
func (t *Text) end(d *jsontext.Decoder, number int, err error) error {
	if t.Form == Array && d.PeekKind() == ']' {
		_, _ = d.ReadToken()
		_, err = d.ReadToken()
		if err == nil {
			return errors.New("more follows the JSON array: make it one array, or one message a line")
		}
	}
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		return fmt.Errorf("read %s: %w", t.Place(number), err)
	}
	line, err := t.lineAt(syntax.ByteOffset)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s is not JSON, see line %d: mend it, or send each line as it is with --raw", t.Place(number), line)
}

// lineAt returns the number of the line with that byte of the text.
func (t *Text) lineAt(offset int64) (int, error) {
	if err := t.rewind(); err != nil {
		return 0, err
	}
	in, line := bufio.NewReader(io.LimitReader(t.in, offset)), 1
	for {
		switch _, err := in.ReadSlice('\n'); {
		case errors.Is(err, io.EOF):
			return line, nil
		case err == nil:
			line++
		case !errors.Is(err, bufio.ErrBufferFull):
			return 0, err
		}
	}
}
