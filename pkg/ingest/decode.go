package ingest

import (
	"context"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/message"
	"sqs2pg/pkg/postgres"
)

// decoder turns the messages of a batch into events.
type decoder struct {
	*Handler
	keyring *mask.Keyring
	now     time.Time
	rows    []*contract.Rows // by contract; nil before its first message
	body    []byte           // scratch space
	scratch routes.Scratch
}

// decode turns each message into an event that can be written, or a failure. The messages of a
// contract whose gate is shut are left as they are: they come back.
func (h *Handler) decode(ctx context.Context, b *batch, keyring *mask.Keyring) {
	d := decoder{Handler: h, keyring: keyring, now: h.Now(), rows: make([]*contract.Rows, len(h.Tables))}
	for i := range b.records {
		r := &b.records[i]
		m, err := d.message(r)
		if b.of[i] = h.only(); err == nil {
			b.of[i] = h.Routes.Choose(m, &d.scratch)
		}
		if b.waits(i) {
			b.fail(i, failure{outcome: held})
			continue
		}
		if err != nil {
			b.fail(i, violated(err))
			continue
		}
		d.add(ctx, b, i, m)
	}
}

// message returns the body and the attributes of a record.
func (d *decoder) message(r *message.Record) (m contract.Message, err error) {
	if d.body, err = r.Body(d.body[:0]); err != nil {
		return m, &contract.Violation{Rule: "utf-8", Malformed: true}
	}
	return contract.Message{Body: d.body, Attributes: r}, nil
}

// add adds a message to the events of its contract.
func (d *decoder) add(ctx context.Context, b *batch, i int, m contract.Message) {
	of := b.of[i]
	if of == unmatched {
		b.fail(i, violated(d.Routes.Unmatched(m)))
		return
	}
	t := &b.tables[of]
	if d.rows[of] == nil {
		d.rows[of] = d.Tables[of].Contract.Rows(d.keyring, len(b.records))
		t.err = d.Tables[of].Gate.Enter(ctx, d.keyring)
	}
	if t.err != nil {
		b.fail(i, failure{outcome: unavailable})
		return
	}
	event, err := d.event(&b.records[i], m, d.rows[of])
	if err != nil {
		b.fail(i, violated(err))
		return
	}
	t.add(event, i, len(b.records))
}

// event decodes, validates and masks one message.
func (d *decoder) event(r *message.Record, m contract.Message, rows *contract.Rows) (e postgres.Event, err error) {
	decoded, err := rows.Decode(m)
	if err != nil {
		return e, err
	}
	identity := decoded.Identity()
	at, err := r.SentAt(identity, d.now)
	if err != nil {
		return e, err
	}
	return postgres.Event{ID: r.EventID(identity), SentAt: at, Row: rows.Mask(decoded), Group: r.Group()}, nil
}
