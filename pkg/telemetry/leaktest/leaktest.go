// Package leaktest searches the output of a program for personal values, in every form that a
// program may give them: escaped, quoted, in hexadecimal, in base64 at any alignment, as digits
// alone.
//
// A leak is seldom a plain log line. The value arrives inside an error of a library, a dump of a
// buffer or a URL, so a search for the plain text alone proves little.
package leaktest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"
)

// shortest is the least length of a text to search for; shorter texts turn up by chance.
const shortest = 8

// fewestDigits is the same for digits alone, which logs are full of.
const fewestDigits = 12

// Search searches any number of streams for a set of values. It is safe for concurrent use.
type Search struct {
	index   map[uint64][]needle // by the first eight bytes
	starts  [1 << 16]bool       // the first two bytes of each needle
	longest int

	mu    sync.Mutex
	bytes int64
	found map[string]bool
}

// needle is one form of one value.
type needle struct {
	text        []byte
	value, form string
}

// For returns a search for those values. It panics if a value has fewer than 8 bytes.
func For(values ...string) *Search {
	s := &Search{index: map[uint64][]needle{}, found: map[string]bool{}}
	for _, value := range values {
		if len(value) < shortest {
			panic("leaktest: too short to be searched for: " + value)
		}
		for form, texts := range forms(value) {
			for _, text := range texts {
				s.add(needle{[]byte(text), value, form})
			}
		}
	}
	return s
}

func (s *Search) add(n needle) {
	if len(n.text) < shortest {
		return
	}
	key := binary.BigEndian.Uint64(n.text)
	if slices.ContainsFunc(s.index[key], func(m needle) bool { return bytes.Equal(m.text, n.text) }) {
		return
	}
	s.index[key] = append(s.index[key], n)
	s.starts[binary.BigEndian.Uint16(n.text)] = true
	s.longest = max(s.longest, len(n.text))
}

// forms returns the ways in which a value may be written.
func forms(value string) map[string][]string {
	quoted, _ := json.Marshal(value) // a string: cannot fail
	escaped := string(quoted[1 : len(quoted)-1])
	twice, _ := json.Marshal(escaped)
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, value)
	if len(digits) < fewestDigits {
		digits = ""
	}
	goQuoted := fmt.Sprintf("%+q", value)
	return map[string][]string{
		"as it is":      {value, strings.ReplaceAll(value, "'", "''"), strings.ToUpper(value), strings.ToLower(value)},
		"JSON":          {escaped, string(twice[1 : len(twice)-1]), strings.ReplaceAll(value, `"`, `\"`), codeUnits(value)},
		"quoted by Go":  {goQuoted[1 : len(goQuoted)-1]},
		"hexadecimal":   {hex.EncodeToString([]byte(value)), strings.ToUpper(hex.EncodeToString([]byte(value))), fmt.Sprintf("% x", value)},
		"numbers":       {strings.Trim(fmt.Sprint([]byte(value)), "[]")},
		"URL":           {url.QueryEscape(value), url.PathEscape(value), percent(value)},
		"base64":        append(base64At(base64.StdEncoding, value), base64At(base64.URLEncoding, value)...),
		"digits alone":  {digits},
		"CSV or quoted": {strings.ReplaceAll(value, `"`, `""`)},
	}
}

// codeUnits writes every character as a \u escape.
func codeUnits(value string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(value)) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return b.String()
}

func percent(value string) string {
	var b strings.Builder
	for _, c := range []byte(value) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// base64At returns the part of the value's base64 form that stays the same whatever stands before
// and after the value: one text for 0, 1 and 2 bytes before it in its group of three.
func base64At(e *base64.Encoding, value string) []string {
	var texts []string
	for before := range 3 {
		text := e.WithPadding(base64.NoPadding).EncodeToString(append(make([]byte, before), value...))
		first := []int{0, 2, 3}[before]                           // characters that also hold bits of the bytes before
		last := len(text) - []int{0, 1, 1}[(before+len(value))%3] // and of the bytes after
		texts = append(texts, text[first:last])
	}
	return texts
}

// Stream returns a writer that searches what is written to it, also across two writes. It never
// fails.
func (s *Search) Stream(name string) io.Writer { return &stream{search: s, name: name} }

// Text searches one text.
func (s *Search) Text(name, text string) { s.Stream(name).Write([]byte(text)) }

// Found lists what was found: one line for each value, form and stream. A line shows the value.
func (s *Search) Found() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := []string{}
	for line := range s.found {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// Bytes returns how much was searched.
func (s *Search) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

type stream struct {
	search *Search
	name   string

	mu   sync.Mutex
	tail []byte // the end of earlier writes, where a value may begin
}

func (w *stream) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.tail, p...)
	w.search.look(w.name, text)
	w.search.mu.Lock()
	w.search.bytes += int64(len(p))
	w.search.mu.Unlock()
	w.tail = append([]byte(nil), text[max(0, len(text)-w.search.longest):]...)
	return len(p), nil
}

func (s *Search) look(name string, text []byte) {
	for i := 0; i+shortest <= len(text); i++ {
		if !s.starts[uint16(text[i])<<8|uint16(text[i+1])] {
			continue
		}
		for _, n := range s.index[binary.BigEndian.Uint64(text[i:])] {
			if bytes.HasPrefix(text[i:], n.text) {
				s.report(name, n, text[max(0, i-60):min(len(text), i+len(n.text)+20)])
			}
		}
	}
}

func (s *Search) report(name string, n needle, around []byte) {
	line := fmt.Sprintf("%s holds %q (%s)", name, n.value, n.form)
	s.mu.Lock()
	defer s.mu.Unlock()
	for known := range s.found {
		if strings.HasPrefix(known, line) {
			return
		}
	}
	s.found[fmt.Sprintf("%s: %q", line, around)] = true
}
