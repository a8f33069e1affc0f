package registry

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
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
// database once, and again for another keyring or after [Gate.Shut]. It is safe for concurrent use.
type Gate struct {
	Pool  *postgres.Pool
	Table contract.Table
	Log   *slog.Logger // one line per difference that is tolerated

	passed atomic.Pointer[mask.Keyring]
}

// Enter returns nil if rows masked by the keyring may be written to the table, *Mismatch if they
// may not, and *postgres.Unavailable if the database could not be asked.
func (g *Gate) Enter(ctx context.Context, keyring *mask.Keyring) error {
	if g.passed.Load() == keyring {
		return nil
	}
	tolerated, err := Check(ctx, g.Pool, g.Table, keyring)
	if err != nil {
		return err
	}
	for _, d := range tolerated {
		g.Log.WarnContext(ctx, "contract and table differ, rows can be written", "difference", d.String())
	}
	g.passed.Store(keyring)
	return nil
}

// Shut makes the next Enter ask the database again. It is for whoever was refused by the database
// with a code of class 42: a table has changed since it was compared.
func (g *Gate) Shut() { g.passed.Store(nil) }

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
	var differences []Difference
	err := pool.Do(ctx, func(conn *pgxpool.Conn) error {
		database, err := Read(ctx, conn, table)
		if err != nil {
			return err
		}
		differences = append(database.Compare(table), database.Rights(table)...)
		if Refusal(differences) == nil {
			if err := database.registerKeys(ctx, conn, table, keyring); err != nil {
				return err
			}
			differences = append(differences, database.CompareKeys(table, keyring)...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if refused := Refusal(differences); refused != nil {
		return nil, &Mismatch{Table: table.FullName(), Cause: refused}
	}
	return differences, nil
}

// registerKeys stores the fingerprints that the database lacks, and ties an upsert table to the
// current key. Another process may be first: what is stored then counts.
func (d *Database) registerKeys(ctx context.Context, conn *pgxpool.Conn, table contract.Table, keyring *mask.Keyring) error {
	if !hasTokens(table) || len(d.CompareKeys(table, keyring)) > 0 {
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
		return conn.QueryRow(ctx, "select sqs2pg.tie_key($1::text::regclass, $2)", qualified(table), keyring.CurrentID()).Scan(&d.Table.TokenKey)
	}
	return nil
}
