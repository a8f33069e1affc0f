// Package bodies reads the bodies of messages from a file: one a line, the elements of a JSON array,
// or JSON documents over several lines.
//
// People have messages in all of these forms. A line of a longer document, sent as a message, would
// only be found as a dead letter. So this package looks at the whole input, says what it is, and
// names the line that is wrong, before it gives the first body. It holds one body in memory at a
// time, whatever the size of the input.
package bodies

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"unicode/utf8"

	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/terminal"
)

// Form is how the messages stand in the input.
type Form int

// The forms. Blank lines count in none of them.
const (
	Lines     Form = iota // one message a line
	Array                 // one JSON array, each element a message
	Documents             // JSON values over several lines, each a message
)

// Options say what a line may be.
type Options struct {
	// Raw makes each line a message, JSON or not.
	Raw bool
	// Unchecked gives every line as it is. The caller checks it.
	Unchecked bool
}

// Text is an input that was looked at. Close it after use.
type Text struct {
	Form  Form
	Count int  // of messages
	Mark  bool // the input began with a byte order mark, which is left out

	options Options
	in      io.ReadSeeker
	start   int64 // where the text begins in in, after the mark
	close   func()
}

// Body is one message. Its text is valid until the next one is asked for.
type Body struct {
	Number int // of the line, element or document, from 1
	Text   []byte
}

// OpenFile opens a file as Open does; - is stdin.
func OpenFile(ctx context.Context, path string, stdin io.Reader, o Options) (*Text, error) {
	if path == "-" {
		return Open(ctx, stdin, o)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	t, err := Open(ctx, f, o)
	if err != nil {
		f.Close()
		return nil, err
	}
	t.close = func() { f.Close() }
	return t, nil
}

// Open recognises the form of the input and checks each message: it must be JSON unless the options
// say otherwise, and something that SQS takes. Its error names the line or the element. An input
// that cannot be read twice, such as a pipe, is read to its end first, or until ctx ends.
func Open(ctx context.Context, in io.Reader, o Options) (*Text, error) {
	kept, closeKept, err := seekable(ctx, in)
	if err != nil {
		return nil, err
	}
	t := &Text{options: o, in: kept, close: closeKept}
	if err := t.examine(); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// Close closes what OpenFile or Open has opened.
func (t *Text) Close() { t.close() }

func (t *Text) examine() error {
	if err := t.skipMark(); err != nil {
		return err
	}
	if err := t.recognise(); err != nil {
		return err
	}
	for body, err := range t.All() {
		if err != nil {
			return err
		}
		if err := t.check(body.Text); err != nil {
			return fmt.Errorf("%s %w", t.Place(body.Number), err)
		}
		t.Count++
	}
	return nil
}

// check returns what is wrong with a message, as the end of a sentence.
func (t *Text) check(body []byte) error {
	switch {
	case len(body) > queue.MaxSize:
		return fmt.Errorf("has %d bytes: SQS takes %d", len(body), queue.MaxSize)
	case t.options.Unchecked:
		return nil
	case !utf8.Valid(body):
		return errors.New("is not valid UTF-8: save the file as UTF-8")
	case bytes.ContainsFunc(body, forbidden):
		return errors.New("has a control character that SQS does not take: remove it")
	case !t.options.Raw && !json.Valid(body):
		return errors.New("is not JSON: mend it, or send each line as it is with --raw")
	}
	return nil
}

// forbidden reports whether SQS refuses a message with that character.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func forbidden(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// All gives the messages in order. It may be called again, but not concurrently. An error is the last
// that it gives.
func (t *Text) All() iter.Seq2[Body, error] {
	if t.Form == Lines {
		return t.lines
	}
	return t.values
}

// Strings gives the messages as All does, without their numbers.
func (t *Text) Strings() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for body, err := range t.All() {
			if !yield(string(body.Text), err) {
				return
			}
		}
	}
}

// String says what was recognised: "3 messages from a JSON array".
func (t *Text) String() string {
	text := terminal.Plural(t.Count, "message", "messages")
	switch {
	case t.Form == Array:
		text += " from a JSON array"
	case t.Form == Documents && t.Count == 1:
		text += " from a JSON document"
	case t.Form == Documents:
		text += " from JSON documents"
	default:
		text += ", one a line"
	}
	if t.Mark {
		text += "; the byte order mark is left out"
	}
	return text
}

// Place names the message of that number: "line 7".
func (t *Text) Place(number int) string {
	return fmt.Sprint([...]string{Lines: "line ", Array: "element ", Documents: "document "}[t.Form], number)
}
