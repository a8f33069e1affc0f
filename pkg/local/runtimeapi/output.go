package runtimeapi

import (
	"bytes"
	"io"
	"sync"
)

// lineLimit is the longest line in bytes; a longer one is cut. Lambda's log events have the same
// limit.
const lineLimit = 256 << 10

// sharedWriter receives the output of all processes.
type sharedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (s *sharedWriter) write(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to.Write(line) // if the output cannot be written, the function goes on
}

func (s *sharedWriter) lines() *lineWriter { return &lineWriter{to: s} }

// lineWriter collects the output of one stream of one process and passes on whole lines.
type lineWriter struct {
	to *sharedWriter

	mu      sync.Mutex
	partial []byte
	last    []byte
}

// Write never fails.
func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, p...)
	rest := l.partial
	for {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			break
		}
		l.emit(rest[:end+1])
		rest = rest[end+1:]
	}
	l.partial = append(l.partial[:0], rest...)
	if len(l.partial) >= lineLimit {
		l.endLine()
	}
	return len(p), nil
}

// flush passes on a last line that has no newline.
func (l *lineWriter) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.partial) > 0 {
		l.endLine()
	}
}

func (l *lineWriter) endLine() {
	l.emit(append(l.partial, '\n'))
	l.partial = l.partial[:0]
}

func (l *lineWriter) emit(line []byte) {
	l.to.write(line)
	if text := bytes.TrimSpace(line); len(text) > 0 {
		l.last = append(l.last[:0], text...)
	}
}

// lastLine returns the last line that was not blank; "" if all were blank.
func (l *lineWriter) lastLine() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.last)
}
