package home_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/vault"
	"sqs2pg/pkg/vault/open"
)

// logins is the table of the logins, whose ip can be recovered.
func logins(t *testing.T) contract.Table {
	t.Helper()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	table := c.Table()
	table.Recover = []string{"ip"}
	return table
}

func wantVaultError(t *testing.T, err error, text string) {
	t.Helper()
	if _, ok := errors.AsType[home.VaultError](err); !ok || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want a VaultError with %q", err, text)
	}
}

func TestMakesAVaultKeyAndTellsTheDatabase(t *testing.T) {
	t.Parallel()
	table := logins(t)
	db := postgrestest.New(t, table)
	db.Exec(t, "delete from sqs2pg_vault.recipients")
	owner := postgrestest.Open(t, db.OwnerURL)
	var talk strings.Builder
	v := home.Vault{Path: home.VaultPath(t.TempDir()), Talk: &talk}
	_, err := v.Named(t.Context(), owner, table)
	wantVaultError(t, err, "run sqs2pg migrate, which makes one")
	key, err := v.Find(t.Context(), owner, table)
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Named(t.Context(), owner, table)
	wantVaultError(t, err, "does not know the vault's public key "+key.ID()+": run sqs2pg migrate")
	for range 2 {
		if err := v.Register(t.Context(), owner, key); err != nil {
			t.Fatal(err)
		}
	}
	if got := db.QueryStrings(t, "select id || ' ' || kem || locator from sqs2pg_vault.recipients"); !slices.Equal(got, []string{key.ID() + " " + vault.MLKEM768X25519}) {
		t.Errorf("recipients %v, want %s", got, key.ID())
	}
	if planned, err := v.Planned(t.Context(), owner, table); err != nil || planned != "" {
		t.Errorf("of a key that is known it plans %q, %v", planned, err)
	}
	again, err := v.Named(t.Context(), owner, table)
	if err != nil || again.String() != key.String() || strings.Count(talk.String(), "made a vault key in "+v.Path) != 1 {
		t.Errorf("then %v, %v; said %q", again, err, talk.String())
	}

	os.Remove(v.Path)
	if lost, err := v.Find(t.Context(), owner, table); err != nil || !lost.IsZero() {
		t.Errorf("to migrate without the key: %v, %v, want none and no error", lost, err)
	}
	_, err = v.Named(t.Context(), owner, table)
	wantVaultError(t, err, "copy the file with the key "+key.ID())
	v.Public = key.String()
	if named, err := v.Named(t.Context(), owner, table); err != nil || named.ID() != key.ID() {
		t.Errorf("by its public key: %v, %v", named, err)
	}
}

// Whoever has the second key can read what is sealed for it, so nobody adds one without being told.
func TestSaysThatAnotherVaultKeyIsRegistered(t *testing.T) {
	t.Parallel()
	table := logins(t)
	db := postgrestest.New(t, table)
	owner := postgrestest.Open(t, db.OwnerURL)
	var talk strings.Builder
	other := home.Vault{Path: home.VaultPath(t.TempDir()), Talk: io.Discard}
	key, err := other.Any()
	if err != nil {
		t.Fatal(err)
	}
	v := home.Vault{Path: other.Path, Talk: &talk}
	_, err = v.Named(t.Context(), owner, table)
	wantVaultError(t, err, key.ID()+", but "+postgrestest.VaultKey().ID()+": use that key, or run sqs2pg migrate with the new VAULT_PUBLIC_KEY")
	if planned, err := v.Planned(t.Context(), owner, table); err != nil || planned != "it would register the vault's public key "+key.ID() {
		t.Errorf("plans %q, %v", planned, err)
	}
	for range 2 {
		if err := v.Register(t.Context(), owner, key); err != nil {
			t.Fatal(err)
		}
	}
	if want := "registered the vault's public key " + key.ID() + ": functions with it may seal for it\n"; talk.String() != want {
		t.Errorf("says %q, want %q once", talk.String(), want)
	}
	db.Exec(t, "revoke select on sqs2pg_vault.recipients from sqs2pg_writer")
	if named, err := v.Named(t.Context(), db.Pool, table); err != nil || named.ID() != key.ID() {
		t.Errorf("a login without rights: %v, %v, want the comparison of the table to say what it lacks", named, err)
	}
}

func TestMakesNoVaultKeyWhereThereIsNothingToSeal(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	table := logins(t)
	table.Recover = nil
	v := home.Vault{Path: home.VaultPath(t.TempDir()), Talk: io.Discard}
	if key, err := v.Find(t.Context(), db.Pool, table); err != nil || !key.IsZero() {
		t.Errorf("%v, %v", key, err)
	}
	if _, err := os.Stat(v.Path); !os.IsNotExist(err) {
		t.Errorf("there is a key file: %v", err)
	}
}

func TestMakesNoVaultKeyForADatabaseElsewhere(t *testing.T) {
	t.Parallel()
	elsewhere, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://u:p@db.example.com/d?sslmode=disable"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(elsewhere.Close)
	v := home.Vault{Path: home.VaultPath(t.TempDir()), Talk: io.Discard}
	wantVaultError(t, v.Refusal(elsewhere, registry.Database{}), "VAULT_PUBLIC_KEY is not set")
}

func TestVaultKeysThatCannotBeUsedAreRefused(t *testing.T) {
	t.Parallel()
	path := home.VaultPath(t.TempDir())
	for name, test := range map[string]struct {
		text, public, want string
		mode               os.FileMode
	}{
		"a file that others read": {"PRIVATE-MLKEM768-X25519:AAAA", "", "chmod 600", 0o644},
		"another file":            {"{}", "", "has no private key", 0o600},
		"not a public key":        {"", "AAAA", "VAULT_PUBLIC_KEY: ", 0o600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := home.Vault{Path: path + name, Public: test.public, Talk: io.Discard}
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(v.Path, []byte(test.text), 0o600), os.Chmod(v.Path, test.mode)); err != nil {
				t.Fatal(err)
			}
			_, err := v.Existing()
			wantVaultError(t, err, test.want)
		})
	}
}

func TestCommandsAtTheSameTimeMakeOneVaultKey(t *testing.T) {
	t.Parallel()
	table := logins(t)
	db := postgrestest.New(t, table)
	db.Exec(t, "delete from sqs2pg_vault.recipients")
	path := home.VaultPath(t.TempDir())
	ids := make([]string, 8)
	var ended sync.WaitGroup
	for i := range ids {
		ended.Go(func() {
			v := home.Vault{Path: path, Talk: io.Discard}
			key, err := v.Find(t.Context(), db.Pool, table)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = key.ID()
		})
	}
	ended.Wait()
	if different := slices.Compact(slices.Sorted(slices.Values(ids))); len(different) != 1 {
		t.Errorf("%d keys are in use, want 1", len(different))
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("%d files in the folder (%v), want the key alone", len(files), err)
	}
	if _, err := open.ReadFile(path); err != nil {
		t.Error(err)
	}
}
