package schema

import (
	"context"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
)

var confirmation = regexp.MustCompile(`^([A-Za-z0-9_-]{1,16})=([0-9a-f]{16})$`)

// ParseFingerprints reads texts such as k1=0123456789abcdef, as the refusal of an unconfirmed key
// prints them.
func ParseFingerprints(texts ...string) ([]mask.Fingerprint, error) {
	var keys []mask.Fingerprint
	for _, text := range texts {
		parts := confirmation.FindStringSubmatch(text)
		if parts == nil {
			return nil, fmt.Errorf("%q is not a key id and its fingerprint: give it as k1=0123456789abcdef, as the refusal prints it", text)
		}
		keys = append(keys, mask.Fingerprint{ID: parts[1], Fingerprint: parts[2]})
	}
	return keys, nil
}

// ConfirmKeys says which keys made the tokens of an earlier release, which kept no fingerprints.
// From then on another key of the same id is refused, and the tables with its tokens are confirmed.
// It needs the rights of the migrating user and may be called again. It refuses a key that has made
// no such tokens, and names both fingerprints if another one is stored; nothing is changed then.
func ConfirmKeys(ctx context.Context, pool *postgres.Pool, keys ...mask.Fingerprint) error {
	if len(keys) == 0 {
		return nil
	}
	var differs error
	err := pgx.BeginFunc(ctx, pool.Pgx(), func(tx pgx.Tx) error {
		for _, key := range keys {
			stored, err := confirmKey(ctx, tx, key)
			switch {
			case err != nil:
				return err
			case stored == "":
				differs = fmt.Errorf("confirm the masking key %s: no token of an earlier release was made by it: confirm the key that the refusal names", key.ID)
			case stored != key.Fingerprint:
				differs = fmt.Errorf("confirm the masking key %s: the database has the fingerprint %s: confirm that one, or give the new key another id", key.ID, stored)
			}
			if differs != nil {
				return differs
			}
		}
		return nil
	})
	switch {
	case differs != nil:
		return differs
	case err != nil:
		return fmt.Errorf("confirm the masking key: %w", safe(err))
	}
	return nil
}

// confirmKey stores the fingerprint of a key that has made unconfirmed tokens, unless one is stored,
// and marks its tables as confirmed. It returns the stored fingerprint, "" if the key has made no
// such tokens and is not known.
func confirmKey(ctx context.Context, tx pgx.Tx, key mask.Fingerprint) (stored string, err error) {
	_, err = tx.Exec(ctx, `
		insert into sqs2pg.keys (key_id, fingerprint)
		select $1, $2 where exists (select from sqs2pg.tables where unconfirmed_key = $1)
		on conflict on constraint keys_pkey do nothing`, key.ID, key.Fingerprint)
	if err != nil {
		return "", err
	}
	err = tx.QueryRow(ctx, "select coalesce((select fingerprint from sqs2pg.keys where key_id = $1), '')", key.ID).Scan(&stored)
	if err != nil || stored != key.Fingerprint {
		return stored, err
	}
	_, err = tx.Exec(ctx, "update sqs2pg.tables set unconfirmed_key = null, epoch = epoch + 1 where unconfirmed_key = $1", key.ID)
	return stored, err
}
