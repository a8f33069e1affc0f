package runtimeapi

import (
	"bytes"
	"io"
	"sync"
)

// lineLimit is where a line is cut that never ends; Lambda's log events end there too.
const lineLimit = 256 << 10

// sharedWriter is the one place where the output of all processes meets.
type sharedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (s *sharedWriter) write(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to.Write(line) // output that cannot be shown is no reason to stop the function
}

func (s *sharedWriter) lines() *lineWriter { return &lineWriter{to: s} }

// lineWriter passes whole lines on. One stream of one process writes to it.
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

// flush ends a line that the process left open.
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

// lastLine is the last line that was not blank.
func (l *lineWriter) lastLine() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.last)
}
