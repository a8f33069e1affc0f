// Package scan walks over a JSON text in place, value by value. It says where values are, and
// copies, converts and keeps nothing, because a batch of messages is read once and most of what SQS
// tells of them is not needed.
//
// It knows the grammar of RFC 8259 and nothing more: strings may hold invalid UTF-8, and the
// members of an object may repeat. [Unquote] refuses the first; callers look for the second.
package scan

// maxDepth is how deep arrays and objects may be nested.
const maxDepth = 10_000

// Cursor is a place in a JSON text. At the first mistake of the text the cursor fails: it goes to
// the end of the text and finds nothing more.
//
//	c := scan.New(text)
//	for c.Open('{'); c.Next('}'); {
//		name := c.Name()
//		value := c.Value()
//	}
//	if c.Failed() { ... }
type Cursor struct {
	text   []byte
	at     int
	depth  int
	first  bool // no comma comes before the next value
	failed bool
	// escaped is set if the last string that was read has an escape.
	escaped bool
}

// New returns a cursor at the beginning of a text, which must not change while it is in use.
func New(text []byte) Cursor { return Cursor{text: text} }

// Failed reports whether the cursor has met a mistake.
func (c *Cursor) Failed() bool { return c.failed }

// At is the number of bytes that the cursor has passed.
func (c *Cursor) At() int { return c.at }

// Depth is the number of arrays and objects that the cursor is in.
func (c *Cursor) Depth() int { return c.depth }

// Fail makes the cursor fail, because the text is not what the caller reads.
func (c *Cursor) Fail() { c.failed, c.at = true, len(c.text) }

// Peek returns the first byte of the next token, or 0 at the end of the text.
func (c *Cursor) Peek() byte {
	for ; c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; b {
		case ' ', '\t', '\n', '\r':
		default:
			return b
		}
	}
	return 0
}

// Open enters an array or an object: bracket is [ or {. It fails at anything else.
func (c *Cursor) Open(bracket byte) {
	if c.Peek() != bracket || c.depth == maxDepth {
		c.Fail()
		return
	}
	c.at++
	c.depth++
	c.first = true
}

// Next reports whether another value follows in the array or object that ends with bracket. It
// passes the comma before the value, or leaves the array or object.
func (c *Cursor) Next(bracket byte) bool {
	b := c.Peek()
	if b == bracket {
		c.at++
		c.depth--
		c.first = false
		return false
	}
	if c.first {
		c.first = false
		return !c.failed
	}
	if b != ',' {
		c.Fail()
		return false
	}
	c.at++
	return true
}

// Name reads the name of a member, and the colon behind it. The name is as the text has it, in
// quotes; nil if the cursor fails.
func (c *Cursor) Name() []byte {
	if c.Peek() != '"' {
		c.Fail()
		return nil
	}
	from := c.at
	c.passString()
	end := c.at
	if c.Peek() != ':' {
		c.Fail()
		return nil
	}
	c.at++
	return c.text[from:end]
}

// Escaped reports whether the name or the string that was read last has an escape. If not, it says
// what stands between its quotes.
func (c *Cursor) Escaped() bool { return c.escaped }

// passString passes over a string.
func (c *Cursor) passString() {
	end := 0
	if end, c.escaped = stringEnd(c.text, c.at); end == 0 {
		c.Fail()
		return
	}
	c.at = end
}

// Value reads a whole value, as the text has it, without the white space around it; nil if the
// cursor fails.
func (c *Cursor) Value() []byte {
	first := c.Peek()
	from := c.at
	switch first {
	case '"':
		c.passString()
	case '{':
		for c.Open('{'); c.Next('}'); c.Value() {
			c.Name()
		}
	case '[':
		for c.Open('['); c.Next(']'); c.Value() {
		}
	default:
		c.scalar(first)
	}
	if c.failed {
		return nil
	}
	return c.text[from:c.at]
}

func (c *Cursor) scalar(first byte) {
	end := 0
	switch first {
	case 't':
		end = literalEnd(c.text, c.at, "true")
	case 'f':
		end = literalEnd(c.text, c.at, "false")
	case 'n':
		end = literalEnd(c.text, c.at, "null")
	default:
		end = numberEnd(c.text, c.at)
	}
	if end == 0 {
		c.Fail()
		return
	}
	c.at = end
}
