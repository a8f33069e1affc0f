// Package home is what the local commands keep in a folder, .sqs2pg: the masking keyring, and the
// files of the Postgres that run starts.
//
// Both must outlive a command, and they belong together: the keyring made the tokens that are in
// that Postgres. So one package decides when a keyring may be made, and when a database gets one.
// It imports pkg/postgres and below, and pkg/local/localpg.
package home

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
)

// Dir is the name of the folder.
const Dir = ".sqs2pg"

// KeyringPath is the keyring's file if no other is named. parent is the folder in which Dir is.
func KeyringPath(parent string) string { return filepath.Join(parent, Dir, "keyring.json") }

// Keyring is a keyring with where it comes from.
type Keyring struct {
	*mask.Keyring
	Text string // its JSON; "" if a function is to read it elsewhere
	From string // a flag, a variable or a file
}

// KeyringError says that there is no keyring that can be used, and what the person is to do.
type KeyringError struct{ error }

// Unwrap returns the cause.
func (e KeyringError) Unwrap() error { return e.error }

func keyringError(format string, args ...any) error {
	return KeyringError{fmt.Errorf(format, args...)}
}

// Keyrings is where the local commands look for the masking keyring: in Text if it is set, or else
// in the file at Path. The errors of its methods are KeyringErrors.
type Keyrings struct {
	Text   string    // JSON
	From   string    // where Text comes from
	Path   string    // required
	Exists bool      // a person has named Path, so it is an error if there is no such file
	Talk   io.Writer // gets a line when a keyring is made
}

// Existing returns the keyring that exists, or nil.
func (r *Keyrings) Existing() (*Keyring, error) {
	text, from := r.Text, r.From
	if text == "" {
		kept, err := os.ReadFile(r.Path)
		if os.IsNotExist(err) && !r.Exists {
			return nil, nil
		}
		if err != nil {
			return nil, keyringError("masking keyring: %w", err)
		}
		text, from = string(kept), r.Path
	}
	k, err := mask.ParseKeyring([]byte(text))
	if err != nil {
		return nil, keyringError("%s: %w", from, err)
	}
	return &Keyring{k, text, from}, nil
}

// ForDatabase returns the keyring that exists, or makes one, unless Refusal is against it.
func (r *Keyrings) ForDatabase(pool *postgres.Pool, d registry.Database) (*Keyring, error) {
	if k, err := r.Existing(); k != nil || err != nil {
		return k, err
	}
	if err := r.Refusal(pool, d); err != nil {
		return nil, err
	}
	return r.generate()
}

// Refusal says why no keyring may be made: the database holds tokens already, or is not on this
// machine. Equal values would then have different tokens, and nobody would notice. It is nil if a
// keyring may be made.
func (r *Keyrings) Refusal(pool *postgres.Pool, d registry.Database) error {
	switch {
	case d.HoldsTokens():
		return keyringError("no masking keyring in %s, and the database holds tokens: copy the keyring that made them there, or name it by MASK_KEYRING_FILE or MASK_SECRET_ID", r.Path)
	case !pool.OnThisMachine():
		return keyringError("no masking keyring in %s, and the database is not on this machine, so none is made: name one by MASK_KEYRING_FILE or MASK_SECRET_ID", r.Path)
	}
	return nil
}

// generate makes a keyring, unless another command has made one meanwhile. It then uses that one.
func (r *Keyrings) generate() (*Keyring, error) {
	made, err := writeNew(r.Path, mask.GenerateKeyring())
	if err != nil {
		return nil, keyringError("masking keyring: %w", err)
	}
	if made {
		fmt.Fprintf(r.Talk, "made a masking keyring in %s: keep it, or tokens change\n", r.Path)
	}
	return r.Existing()
}

// writeNew writes a file that only its owner may read, and reports whether it did: a file that is
// there stays as it is. A reader never sees half a file, because the file gets its name last.
func writeNew(path string, text []byte) (bool, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*") // its mode is 0600
	if err != nil {
		return false, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return false, err
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, os.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// ForTrial returns the keyring that exists, or one that is used once and not kept.
func (r *Keyrings) ForTrial() (*mask.Keyring, error) {
	switch k, err := r.Existing(); {
	case err != nil:
		return nil, err
	case k != nil:
		return k.Keyring, nil
	}
	fmt.Fprintln(r.Talk, "no masking keyring here: these tokens are made by a key that is not kept")
	return mask.ParseKeyring(mask.GenerateKeyring())
}
