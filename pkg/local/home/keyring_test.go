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

	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/registry"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func TestMakesNoKeyringForADatabaseElsewhere(t *testing.T) {
	t.Parallel()
	elsewhere, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://u:p@db.example.com/d?sslmode=disable"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(elsewhere.Close)
	r := home.Keyrings{Path: home.KeyringPath(t.TempDir()), Talk: io.Discard}
	_, err = r.ForDatabase(elsewhere, registry.Database{})
	if _, ok := errors.AsType[home.KeyringError](err); !ok || !strings.Contains(err.Error(), "not on this machine") {
		t.Errorf("got %v, want a refusal", err)
	}
	if _, err := os.Stat(r.Path); !os.IsNotExist(err) {
		t.Errorf("there is a keyring file: %v", err)
	}
}

func TestMakesAKeyringOnceForADatabaseOnThisMachine(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var talk strings.Builder
	r := home.Keyrings{Path: home.KeyringPath(t.TempDir()), Talk: &talk}
	first, err := r.ForDatabase(db.Pool, registry.Database{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.ForDatabase(db.Pool, registry.Database{})
	if err != nil {
		t.Fatal(err)
	}
	if first.Text != again.Text || strings.Count(talk.String(), "made a masking keyring in "+r.Path) != 1 {
		t.Errorf("the second keyring is another one; said %q", talk.String())
	}
	if info, err := os.Stat(r.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, want mode 0600", info.Mode(), err)
	}
}

func TestCommandsAtTheSameTimeMakeOneKeyring(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	path := home.KeyringPath(t.TempDir())
	texts := make([]string, 8)
	var start, ended sync.WaitGroup
	start.Add(len(texts))
	for i := range texts {
		ended.Go(func() {
			r := home.Keyrings{Path: path, Talk: io.Discard}
			start.Done()
			start.Wait()
			k, err := r.ForDatabase(db.Pool, registry.Database{})
			if err != nil {
				t.Error(err)
				return
			}
			texts[i] = k.Text
		})
	}
	ended.Wait()
	if different := slices.Compact(slices.Sorted(slices.Values(texts))); len(different) != 1 {
		t.Errorf("%d keyrings are in use, want 1", len(different))
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("%d files in the folder (%v), want the keyring alone", len(files), err)
	}
}

func TestAMissingFileIsAnErrorIfAPersonHasNamedIt(t *testing.T) {
	t.Parallel()
	r := home.Keyrings{Path: home.KeyringPath(t.TempDir()), Talk: io.Discard}
	if k, err := r.Existing(); k != nil || err != nil {
		t.Errorf("not named: %v, %v", k, err)
	}
	r.Exists = true
	if _, err := r.Existing(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), r.Path) {
		t.Errorf("named: %v", err)
	}
}
