package ingest

import (
	"errors"
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

// chunk is how many events the writer gets at a time. From so many it uses COPY, and the server works
// while the next ones are decoded. With 500 more at a time it had to wait for them: measured 0.66 of
// the rate of COPY at 1,000 messages, and 0.74 with 100.
const chunk = 100

// events turns each open message of a part into an event that can be written, or a failure, when
// the writer asks for them. It gives the writer all events so far. index gets the message of each
// event.
func (l *loading) events(p part, index *[]int) iter.Seq[[]postgres.Event] {
	t, rows := &l.tables[p.of], l.rows[p.of]
	return func(yield func([]postgres.Event) bool) {
		events := make([]postgres.Event, 0, p.to-p.from)
		started := l.Now()
		for i := p.from; i < p.to; i++ {
			if l.of[i] != p.of || !l.isOpen(i) {
				continue
			}
			event, ok := l.event(i, rows)
			if !ok {
				continue
			}
			events, *index = append(events, event), append(*index, i)
			if len(events)%chunk == 0 {
				t.decodeTime += l.Now().Sub(started)
				if !yield(events) {
					return
				}
				started = l.Now()
			}
		}
		t.decodeTime += l.Now().Sub(started)
		yield(events)
	}
}

// event makes the event of a message. It is not ok if there is nothing to write: the message has
// failed, or is of an erased person.
func (l *loading) event(i int, rows *contract.Rows) (e postgres.Event, ok bool) {
	if l.waits(i) {
		l.fail(i, failure{outcome: held})
		return e, false
	}
	e, err := l.decode(i, rows)
	switch {
	case err == errErased:
		l.marks[i] |= erased
	case err != nil:
		l.fail(i, violated(err))
	}
	return e, err == nil
}

var errErased = errors.New("of an erased person")

// decode decodes, validates, masks and seals one message. Its error is a *contract.Violation or
// errErased.
func (l *loading) decode(i int, rows *contract.Rows) (e postgres.Event, err error) {
	r, guard := &l.records[i], &l.tables[l.of[i]].guard
	m, err := l.message(r)
	if err != nil {
		return e, err
	}
	decoded, err := rows.Decode(m)
	if err != nil {
		return e, err
	}
	identity := decoded.Identity()
	at, err := r.SentAt(identity, guard.accepted)
	if err != nil {
		return e, err
	}
	if guard.isErased(rows, decoded, at) {
		return e, errErased
	}
	e = postgres.Event{ID: r.EventID(identity), SentAt: at, Row: rows.Mask(decoded), Group: r.Group(), Sequence: r.Sequence()}
	if l.marks[i] &^= unsealed; guard.seal(&e, rows, decoded) {
		l.marks[i] |= unsealed
	}
	return e, nil
}
