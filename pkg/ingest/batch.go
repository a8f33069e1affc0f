package ingest

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/message"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/telemetry"
)

// outcome is why a message failed, in the words of the logs and metrics.
type outcome string

const (
	malformed outcome = "malformed" // not a JSON object
	invalid   outcome = "invalid"   // breaks the contract
	rejected  outcome = "rejected"  // Postgres refused it
	held      outcome = "held"      // waits behind a failed message of its FIFO group
	undecided outcome = "undecided" // the time was over before it was known to be written
)

// failure is why a message is given back to SQS. It holds names and codes, never a value.
type failure struct {
	outcome              outcome
	field, rule, hint    string // malformed, invalid
	sqlstate, constraint string // rejected
	column               string
	obstacle             string // rejected: what is in the way of its partition
	unproven             bool   // rejected, but the set-up of the database may be at fault
}

// expired reports whether the message is older than its table's window.
func (f *failure) expired() bool { return f.rule == message.Expired }

// batch is one invocation's messages.
type batch struct {
	records      []message.Record // in the order of the event
	failures     []*failure       // failures[i] is why records[i] failed; nil means that it did not
	failedGroups map[string]bool
	index        []int // the event i of those that go to Postgres is records[index[i]]
	written      int
	duplicates   int
	superseded   int
	decodeTime   time.Duration
	databaseTime time.Duration
}

func newBatch(records []message.Record) *batch {
	return &batch{
		records: records, failures: make([]*failure, len(records)), failedGroups: map[string]bool{},
		index: make([]int, 0, len(records)),
	}
}

func (b *batch) fail(i int, f failure) {
	b.failures[i] = &f
	if group := b.records[i].Group(); group != "" {
		b.failedGroups[group] = true
	}
}

// reject takes over the writer's result. The writer holds the later events of a group in which one
// failed; messages of the group that break the contract have their own failure already.
func (b *batch) reject(result postgres.Result) {
	b.written, b.duplicates, b.superseded = result.Written, result.Duplicates, result.Superseded
	for _, f := range result.Failures {
		reason := failure{outcome: rejected, sqlstate: f.SQLSTATE, constraint: f.Constraint, column: f.Column, obstacle: f.Reason, unproven: f.Unproven || f.Reason != ""}
		if f.Held {
			reason = failure{outcome: held}
		} else if f.Undecided {
			reason = failure{outcome: undecided}
		}
		b.failures[b.index[f.Index]] = &reason
	}
}

// unproven returns the rejected messages for which the set-up of the database may be at fault.
func (b *batch) unproven() []message.Record {
	var records []message.Record
	for i, f := range b.failures {
		if f != nil && f.unproven {
			records = append(records, b.records[i])
		}
	}
	return records
}

// hasExpired reports whether some message is older than its table's window.
func (b *batch) hasExpired() bool {
	return slices.ContainsFunc(b.failures, func(f *failure) bool { return f != nil && f.expired() })
}

// response lists the failed messages. If none failed the list is empty and not nil, so that it is
// written as [].
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func (b *batch) response() events.SQSEventResponse {
	failures := []events.SQSBatchItemFailure{}
	for i, f := range b.failures {
		if f != nil {
			failures = append(failures, events.SQSBatchItemFailure{ItemIdentifier: b.records[i].MessageID})
		}
	}
	return events.SQSEventResponse{BatchItemFailures: failures}
}

func (b *batch) counts() []telemetry.Metric {
	n, expired := map[outcome]int{}, 0
	for _, f := range b.failures {
		if f != nil && f.expired() {
			expired++
		} else if f != nil {
			n[f.outcome]++
		}
	}
	count := func(name string, v int) telemetry.Metric {
		return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(v)}
	}
	metrics := []telemetry.Metric{
		count("Written", b.written), count("Duplicates", b.duplicates), count("Superseded", b.superseded),
		count("Malformed", n[malformed]), count("Invalid", n[invalid]), count("Expired", expired), count("Rejected", n[rejected]), count("Held", n[held]), count("Undecided", n[undecided]),
		count("Failed", len(b.records)-b.written-b.duplicates-b.superseded),
	}
	if n := len(b.unproven()); n > 0 {
		metrics = append(metrics, count("SetupFault", n))
	}
	return metrics
}

// violated names the rule of the contract that a message breaks.
func violated(err error) failure {
	var v *contract.Violation
	if !errors.As(err, &v) {
		return failure{outcome: invalid, rule: "unknown"}
	}
	if v.Malformed {
		return failure{outcome: malformed, field: v.Field, rule: v.Rule}
	}
	return failure{outcome: invalid, field: v.Field, rule: v.Rule, hint: v.Hint}
}

// attrs describes the failure of r in the log; empty attributes are left out.
func (f *failure) attrs(r *message.Record) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("messageId", r.MessageID), slog.String("outcome", string(f.outcome)),
		slog.String("receiveCount", r.Attributes.ApproximateReceiveCount),
	}
	reason := ""
	if f.unproven {
		reason = databaseFault
	}
	for _, a := range []slog.Attr{
		slog.String("reason", reason), slog.String("field", f.field), slog.String("rule", f.rule), slog.String("hint", f.hint),
		slog.String("sqlstate", f.sqlstate), slog.String("constraint", f.constraint), slog.String("column", f.column),
		slog.String("error", f.obstacle),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	return attrs
}
