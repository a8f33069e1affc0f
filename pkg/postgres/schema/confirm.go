package schema

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
)

var fingerprintText = regexp.MustCompile(`^[0-9a-f]{16}$`)

// ParseFingerprints reads texts such as k1=0123456789abcdef, as the refusal of an unconfirmed key
// prints them.
func ParseFingerprints(texts ...string) ([]mask.Fingerprint, error) {
	var keys []mask.Fingerprint
	for _, text := range texts {
		id, fingerprint, _ := strings.Cut(text, "=")
		if id == "" || !fingerprintText.MatchString(fingerprint) {
			return nil, fmt.Errorf("%q is not a key id and its fingerprint: give it as k1=0123456789abcdef, as the refusal prints it", text)
		}
		keys = append(keys, mask.Fingerprint{ID: id, Fingerprint: fingerprint})
	}
	return keys, nil
}

// ConfirmKeys says which keys made the tokens of an earlier release, which kept no fingerprints.
// From then on another key of the same id is refused. It needs the rights of the migrating user and
// may be called again. The error names both fingerprints if another one is stored, and nothing is
// changed then.
func ConfirmKeys(ctx context.Context, pool *postgres.Pool, keys ...mask.Fingerprint) error {
	if len(keys) == 0 {
		return nil
	}
	var differs error
	err := pgx.BeginFunc(ctx, pool.Pgx(), func(tx pgx.Tx) error {
		for _, key := range keys {
			stored, err := storeKey(ctx, tx, key)
			if err == nil && stored != key.Fingerprint {
				differs = fmt.Errorf("confirm the masking key %s: the database has the fingerprint %s: confirm that one, or give the new key another id", key.ID, stored)
				err = differs
			}
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "update sqs2pg.tables set tokens_unconfirmed = false, epoch = epoch + 1 where tokens_unconfirmed")
		return err
	})
	switch {
	case differs != nil:
		return differs
	case err != nil:
		return fmt.Errorf("confirm the masking key: %w", safe(err))
	}
	return nil
}

// storeKey stores a fingerprint unless there is one, and returns the stored one.
func storeKey(ctx context.Context, tx pgx.Tx, key mask.Fingerprint) (stored string, err error) {
	err = tx.QueryRow(ctx, `
		insert into sqs2pg.keys as k (key_id, fingerprint) values ($1, $2)
		on conflict on constraint keys_pkey do update set key_id = k.key_id returning fingerprint`, key.ID, key.Fingerprint).Scan(&stored)
	return stored, err
}
