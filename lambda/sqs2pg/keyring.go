package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
)

// stateDir is where the local commands keep what must outlive them: the keyring, and Postgres's
// files.
const stateDir = ".sqs2pg"

// keyringFlag is the masking keyring of the local commands.
type keyringFlag struct {
	Keyring     string `env:"MASK_KEYRING" hidden:"" help:"Masking keyring (JSON)."`
	KeyringFile string `env:"MASK_KEYRING_FILE" hidden:"" help:"File with the masking keyring; the default is .sqs2pg/keyring.json."`
}

// localKeyring is a keyring with where it comes from.
type localKeyring struct {
	*mask.Keyring
	text string // its JSON, for the function's environment
	from string // a flag, a variable or a file
}

// existing returns the keyring that is there, and nil if there is none.
func (f *keyringFlag) existing(s *streams) (*localKeyring, error) {
	text, from := f.Keyring, source("--keyring", f.Keyring, "MASK_KEYRING")
	if text == "" {
		from = f.keyringPath(s)
		kept, err := os.ReadFile(from)
		if os.IsNotExist(err) && f.KeyringFile == "" {
			return nil, nil
		}
		if err != nil {
			return nil, misuse("masking keyring: %v", err)
		}
		text = string(kept)
	}
	k, err := mask.ParseKeyring([]byte(text))
	if err != nil {
		return nil, misuse("%s: %w", from, err)
	}
	return &localKeyring{k, text, from}, nil
}

func (f *keyringFlag) keyringPath(s *streams) string {
	return cmp.Or(f.KeyringFile, filepath.Join(s.dir, stateDir, "keyring.json"))
}

// forDatabase returns the keyring that is there, or makes one. It makes none for a database that
// holds tokens already, or that is not on this machine: equal values would then have different
// tokens, and nobody would notice.
func (f *keyringFlag) forDatabase(s *streams, pool *postgres.Pool, d registry.Database) (*localKeyring, error) {
	k, err := f.existing(s)
	switch {
	case k != nil || err != nil:
		return k, err
	case d.HoldsTokens():
		return nil, misuse("no masking keyring in %s, and the database holds tokens: copy the keyring that made them there, or name it by MASK_KEYRING_FILE or MASK_SECRET_ID", f.keyringPath(s))
	case !pool.OnThisMachine():
		return nil, misuse("no masking keyring in %s, and the database is not on this machine, so none is made: name one by MASK_KEYRING_FILE or MASK_SECRET_ID", f.keyringPath(s))
	}
	return f.make(s)
}

func (f *keyringFlag) make(s *streams) (*localKeyring, error) {
	path := f.keyringPath(s)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, mask.GenerateKeyring(), 0o600); err != nil {
		return nil, err
	}
	fmt.Fprintf(s.err, "made a masking keyring in %s: keep it, or tokens change\n", path)
	return f.existing(s)
}

// forTrial returns the keyring that is there, or one that is used once and not kept.
func (f *keyringFlag) forTrial(s *streams) (*mask.Keyring, error) {
	switch k, err := f.existing(s); {
	case err != nil:
		return nil, err
	case k != nil:
		return k.Keyring, nil
	}
	fmt.Fprintln(s.err, "no masking keyring here: these tokens are made by a key that is not kept")
	return mask.ParseKeyring(mask.GenerateKeyring())
}
