package disclosure

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/sqltext"
)

// Recipient is a key that values are sealed for.
type Recipient struct {
	ID, PublicKey string // as package vault gives them
	Locator       string // where the private key is: the ARN of a KMS key; "" for a key in a file
}

// Session is a session of a writer.
type Session struct {
	ID        [16]byte
	Recipient string // the ID of the key that it seals for
	Enc       []byte
}

// Recipients returns all recipients by their ID. The error is a *postgres.Unavailable.
func Recipients(ctx context.Context, pool *postgres.Pool) (map[string]Recipient, error) {
	all, err := query(ctx, pool, pgx.RowToStructByPos[Recipient], "select id, public_key, locator from sqs2pg_vault.recipients")
	byID := map[string]Recipient{}
	for _, r := range all {
		byID[r.ID] = r
	}
	return byID, err
}

// Sessions returns those of the sessions that there are. The error is a *postgres.Unavailable.
func Sessions(ctx context.Context, pool *postgres.Pool, ids [][16]byte) ([]Session, error) {
	return query(ctx, pool, pgx.RowToStructByPos[Session], "select id, recipient, enc from sqs2pg_vault.sessions where id = any ($1)", ids)
}

// MaskingKeys returns what the database knows of the keys that made its tokens. The error is a
// *postgres.Unavailable.
func MaskingKeys(ctx context.Context, pool *postgres.Pool) ([]registry.Key, error) {
	return query(ctx, pool, pgx.RowToStructByPos[registry.Key], "select key_id, fingerprint from sqs2pg.keys order by key_id")
}

// VaultDays returns how many days old an event of a migrated table may be to be sealed. The error is a
// *postgres.Unavailable.
func VaultDays(ctx context.Context, pool *postgres.Pool, table contract.Table) (int, error) {
	days, err := query(ctx, pool, pgx.RowTo[int], "select vault_days from sqs2pg.tables where table_schema = $1 and table_name = $2", table.Schema, table.Name)
	if len(days) == 0 {
		return 0, err
	}
	return days[0], err
}

// SealedFor returns the ID of the recipient for whom each event is sealed. It leaves out events
// without a sealed value or without its session. It gives out no sealed value, so the audit has no
// entry. It needs a member of sqs2pg_revealer. The error is a *postgres.Unavailable.
func SealedFor(ctx context.Context, pool *postgres.Pool, table contract.Table, keys []Key) (map[Key]string, error) {
	type sealed struct {
		Key
		recipient string
	}
	read := func(row pgx.CollectableRow) (s sealed, err error) {
		err = row.Scan(&s.SentAt, &s.EventID, &s.recipient)
		s.SentAt = s.SentAt.UTC()
		return s, err
	}
	recipients := map[Key]string{}
	for part := range windows(keys) {
		sentAt, eventID := arrays(part)
		all, err := query(ctx, pool, read, "select * from sqs2pg.sealed_for($1::text::regclass, $2, $3)", sqltext.Table(table), sentAt, eventID)
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			recipients[s.Key] = s.recipient
		}
	}
	return recipients, nil
}

// Count returns how many rows a selection has. It reads as Find does.
func Count(ctx context.Context, pool *postgres.Pool, table contract.Table, s Selection) (n int, err error) {
	where, args := s.where()
	err = pgx.BeginTxFunc(ctx, pool.Pgx(), pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, fmt.Sprintf("select count(*) from %s where %s", sqltext.Table(table), where), args...).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("look for rows of %s: %w", table.FullName(), postgres.NewUnavailable(err, conditionAdvice))
	}
	return n, nil
}

func query[T any](ctx context.Context, pool *postgres.Pool, row pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := pool.Pgx().Query(ctx, sql, args...)
	var all []T
	if err == nil {
		all, err = pgx.CollectRows(rows, row)
	}
	if err != nil {
		return nil, fmt.Errorf("read for the vault: %w", safe(err))
	}
	return all, nil
}
