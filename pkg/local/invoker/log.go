package invoker

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"sqs2pg/pkg/local/eventsource"
)

// Log reads what the function writes. It keeps the numbers and the reasons of failures, and passes
// on what a person at a terminal would act on: each error once, as plain text, and the lines that
// it does not know. It must be given whole lines and is safe for concurrent use.
type Log struct {
	passOn io.Writer
	stop   func(error) // gets a fault of the set-up; nil: the fault is passed on like other errors

	mu           sync.Mutex
	written      int
	duplicates   int
	superseded   int
	erased       int
	unsealed     int
	ledger       *ledger
	errors       map[string]bool // texts of errors that were passed on
	startError   string          // why the function refused to start
	databaseTime float64         // milliseconds of the database per batch: a running mean that favours the latest
}

// NewLog returns a log that passes lines on to w.
func NewLog(w io.Writer) *Log {
	return &Log{passOn: w, ledger: newLedger(remembered), errors: map[string]bool{}}
}

// Written returns how many messages became new rows.
func (l *Log) Written() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written
}

// Duplicates returns how many messages were in the table already.
func (l *Log) Duplicates() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.duplicates
}

// Superseded returns how many messages were older than the row of their key.
func (l *Log) Superseded() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.superseded
}

// Erased returns how many messages were not written because they were of erased people.
func (l *Log) Erased() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.erased
}

// Unsealed returns how many messages were written without a seal, because they were older than the
// vault keeps seals.
func (l *Log) Unsealed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unsealed
}

// Reason returns why the message with that id failed last, and "" if it did not fail, or if 100,000
// others failed since.
func (l *Log) Reason(messageID string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ledger.reason(messageID)
}

// failures are the messages that failed, as the ledger counts them.
type failures struct {
	failing, dead int
	reasons       []failure // the latest first
}

// failure is a reason, and how many messages failed last for it.
type failure struct {
	reason   string
	messages int
	seen     int
}

// failures returns the present counts. A message without a reason of its own has the reason
// otherwise.
func (l *Log) failures(otherwise string) failures {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := failures{failing: l.ledger.failing, dead: l.ledger.dead}
	for reason, n := range l.ledger.reasons {
		f.reasons = append(f.reasons, failure{cmp.Or(reason, otherwise), n, l.ledger.seen[reason]})
	}
	slices.SortFunc(f.reasons, func(a, b failure) int {
		return cmp.Or(cmp.Compare(b.seen, a.seen), cmp.Compare(a.reason, b.reason))
	})
	return f
}

// finished is called by the mapping.
func (l *Log) finished(f eventsource.Finished) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ledger.finished(f)
}

// DatabaseTime returns the milliseconds that a batch waits for the database: a running mean that
// favours the latest.
func (l *Log) DatabaseTime() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.databaseTime
}

// Write takes one or more lines.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(p) {
		if err := l.take(line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// logLine has those members of log lines and metric lines that are used here: see pkg/ingest and
// pkg/telemetry.
type logLine struct {
	Level, Message                                            string
	MessageID                                                 string `json:"messageId"`
	Outcome, Field, Rule, SQLState, Constraint, Column, Error string
	Reason                                                    string
	Written, Duplicates, Superseded, Erased, Unsealed         int
	DatabaseTime                                              float64
	Metrics                                                   json.RawMessage `json:"_aws"`
}

// isSetupFault reports whether the line says that no batch can be written until a person has repaired
// contract, keyring or database. A database that is only down has no reason.
func (f *logLine) isSetupFault() bool {
	return f.Message == batchReturned && (f.Reason == "contract" || f.Reason == "database")
}

// take reads one line. l.mu is held.
func (l *Log) take(line []byte) error {
	var f logLine
	switch err := json.Unmarshal(line, &f); {
	case err == nil && f.Metrics != nil:
		l.written += f.Written
		l.duplicates += f.Duplicates
		l.superseded += f.Superseded
		l.erased += f.Erased
		l.unsealed += f.Unsealed
		if l.databaseTime == 0 {
			l.databaseTime = f.DatabaseTime
		}
		l.databaseTime += (f.DatabaseTime - l.databaseTime) / 8
	case err == nil && f.Outcome != "":
		l.ledger.explain(f.MessageID, reason(f.Outcome, f.Field, f.Rule, f.SQLState, f.Constraint, f.Column, f.Error))
	case err == nil && f.Message == startRefused:
		l.startError = strings.ReplaceAll(f.Error, "\n", "; ")
	case err == nil && f.isSetupFault() && l.stop != nil:
		l.errors[f.Error] = true
		l.stop(&SetupFaultError{strings.ReplaceAll(f.Error, "\n", "; ")})
	case err == nil && f.Error != "":
		return l.passOnce(f.Message, f.Error)
	default:
		if text := returnedError(line); text != "" {
			return l.passOnce("error", text)
		}
		_, err := l.passOn.Write(line)
		return err
	}
	return nil
}

// returnedError reads the line that aws-lambda-go writes to standard error about an error that the
// handler returned: 2026/01/02 03:04:05 {"errorMessage": ...}. The function may have logged the same
// error, or may be about to. The line of a panic has a stack trace, and is not read.
func returnedError(line []byte) string {
	var returned struct {
		ErrorMessage string `json:"errorMessage"`
		StackTrace   []any  `json:"stackTrace"`
	}
	_, object, _ := bytes.Cut(line, []byte("{"))
	if json.Unmarshal(append([]byte("{"), object...), &returned) != nil || returned.StackTrace != nil {
		return ""
	}
	return returned.ErrorMessage
}

// The messages of two of the function's log lines: about a start that it refused, and about a batch
// that comes back whole.
const (
	startRefused  = "start refused"
	batchReturned = "batch returned to the queue"
)

// errorsKept is how many texts of errors are kept, so that each is passed on once.
const errorsKept = 1000

// passOnce passes an error on the first time that it comes. l.mu is held.
func (l *Log) passOnce(message, text string) error {
	if l.errors[text] {
		return nil
	}
	if len(l.errors) == errorsKept {
		clear(l.errors)
	}
	l.errors[text] = true
	_, err := fmt.Fprintf(l.passOn, "function: %s: %s\n", message, strings.ReplaceAll(text, "\n", "; "))
	return err
}

// explainStart makes an error of the function's start say why the function refused it, if the
// function did.
func (l *Log) explainStart(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil || l.startError == "" {
		return err
	}
	return fmt.Errorf("the function refused to start: %s", l.startError)
}

// reason says why a message failed, in the words of the function's log: "invalid: ip required".
// Empty details are left out.
func reason(outcome string, details ...string) string {
	var words []string
	for _, d := range details {
		if d != "" {
			words = append(words, d)
		}
	}
	if len(words) == 0 {
		return outcome
	}
	return outcome + ": " + strings.Join(words, " ")
}
