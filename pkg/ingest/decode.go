package ingest

import (
	"iter"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/message"
	"sqs2pg/pkg/postgres"
)

// loading is the work on one batch.
type loading struct {
	*Handler
	*batch
	keyring *mask.Keyring
	now     time.Time
	rows    []*contract.Rows // by contract; nil before its first message
	body    []byte           // scratch space
	scratch routes.Scratch
}

// route finds the contract of each message. A message that belongs to none fails.
func (l *loading) route() {
	if of := l.only(); of != unmatched {
		for i := range l.of {
			l.of[i] = of
		}
		return
	}
	for i := range l.records {
		m, err := l.message(&l.records[i])
		if err == nil {
			l.of[i] = l.Routes.Choose(m, &l.scratch)
		}
		switch {
		case err != nil:
			l.fail(i, violated(err))
		case l.of[i] == unmatched:
			l.fail(i, violated(l.Routes.Unmatched(m)))
		}
	}
}

// message returns the body and the attributes of a record.
func (l *loading) message(r *message.Record) (m contract.Message, err error) {
	if l.body, err = r.Body(l.body[:0]); err != nil {
		return m, &contract.Violation{Rule: "utf-8", Malformed: true}
	}
	return contract.Message{Body: l.body, Attributes: r}, nil
}

const (
	// firstChunk is how many events the writer gets first. From so many it uses COPY, and the server
	// begins to work while the other messages are decoded.
	firstChunk = 100
	// decodeChunk is how many more it gets each time, about 64 KB.
	decodeChunk = 500
)

// events turns each message of a part into an event that can be written, or a failure, when the
// writer asks for them. It gives the writer all events so far. index gets the message of each event.
func (l *loading) events(p part, index *[]int) iter.Seq[[]postgres.Event] {
	t, rows := &l.tables[p.of], l.rows[p.of]
	return func(yield func([]postgres.Event) bool) {
		events, chunk := make([]postgres.Event, 0, p.to-p.from), firstChunk
		started := time.Now()
		for i := p.from; i < p.to; i++ {
			if l.of[i] != p.of {
				continue
			}
			event, failed := l.event(i, rows)
			if failed != nil {
				l.fail(i, *failed)
				continue
			}
			events, *index = append(events, event), append(*index, i)
			if len(events) == chunk {
				t.decodeTime += time.Since(started)
				if !yield(events) {
					return
				}
				started, chunk = time.Now(), chunk+decodeChunk
			}
		}
		t.decodeTime += time.Since(started)
		yield(events)
	}
}

// event decodes, validates and masks one message.
func (l *loading) event(i int, rows *contract.Rows) (e postgres.Event, failed *failure) {
	if l.waits(i) {
		return e, &failure{outcome: held}
	}
	r := &l.records[i]
	m, err := l.message(r)
	if err != nil {
		return e, violation(err)
	}
	decoded, err := rows.Decode(m)
	if err != nil {
		return e, violation(err)
	}
	identity := decoded.Identity()
	at, err := r.SentAt(identity, l.tables[l.of[i]].accepted)
	if err != nil {
		return e, violation(err)
	}
	return postgres.Event{ID: r.EventID(identity), SentAt: at, Row: rows.Mask(decoded), Group: r.Group(), Sequence: r.Sequence()}, nil
}

func violation(err error) *failure { f := violated(err); return &f }
