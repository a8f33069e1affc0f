package ingest

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/message"
	"sqs2pg/pkg/telemetry"
)

// outcome is why a message failed, in the words of the logs and metrics.
type outcome string

const (
	malformed outcome = "malformed" // not a JSON object
	invalid   outcome = "invalid"   // breaks the contract
	nobodys   outcome = "unmatched" // matches no contract
	rejected  outcome = "rejected"  // Postgres refused it
	held      outcome = "held"      // waits behind a failed message of its FIFO group
	undecided outcome = "undecided" // the time was over before it was known to be written

	unavailable outcome = "unavailable" // its table could not be written; the tables of others could
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

// unmatched stands for the contract of a message that belongs to none.
const unmatched = -1

// batch is one invocation's messages.
type batch struct {
	records      []message.Record // in the order of the event
	of           []int            // the contract of each, or unmatched
	failures     []*failure       // failures[i] is why records[i] failed; nil means that it did not
	marks        []mark           // of each
	failedGroups map[string]int   // the first message that failed, by group
	tables       []loaded         // by contract
}

// mark is what else became of a message.
type mark uint8

const (
	settled  mark = 1 << iota // the writer has decided
	erased                    // of an erased person, and not written
	unsealed                  // too old for the vault
)

// loaded is what became of the messages of one contract.
type loaded struct {
	written      int
	duplicates   int
	superseded   int
	decodeTime   time.Duration
	databaseTime time.Duration
	guard        guard
	err          error // why the table could not be written, or nil
}

func newBatch(records []message.Record, contracts int) *batch {
	b := &batch{
		records: records, of: make([]int, len(records)), failures: make([]*failure, len(records)), marks: make([]mark, len(records)),
		failedGroups: map[string]int{}, tables: make([]loaded, contracts),
	}
	for i := range b.of {
		b.of[i] = unmatched
	}
	return b
}

func (b *batch) fail(i int, f failure) {
	b.failures[i] = &f
	group := b.records[i].Group()
	if first, failed := b.failedGroups[group]; group != "" && (!failed || i < first) {
		b.failedGroups[group] = i
	}
}

// isOpen reports whether nobody has decided about a message.
func (b *batch) isOpen(i int) bool { return b.failures[i] == nil && b.marks[i]&(settled|erased) == 0 }

// waits reports whether a message is behind a failed one of its group.
func (b *batch) waits(i int) bool {
	if len(b.failedGroups) == 0 {
		return false
	}
	first, failed := b.failedGroups[b.records[i].Group()]
	return failed && first < i
}

// has reports whether a message is one of a contract.
func (b *batch) has(of int) bool { return slices.Contains(b.of, of) }

// unavailable returns an error if the batch has messages of tables that could not be written, and
// none of another table.
func (b *batch) unavailable() error {
	var errs []error
	for of, t := range b.tables {
		switch {
		case t.err != nil:
			errs = append(errs, t.err)
		case b.has(of):
			return nil
		}
	}
	return errors.Join(errs...)
}

// every stands for all contracts.
const every = -2

// failed returns the failed messages of a contract, or of every one, for whose failure the condition
// holds. It reads no failure of another contract, whose table may be written at the same time.
func (b *batch) failed(of int, holds func(*failure) bool) (records []message.Record) {
	for i := range b.failures {
		if of != every && b.of[i] != of {
			continue
		}
		if f := b.failures[i]; f != nil && holds(f) {
			records = append(records, b.records[i])
		}
	}
	return records
}

// recordsOf returns the messages of a contract.
func (b *batch) recordsOf(of int) (records []message.Record) {
	for i := range b.records {
		if b.of[i] == of {
			records = append(records, b.records[i])
		}
	}
	return records
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

// counts are the metrics of a contract, or of the messages that belong to none.
func (b *batch) counts(of int) []telemetry.Metric {
	n := map[outcome]int{}
	received, failed, unproven, expired := 0, 0, 0, 0
	for i, f := range b.failures {
		if b.of[i] != of {
			continue
		}
		received++
		if f != nil {
			if f.expired() {
				expired++
			} else {
				n[f.outcome]++
			}
			if f.outcome != unavailable {
				failed++
			}
			if f.unproven {
				unproven++
			}
		}
	}
	metrics := []telemetry.Metric{
		count("Malformed", n[malformed]), count("Invalid", n[invalid]), count("Expired", expired), count("Rejected", n[rejected]), count("Held", n[held]), count("Undecided", n[undecided]),
		count("Failed", failed), count("Received", received),
	}
	if of == unmatched {
		return append(metrics, count("Unmatched", n[nobodys]))
	}
	metrics = append(metrics, count("Written", b.tables[of].written), count("Duplicates", b.tables[of].duplicates), count("Superseded", b.tables[of].superseded))
	for _, rare := range []telemetry.Metric{count("Erased", b.marked(of, erased)), count("Unsealed", b.marked(of, unsealed)), count("SetupFault", unproven)} {
		if rare.Value > 0 {
			metrics = append(metrics, rare)
		}
	}
	return metrics
}

// marked is how many messages of a contract did not fail and have a mark.
func (b *batch) marked(of int, m mark) (n int) {
	for i := range b.marks {
		if b.of[i] == of && b.failures[i] == nil && b.marks[i]&m != 0 {
			n++
		}
	}
	return n
}

func count(name string, n int) telemetry.Metric {
	return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(n)}
}

// violated names the rule of the contract that a message breaks.
func violated(err error) failure {
	var v *contract.Violation
	if !errors.As(err, &v) {
		return failure{outcome: invalid, rule: "unknown"}
	}
	return failure{outcome: outcome(v.Outcome()), field: v.Field, rule: v.Rule, hint: v.Hint}
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
