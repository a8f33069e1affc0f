package postgrestest

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"sync"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/vault"
)

// secret is the private key of the tests' vaults, which protects nothing.
var secret = bytes.Repeat([]byte("test"), 8)

// VaultKey is the public key of the vault, which every database of the tests knows.
var VaultKey = sync.OnceValue(func() vault.PublicKey {
	kem, _ := vault.KEM(vault.MLKEM768X25519)
	private, err := kem.NewPrivateKey(secret)
	if err != nil {
		panic(err)
	}
	key, err := vault.NewPublicKey(vault.MLKEM768X25519, private.PublicKey().Bytes())
	if err != nil {
		panic(err)
	}
	return key
})

// VaultKeyFile is the text of the file with the private key of VaultKey.
func VaultKeyFile() string {
	return fmt.Sprintf("%s%s:%s\n", vault.PrivatePrefix, vault.MLKEM768X25519, base64.StdEncoding.EncodeToString(secret))
}

func registerVaultKey(ctx context.Context, pool *postgres.Pool) error {
	_, err := schema.Register(ctx, pool, schema.RecipientOf(VaultKey(), ""))
	return err
}
