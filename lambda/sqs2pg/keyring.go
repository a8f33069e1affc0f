package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sqs2pg/pkg/mask"
)

// stateDir is where the local commands keep what must outlive them: the keyring, and Postgres's
// files.
const stateDir = ".sqs2pg"

// keyringFlag is the masking keyring of the local commands.
type keyringFlag struct {
	Keyring string `env:"MASK_KEYRING" hidden:"" help:"Masking keyring (JSON); the default is made once and kept in .sqs2pg/keyring.json."`
}

// keyring returns the keyring, and its JSON for the function's environment. Where there is no
// keyring it makes one.
func (f *keyringFlag) keyring(s *streams) (text string, k *mask.Keyring, err error) {
	text, from := f.Keyring, source("--keyring", f.Keyring, "MASK_KEYRING")
	if text == "" {
		from = keyringPath(s)
		if text, err = keptKeyring(s); err != nil {
			return "", nil, err
		}
	}
	k, err = mask.ParseKeyring([]byte(text))
	if err != nil {
		return "", nil, misuse("%s: %w", from, err)
	}
	return text, k, nil
}

func keyringPath(s *streams) string { return filepath.Join(s.dir, stateDir, "keyring.json") }

// keptKeyring reads the keyring file, and writes a new one if it is missing.
func keptKeyring(s *streams) (string, error) {
	path := keyringPath(s)
	kept, err := os.ReadFile(path)
	if err == nil {
		return string(kept), nil
	}
	if !os.IsNotExist(err) {
		return "", err
	}
	made := mask.GenerateKeyring()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(path, made, 0o600); err != nil {
		return "", err
	}
	fmt.Fprintf(s.err, "made a masking keyring in %s: keep it, or tokens change\n", path)
	return string(made), nil
}
