package open

import (
	"bytes"
	"context"
	"crypto/hpke"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"

	"sqs2pg/pkg/vault"
)

const (
	keyFileMode = 0o600
	maxKeyFile  = 4 << 10 // bytes
)

// MakeFile makes a key of [vault.MLKEM768X25519] and writes it to a new file that only its owner can
// read. It returns an error that wraps [fs.ErrExist] if there is such a file.
func MakeFile(path string) (*Key, error) {
	kem, _ := vault.KEM(vault.MLKEM768X25519)
	private, err := kem.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	raw, err := private.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	defer clear(raw)
	text := fmt.Appendf(nil, "# The private key of a vault of sqs2pg. Who has it can read what is sealed; without it nobody can.\n%s%s:%s\n",
		vault.PrivatePrefix, vault.MLKEM768X25519, base64.StdEncoding.EncodeToString(raw))
	defer clear(text)
	if err := writeNew(path, text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return software(vault.MLKEM768X25519, private)
}

// writeNew writes a file that is not there yet, or none.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, keyFileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}

// ReadFile reads a key that MakeFile wrote. It returns an error that wraps [fs.ErrNotExist] if there
// is no such file, and refuses a file that others can read.
func ReadFile(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: name a file that you may read", ErrKey, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %s is not a file: name the file of the private key", ErrKey, path)
	case info.Mode().Perm()&^keyFileMode != 0:
		return nil, fmt.Errorf("%w: others can read %s, its mode is %04o: type chmod 600 %[2]s", ErrKey, path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	defer clear(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s %w", ErrKey, path, err)
	}
	return key, nil
}

// parseKey reads the text of a key file: empty lines, lines that begin with #, and one key. Some
// editors put a byte order mark before it.
func parseKey(text []byte) (*Key, error) {
	var key []byte
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	for line := range bytes.Lines(text) {
		switch line = bytes.TrimSpace(line); {
		case len(line) == 0 || line[0] == '#':
		case key != nil:
			return nil, errors.New("has two keys: remove one")
		default:
			key = line
		}
	}
	key, isPrivate := bytes.CutPrefix(key, []byte(vault.PrivatePrefix))
	name, encoded, _ := bytes.Cut(key, []byte(":"))
	kem, known := vault.KEM(string(name))
	if !isPrivate || !known {
		return nil, errors.New("has no private key: restore the file that sqs2pg made")
	}
	raw, err := base64.StdEncoding.Strict().AppendDecode(nil, encoded)
	defer clear(raw)
	var private hpke.PrivateKey
	if err == nil {
		private, err = kem.NewPrivateKey(raw)
	}
	if err != nil {
		return nil, errors.New("has a private key that is damaged: restore the file that sqs2pg made")
	}
	return software(string(name), private)
}

func software(name string, private hpke.PrivateKey) (*Key, error) {
	public, err := vault.NewPublicKey(name, private.PublicKey().Bytes())
	if err != nil {
		return nil, err
	}
	return &Key{public: public, private: func(context.Context) (hpke.PrivateKey, error) { return private, nil }}, nil
}
