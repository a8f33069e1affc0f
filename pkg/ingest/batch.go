package ingest

import (
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/telemetry"
)

// outcome is why a message failed, in the words of the logs and metrics.
type outcome string

const (
	malformed outcome = "malformed" // not a JSON object
	invalid   outcome = "invalid"   // against the contract
	rejected  outcome = "rejected"  // refused by Postgres
	held      outcome = "held"      // sound, but behind a failed message of its FIFO group
)

// failure is the reason that a message is given back to SQS. It holds names and codes, never a value.
type failure struct {
	outcome              outcome
	field, rule          string // malformed, invalid
	sqlstate, constraint string // rejected
	column               string
}

// message is what is kept of a message once its body is decoded.
type message struct {
	id, group, receiveCount string
	failure                 *failure
}

// batch is one invocation's messages in the order of the event, and of those the events that go to Postgres.
type batch struct {
	messages     []message
	events       []postgres.Event
	index        []int // of events[i] in messages
	failedGroups map[string]bool
	written      int
	duplicates   int
	databaseTime time.Duration
}

func (b *batch) addEvent(m message, e postgres.Event) {
	b.index = append(b.index, len(b.messages))
	b.events = append(b.events, e)
	b.messages = append(b.messages, m)
}

func (b *batch) add(m message, f failure) {
	m.failure = &f
	b.messages = append(b.messages, m)
	if m.group != "" {
		b.failedGroups[m.group] = true
	}
}

// reject takes over what Postgres refused. The writer has held back what followed in the same group; what was refused by
// the contract in between has its own reason already.
func (b *batch) reject(result postgres.Result) {
	b.written, b.duplicates = result.Written, result.Duplicates
	for _, f := range result.Failures {
		reason := failure{outcome: rejected, sqlstate: f.SQLSTATE, constraint: f.Constraint, column: f.Column}
		if f.Held {
			reason = failure{outcome: held}
		}
		b.messages[b.index[f.Index]].failure = &reason
	}
}

// response lists the failed messages. The list is made, never nil: null would mean that all succeeded.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func (b *batch) response() events.SQSEventResponse {
	failures := []events.SQSBatchItemFailure{}
	for _, m := range b.messages {
		if m.failure != nil {
			failures = append(failures, events.SQSBatchItemFailure{ItemIdentifier: m.id})
		}
	}
	return events.SQSEventResponse{BatchItemFailures: failures}
}

func (b *batch) counts() []telemetry.Metric {
	n := map[outcome]int{}
	for _, m := range b.messages {
		if m.failure != nil {
			n[m.failure.outcome]++
		}
	}
	count := func(name string, v int) telemetry.Metric {
		return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(v)}
	}
	return []telemetry.Metric{
		count("Written", b.written), count("Duplicates", b.duplicates),
		count("Malformed", n[malformed]), count("Invalid", n[invalid]), count("Rejected", n[rejected]), count("Held", n[held]),
		count("Failed", len(b.messages)-b.written-b.duplicates),
	}
}

// violated names what a message has against its contract.
func violated(err error) failure {
	var v *contract.Violation
	if !errors.As(err, &v) {
		return failure{outcome: invalid, rule: "unknown"}
	}
	if v.Malformed {
		return failure{outcome: malformed, field: v.Field, rule: v.Rule}
	}
	return failure{outcome: invalid, field: v.Field, rule: v.Rule}
}

func (m *message) attrs() []slog.Attr {
	f := m.failure
	attrs := []slog.Attr{slog.String("messageId", m.id), slog.String("outcome", string(f.outcome)), slog.String("receiveCount", m.receiveCount)}
	for _, a := range []slog.Attr{
		slog.String("field", f.field), slog.String("rule", f.rule),
		slog.String("sqlstate", f.sqlstate), slog.String("constraint", f.constraint), slog.String("column", f.column),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	return attrs
}
