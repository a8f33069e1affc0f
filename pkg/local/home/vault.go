package home

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/vault"
	"sqs2pg/pkg/vault/open"
)

// VaultPath is the file of the vault's private key if no other is named. parent is the folder in
// which Dir is.
func VaultPath(parent string) string { return filepath.Join(parent, Dir, "vault.key") }

// VaultError says that there is no public key for the vault that can be used, and what the person is
// to do.
type VaultError struct{ error }

// Unwrap returns the cause.
func (e VaultError) Unwrap() error { return e.error }

func vaultError(format string, args ...any) error { return VaultError{fmt.Errorf(format, args...)} }

// Private returns the private key of a recipient: in KMS where the database says so, or else in one of
// the files. A key in KMS is used by the AWS settings of at, and KMS is not asked yet.
func (v *Vault) Private(ctx context.Context, at account.Place, r disclosure.Recipient) (*open.Key, error) {
	if r.Locator == "" {
		return v.inFiles(r.ID)
	}
	public, err := vault.ParsePublicKey(r.PublicKey)
	if err != nil {
		return nil, err
	}
	cfg, err := at.Config(ctx)
	if err != nil {
		return nil, vaultError("it is in KMS, %s: %w", r.Locator, err)
	}
	if parts := strings.Split(r.Locator, ":"); len(parts) > 3 {
		cfg.Region = parts[3] // of the ARN
	}
	return open.KMS(kms.NewFromConfig(cfg), r.Locator, public)
}

// inFiles returns the private key with an ID.
func (v *Vault) inFiles(id string) (*open.Key, error) {
	var unreadable error
	var looked []string
	for _, path := range append([]string{v.Path}, v.Others...) {
		key, err := open.ReadFile(path)
		switch {
		case err == nil && key.Public().ID() == id:
			return key, nil
		case err == nil:
			looked = append(looked, fmt.Sprintf("%s has the key %s", path, key.Public().ID()))
		case errors.Is(err, fs.ErrNotExist):
			looked = append(looked, fmt.Sprintf("there is no file %s", path))
		default:
			unreadable = cmp.Or(unreadable, err)
		}
	}
	if unreadable != nil {
		return nil, VaultError{unreadable}
	}
	return nil, vaultError("%s: name the files of all keys by VAULT_KEY_FILE=FILE,FILE", strings.Join(looked, ", and "))
}

// Vault is where the local commands look for the public key that values are sealed for: in Public if
// it is set, or else in the file of a private key at Path. The errors of its methods are
// VaultErrors.
type Vault struct {
	Public  string    // VAULT_PUBLIC_KEY
	Locator string    // VAULT_KEY_ARN: where the private key of Public is
	Path    string    // required
	Others  []string  // files of private keys that values were sealed for before
	Talk    io.Writer // gets a line when a key is made, or a database is told of one

	made bool
}

// Existing returns the public key that is named, or that of the file; the zero key if there is
// neither.
func (v *Vault) Existing() (vault.PublicKey, error) {
	if v.Public != "" {
		key, err := vault.ParsePublicKey(v.Public)
		if err != nil {
			return key, vaultError("VAULT_PUBLIC_KEY: %w", err)
		}
		return key, nil
	}
	key, err := open.ReadFile(v.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return vault.PublicKey{}, nil
	case err != nil:
		return vault.PublicKey{}, VaultError{err}
	}
	return key.Public(), nil
}

// Named returns the public key that the function will seal for, which the database knows; the zero key
// if no table has x-recover. It makes none: the database has to be told of a key, which Find and
// Register do.
func (v *Vault) Named(ctx context.Context, pool *postgres.Pool, tables ...contract.Table) (vault.PublicKey, error) {
	table, key, known, err := v.look(ctx, pool, tables)
	if known == nil || err != nil {
		return key, err
	}
	if !key.IsZero() {
		for _, d := range known.CompareRecipient(table, key.ID()) {
			if known.Table != nil && len(known.Lacks) == 0 { // else the comparison of the table says what to do
				return key, vaultError("%s", d)
			}
		}
		return key, nil
	}
	if err := v.Refusal(pool, *known); err != nil {
		return key, err
	}
	return key, vaultError("no key of the vault in %s: run sqs2pg migrate, which makes one", v.Path)
}

// Find returns the key for Register. It makes one, unless Refusal is against it. Where the database
// knows another key already, and none is named, it returns the zero key: a migration needs none. Call
// it before the migration, so that a missing key is found before anything is changed.
func (v *Vault) Find(ctx context.Context, pool *postgres.Pool, tables ...contract.Table) (vault.PublicKey, error) {
	_, key, known, err := v.look(ctx, pool, tables)
	if !key.IsZero() || known == nil || err != nil || len(known.Recipients) > 0 {
		return key, err
	}
	if err := v.Refusal(pool, *known); err != nil {
		return key, err
	}
	return v.make()
}

// look returns the key that exists, and what the database knows of the first table that has
// x-recover; nil if none has.
func (v *Vault) look(ctx context.Context, pool *postgres.Pool, tables []contract.Table) (table contract.Table, key vault.PublicKey, known *registry.Database, err error) {
	i := slices.IndexFunc(tables, contract.Table.HasVault)
	if i < 0 {
		return table, key, nil, nil
	}
	if key, err = v.Existing(); err != nil {
		return table, key, nil, err
	}
	found, err := registry.Look(ctx, pool, tables[i])
	return tables[i], key, &found, err
}

// Refusal says why no key may be made: values in the database are sealed for another one already, or
// the database is not on this machine. It is nil if a key may be made.
func (v *Vault) Refusal(pool *postgres.Pool, d registry.Database) error {
	switch {
	case len(d.Recipients) > 0:
		return vaultError("no key of the vault in %s, and the database has one already: copy the file with the key %s there, or set VAULT_PUBLIC_KEY to its public key", v.Path, d.Recipients[0].ID)
	case !pool.OnThisMachine():
		return vaultError("the contract has x-recover, and VAULT_PUBLIC_KEY is not set: set it to the public key of the vault; for a database elsewhere none is made")
	}
	return nil
}

// Any returns the key that exists, or makes one.
func (v *Vault) Any() (vault.PublicKey, error) {
	if key, err := v.Existing(); !key.IsZero() || err != nil {
		return key, err
	}
	return v.make()
}

// make makes a key in a file, unless another command has made one meanwhile. It then uses that one.
func (v *Vault) make() (vault.PublicKey, error) {
	dir := filepath.Dir(v.Path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return vault.PublicKey{}, vaultError("key of the vault: %w", err)
	}
	half := filepath.Join(dir, filepath.Base(v.Path)+"."+rand.Text()) // a reader never sees half a file
	key, err := open.MakeFile(half)
	if err != nil {
		return vault.PublicKey{}, VaultError{err}
	}
	defer os.Remove(half)
	switch err := os.Link(half, v.Path); {
	case errors.Is(err, fs.ErrExist):
		return v.Existing()
	case err != nil:
		return vault.PublicKey{}, vaultError("key of the vault: %w", err)
	}
	v.made = true
	fmt.Fprintf(v.Talk, "made a vault key in %s: keep it, or nothing can be revealed\n", v.Path)
	return key.Public(), nil
}

// Planned says what Find and Register would do; "" if nothing. It changes nothing.
func (v *Vault) Planned(ctx context.Context, pool *postgres.Pool, tables ...contract.Table) (string, error) {
	_, key, known, err := v.look(ctx, pool, tables)
	switch {
	case known == nil || err != nil:
		return "", err
	case key.IsZero() && len(known.Recipients) > 0:
		return "", nil
	case key.IsZero():
		return "it would make a vault key in " + v.Path, v.Refusal(pool, *known)
	case slices.ContainsFunc(known.Recipients, func(r registry.Recipient) bool { return r.ID == key.ID() }):
		return "", nil
	}
	return "it would register the vault's public key " + key.ID(), nil
}

// Register tells the database of a key, so that the function may seal for it, and says so of a key
// that was there before. With the zero key it does nothing. Call it after the migration.
func (v *Vault) Register(ctx context.Context, pool *postgres.Pool, key vault.PublicKey) error {
	if key.IsZero() {
		return nil
	}
	added, err := schema.Register(ctx, pool, schema.RecipientOf(key, v.Locator))
	if added && !v.made {
		fmt.Fprintf(v.Talk, "registered the vault's public key %s: functions with it may seal for it\n", key.ID())
	}
	return err
}
