package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"strings"
	"sync"
)

// functionLog reads what the function writes: it keeps the numbers and the reasons, and passes on only what a person
// at a terminal would act on. It is given whole lines and is safe for concurrent use.
type functionLog struct {
	passOn io.Writer

	mu       sync.Mutex
	written  int
	repeated int               // duplicates
	failures map[string]int    // receives that failed, by reason
	reasons  map[string]string // the last reason of each failed message, by message id
	db       float64           // milliseconds that a batch waits for the database: a running mean that favours the latest
}

func newFunctionLog(passOn io.Writer) *functionLog {
	return &functionLog{passOn: passOn, failures: map[string]int{}, reasons: map[string]string{}}
}

// functionLine has the members of log lines and metric lines that are of use here: see pkg/ingest and pkg/telemetry.
type functionLine struct {
	Level, Message                                            string
	MessageID                                                 string `json:"messageId"`
	Outcome, Field, Rule, SQLState, Constraint, Column, Error string
	Written, Duplicates                                       int
	DatabaseTime                                              float64
	Metrics                                                   json.RawMessage `json:"_aws"`
}

// snapshot returns how often which reason was seen, and how long a batch waits for the database, in milliseconds.
func (l *functionLog) snapshot() (failures map[string]int, database float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.failures), l.db
}

// Write takes one or more lines.
func (l *functionLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(p) {
		if err := l.take(line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (l *functionLog) take(line []byte) error {
	var f functionLine
	switch err := json.Unmarshal(line, &f); {
	case err == nil && f.Metrics != nil:
		l.written += f.Written
		l.repeated += f.Duplicates
		if l.db == 0 {
			l.db = f.DatabaseTime
		}
		l.db += (f.DatabaseTime - l.db) / 8
	case err == nil && f.Outcome != "":
		l.failures[f.reason()]++
		l.reasons[f.MessageID] = f.reason()
	default:
		_, err := l.passOn.Write(line)
		return err
	}
	return nil
}

// reason says why a message failed in the words of the log: "invalid: ip required".
func (f *functionLine) reason() string {
	var words []string
	for _, w := range []string{f.Field, f.Rule, f.SQLState, f.Constraint, f.Column} {
		if w != "" {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		return f.Outcome
	}
	return f.Outcome + ": " + strings.Join(words, " ")
}
