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

// ParseFingerprint reads k1=0123456789abcdef, as the refusal of an unconfirmed key prints it.
func ParseFingerprint(text string) (mask.Fingerprint, error) {
	id, fingerprint, _ := strings.Cut(text, "=")
	if id == "" || !fingerprintText.MatchString(fingerprint) {
		return mask.Fingerprint{}, fmt.Errorf("%q is not a key id and its fingerprint: give it as k1=0123456789abcdef, as the refusal prints it", text)
	}
	return mask.Fingerprint{ID: id, Fingerprint: fingerprint}, nil
}

// ConfirmKey says which key made the tokens of an earlier release, which kept no fingerprints. From
// then on another key of the same id is refused. It needs the rights of the migrating user and may
// be called again. The error names both fingerprints if another one is stored.
func ConfirmKey(ctx context.Context, pool *postgres.Pool, key mask.Fingerprint) error {
	var stored string
	err := pgx.BeginFunc(ctx, pool.Pgx(), func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			insert into sqs2pg.keys as k (key_id, fingerprint) values ($1, $2)
			on conflict on constraint keys_pkey do update set key_id = k.key_id returning fingerprint`, key.ID, key.Fingerprint).Scan(&stored)
		if err != nil || stored != key.Fingerprint {
			return err
		}
		_, err = tx.Exec(ctx, "update sqs2pg.tables set tokens_unconfirmed = false, epoch = epoch + 1 where tokens_unconfirmed")
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("confirm the masking key %s: %w", key.ID, safe(err))
	case stored != key.Fingerprint:
		return fmt.Errorf("confirm the masking key %s: the database has the fingerprint %s: confirm that one, or give the new key another id", key.ID, stored)
	}
	return nil
}
