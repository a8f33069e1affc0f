package ingest

import (
	"context"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/message"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/sqlstate"
	"sqs2pg/pkg/vault"
)

// mostEntries is how often the messages of a part are written because the table's epoch has changed
// meanwhile: by a migration, an erasure, or a change of the retention.
const mostEntries = 5

// errOutdated is why a part is given back after mostEntries.
var errOutdated = &postgres.Unavailable{SQLSTATE: sqlstate.Outdated, Reason: sqlstate.Reason(sqlstate.Outdated, nil), Passing: true}

// guard is what a pass says of the messages of one table.
type guard struct {
	epoch    int64
	accepted message.Window
	erased   registry.Erased
	session  *vault.Session // nil without x-recover
	sealed   time.Time      // older events are written without a seal
	subject  string         // id of the key for the subject of a vault in upsert mode; "" without one
}

// enter makes the guard of a table. Without an error rows may be written.
func (l *loading) enter(ctx context.Context, of int) error {
	table := &l.Tables[of]
	pass, err := table.Gate.Enter(ctx, l.keyring)
	if err != nil {
		return err
	}
	g := guard{epoch: pass.Epoch, erased: pass.Erased, accepted: pass.Window.At(l.now)}
	if table.Sealer != nil {
		if g.session, err = table.Sealer.Session(ctx, table.StoreSession); err != nil {
			return table.explain(ctx, l.keyring, err)
		}
		// The first day of the vault's window is left out: at midnight it has no partition any more.
		const day = 24 * time.Hour
		g.sealed = l.now.UTC().AddDate(0, 0, -pass.VaultDays).Truncate(day).Add(day)
		if t := table.Contract.Table(); t.Mode == contract.Upsert && t.Subject != "" {
			g.subject = l.keyring.CurrentID()
		}
	}
	l.tables[of].guard = g
	return nil
}

// isErased reports whether an event is about an erased person and was sent before that. It costs a
// token for each key that erasures name, and nothing without erasures.
func (g *guard) isErased(rows *contract.Rows, record contract.Record, at time.Time) bool {
	for keyID, people := range g.erased {
		if before, erased := people[rows.Subject(record, keyID)]; erased && at.Before(before) {
			return true
		}
	}
	return false
}

// seal seals what can be recovered of an event, and reports whether the event is too old for that.
func (g *guard) seal(e *postgres.Event, rows *contract.Rows, record contract.Record) (tooOld bool) {
	switch {
	case g.session == nil:
		return false
	case e.SentAt.Before(g.sealed):
		return true
	}
	e.Sealed = rows.Seal(g.session, record, e.ID, e.SentAt)
	if g.subject != "" && !e.Sealed.IsZero() {
		e.Subject = rows.Subject(record, g.subject)
	}
	return false
}
