package registry

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/sqltext"
)

// Mismatch is why no row may be written: the contract or the keyring does not fit what the database
// knows. A retry does not help; somebody has to migrate, or to correct the contract or the keyring.
type Mismatch struct {
	Table string // schema.table
	Cause error  // one line for each reason, each with what to do; none holds a value or a key
}

// Error is one line.
func (m *Mismatch) Error() string {
	return fmt.Sprintf("table %s: %s", m.Table, strings.ReplaceAll(m.Cause.Error(), "\n", "; "))
}

// Unwrap returns the reasons.
func (m *Mismatch) Unwrap() error { return m.Cause }

// Gate lets rows through while contract and keyring fit what the database knows. It asks the
// database once, and again for another keyring, or after [Gate.Shut] or [Gate.Doubt]. It is safe for
// concurrent use.
type Gate struct {
	Pool  *postgres.Pool
	Table contract.Table
	Log   *slog.Logger // one line per difference that is tolerated
	Now   func() time.Time

	// Recipient is the ID of the public key for which values are sealed; "" for a contract without
	// x-recover.
	Recipient string

	passed atomic.Pointer[passage]
}

// passage is what the database said; the zero value lets nothing through.
type passage struct {
	keyring *mask.Keyring
	pass    Pass
	asked   time.Time
}

// doubtAfter is how long [Gate.Doubt] trusts what the database said.
const doubtAfter = time.Minute

// Enter returns a pass if rows masked by the keyring may be written to the table. Its
// error is *Mismatch if they may not, and *postgres.Unavailable if the database could not be asked.
func (g *Gate) Enter(ctx context.Context, keyring *mask.Keyring) (Pass, error) {
	before := g.passed.Load()
	if before != nil && before.keyring == keyring {
		return before.pass, nil
	}
	asked := g.Now()
	database, tolerated, err := check(ctx, g.Pool, g.Table, keyring, g.Recipient)
	if err != nil {
		return Pass{}, err
	}
	for _, d := range tolerated {
		g.Log.WarnContext(ctx, "contract and table differ, rows can be written", "difference", d.String())
	}
	// If somebody has shut the gate meanwhile it stays shut: the answer may be older than that.
	pass := Pass{database.Table.Window, database.Table.VaultDays, database.Table.Epoch, NewErased(database.Erasures)}
	g.passed.CompareAndSwap(before, &passage{keyring, pass, asked})
	return pass, nil
}

// Shut makes the next Enter ask the database again. It is for whoever was refused by the database
// with a code of class 42, or because of the epoch: a table has changed since it was compared.
func (g *Gate) Shut() { g.passed.Store(&passage{}) }

// Doubt makes the next Enter ask the database again if the last one asked more than a minute ago. It
// is for whoever has refused events because of the window: somebody may have changed it.
func (g *Gate) Doubt() {
	if p := g.passed.Load(); p != nil && g.Now().Sub(p.asked) > doubtAfter {
		g.passed.CompareAndSwap(p, &passage{})
	}
}

// Look reads what the database knows of a table and changes nothing. Its error is a
// *postgres.Unavailable.
func Look(ctx context.Context, pool *postgres.Pool, table contract.Table) (d Database, err error) {
	err = pool.Do(ctx, func(conn *pgxpool.Conn) error {
		d, err = Read(ctx, conn, table)
		return err
	})
	return d, err
}

// Check compares a contract's table and a keyring with what the database knows. Keys that are new
// to the database are registered, which the writer may do. It returns the differences that are
// tolerated; its errors are those of [Gate.Enter].
func Check(ctx context.Context, pool *postgres.Pool, table contract.Table, keyring *mask.Keyring) ([]Difference, error) {
	_, differences, err := check(ctx, pool, table, keyring, "")
	return differences, err
}

func check(ctx context.Context, pool *postgres.Pool, table contract.Table, keyring *mask.Keyring, recipient string) (database Database, differences []Difference, err error) {
	err = pool.Do(ctx, func(conn *pgxpool.Conn) (err error) {
		if database, err = Read(ctx, conn, table); err != nil {
			return err
		}
		differences = append(database.Compare(table), database.Rights(table)...)
		if Refusal(differences) == nil {
			if err := database.registerKeys(ctx, conn, table, keyring); err != nil {
				return err
			}
			differences = slices.Concat(differences, database.CompareKeys(table, keyring), database.CompareErasures(table, keyring))
			if recipient != "" {
				differences = append(differences, database.CompareRecipient(table, recipient)...)
			}
		}
		return nil
	})
	if err != nil {
		return database, nil, err
	}
	if refused := Refusal(differences); refused != nil {
		return database, nil, &Mismatch{Table: table.FullName(), Cause: refused}
	}
	return database, differences, nil
}

// registerKeys stores the fingerprints that the database lacks, and ties an upsert table to the
// current key. Another process may be first: what is stored then counts.
func (d *Database) registerKeys(ctx context.Context, conn *pgxpool.Conn, table contract.Table, keyring *mask.Keyring) error {
	if !usesKeys(table) || len(d.CompareKeys(table, keyring)) > 0 {
		return nil
	}
	for _, key := range keyring.Fingerprints() {
		if _, known := d.key(key.ID); known {
			continue
		}
		var stored *string
		if err := conn.QueryRow(ctx, "select sqs2pg.register_key($1, $2)", key.ID, key.Fingerprint).Scan(&stored); err != nil {
			return err
		}
		if stored != nil {
			d.Keys = append(d.Keys, Key{key.ID, *stored})
		}
	}
	if d.Table.TokenKey == "" && keyHasToken(table) {
		return conn.QueryRow(ctx, "select sqs2pg.tie_key($1::text::regclass, $2)", sqltext.Table(table), keyring.CurrentID()).Scan(&d.Table.TokenKey)
	}
	return nil
}
