package doctor

import (
	"context"
	"slices"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/guard"
	"sqs2pg/pkg/vault"
)

// Keys are those that the function uses, as far as they are known.
type Keys struct {
	Masking *mask.Keyring
	Vault   vault.PublicKey
}

// vault looks at the key that values are sealed for, if a contract has x-recover.
func (s *Setup) vault(loaded *routes.Set) (vault.PublicKey, []Finding) {
	if loaded == nil || !slices.ContainsFunc(loaded.Tables(), contract.Table.HasVault) {
		return vault.PublicKey{}, nil
	}
	places := s.Given.Vault
	key, err := places.Existing()
	switch {
	case err != nil:
		return key, []Finding{Failed("vault", err)}
	case key.IsZero():
		return key, []Finding{finding(Fix, "vault", "the contract has x-recover, and there is no key: set VAULT_PUBLIC_KEY, or copy the key's file to %s; the first sqs2pg migrate of a database on this machine makes one", places.Path)}
	case places.Public != "":
		return key, []Finding{finding(OK, "vault", "sealed for %s, by VAULT_PUBLIC_KEY", key.ID())}
	}
	return key, []Finding{finding(OK, "vault", "sealed for %s, the key in %s", key.ID(), places.Path)}
}

// guarded says what weakens the vault of a table.
func guarded(ctx context.Context, pool *postgres.Pool, t contract.Table) (found []Finding) {
	wrong, err := guard.Look(ctx, pool, t)
	if err != nil {
		return []Finding{Failed("vault", err)}
	}
	for _, w := range wrong {
		found = append(found, finding(Fix, "vault", "%s", w))
	}
	return found
}
