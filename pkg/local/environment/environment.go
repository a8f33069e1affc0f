// Package environment says what a function that is started on this machine finds in its environment:
// the contracts, the database, the masking keyring and the vault's public key, as a person has named
// them.
//
// Flags win over variables, and what was named is compared with the database before the function
// starts, so that no message is received which the function would refuse. The commands that need
// the database alone open it the same way. It stands on pkg/settings, which reads the same variables
// in the function itself, and on pkg/local/home, which makes a keyring.
package environment

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/local/invoker"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/settings"
)

// ErrNoDatabase means that no setting names a database.
var ErrNoDatabase = errors.New("no database: set DATABASE_URL or --database-url, or try `sqs2pg run`, which starts its own")

// Flag is the flag of the database. Named by it, the database wins over every variable.
const Flag = "--database-url"

// Given is what a person has named: variables, and flags that win over them.
type Given struct {
	Getenv func(string) string // required

	DatabaseURL string // "" if other variables name the database
	From        string // where DatabaseURL comes from: Flag, a variable, or a place in a file

	// For a function; to open the database needs none of them.
	Contract string
	Keyrings *home.Keyrings
	Vault    *home.Vault
}

// Open opens the database and tries one connection. An error names the flag or the variable to
// correct; it is ErrNoDatabase, or that of [settings.Environment.Open].
func (g *Given) Open(ctx context.Context) (*postgres.Pool, error) {
	given, err := g.database()
	if err != nil {
		return nil, err
	}
	env := settings.Environment{Getenv: func(name string) string {
		if value, ok := given[name]; ok {
			return value
		}
		return g.Getenv(name)
	}}
	pool, err := env.Open(ctx)
	byURL := g.byFlag() || g.DatabaseURL != "" && !g.otherDatabase()
	if inner := errors.Unwrap(err); inner != nil && byURL {
		return nil, fmt.Errorf("%s: %w", g.From, inner) // and not DATABASE_URL
	}
	return pool, err
}

// database returns the DATABASE_* settings that take the place of those in the environment.
func (g *Given) database() (map[string]string, error) {
	if !g.NamesDatabase() {
		return nil, ErrNoDatabase
	}
	given := map[string]string{"DATABASE_URL": g.DatabaseURL}
	if g.byFlag() {
		given["DATABASE_SECRET_ID"], given["DATABASE_IAM_AUTH"] = "", ""
	}
	return given, nil
}

func (g *Given) byFlag() bool { return g.DatabaseURL != "" && g.From == Flag }

// NamesDatabase reports whether a person has named a database.
func (g *Given) NamesDatabase() bool { return g.DatabaseURL != "" || g.otherDatabase() }

// otherDatabase reports whether a variable other than DATABASE_URL names a database.
func (g *Given) otherDatabase() bool {
	return g.Getenv("DATABASE_SECRET_ID") != "" || g.Getenv("DATABASE_IAM_AUTH") != ""
}

// Function returns the function's environment, as "NAME=value". It makes a keyring if there is none
// and home allows it, and compares contracts and keyring with the database. It tells talk of the
// differences that do no harm; an error has all others. Errors are also those of Open and
// SecretKeyring, a [home.KeyringError] and a [home.VaultError].
func (g *Given) Function(ctx context.Context, tables []contract.Table, talk io.Writer) ([]string, error) {
	given, err := g.database()
	if err != nil {
		return nil, err
	}
	pool, err := g.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	given["CONTRACT"] = routes.Absolute(g.Contract)
	keyring, err := g.keyring(ctx, pool, tables[0])
	if err != nil {
		return nil, err
	}
	if keyring.Text != "" {
		given["MASK_KEYRING"] = keyring.Text
	}
	recipient, err := g.Vault.Named(ctx, pool, tables...)
	if err != nil {
		return nil, err
	}
	given["VAULT_PUBLIC_KEY"] = recipient.String()
	var refused []error
	for _, table := range tables {
		refused = append(refused, home.Check(ctx, pool, table, keyring, talk))
	}
	return invoker.Environ(g.Getenv, given), errors.Join(refused...)
}

// keyring returns the keyring that the function will use. If the function reads it from
// MASK_SECRET_ID, it has no text.
func (g *Given) keyring(ctx context.Context, pool *postgres.Pool, table contract.Table) (*home.Keyring, error) {
	if g.Secret() != "" {
		return g.SecretKeyring(ctx)
	}
	database, err := registry.Look(ctx, pool, table)
	if err != nil {
		return nil, err
	}
	return g.Keyrings.ForDatabase(pool, database)
}

// Secret is MASK_SECRET_ID: the name of the secret with the keyring, "" if the keyring is elsewhere.
func (g *Given) Secret() string { return g.Getenv("MASK_SECRET_ID") }

// SecretKeyring reads the secret MASK_SECRET_ID. Errors name the variable and no part of the secret.
func (g *Given) SecretKeyring(ctx context.Context) (*home.Keyring, error) {
	env := settings.Environment{Getenv: g.Getenv}
	read, err := env.Keyring(ctx)
	if err != nil {
		return nil, err
	}
	k, err := read(ctx)
	return &home.Keyring{Keyring: k, From: "MASK_SECRET_ID"}, err
}

// ExistingKeyring returns the keyring that is named, or that is kept on this machine; nil if there is
// neither. Its errors are those of SecretKeyring, and a [home.KeyringError].
func (g *Given) ExistingKeyring(ctx context.Context) (*mask.Keyring, error) {
	k, err := g.Keyrings.Existing()
	if g.Secret() != "" {
		k, err = g.SecretKeyring(ctx)
	}
	if k == nil || err != nil {
		return nil, err
	}
	return k.Keyring, nil
}

// Refusal says why Function would make no keyring for the table's database. It is nil if there is
// one, usable or not, and if the database cannot be looked at.
func (g *Given) Refusal(ctx context.Context, pool *postgres.Pool, table contract.Table) error {
	if k, err := g.Keyrings.Existing(); k != nil || err != nil || g.Secret() != "" {
		return nil
	}
	known, err := registry.Look(ctx, pool, table)
	if err != nil {
		return nil
	}
	return g.Keyrings.Refusal(pool, known)
}
