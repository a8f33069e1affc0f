// Package open opens what package vault has sealed. It needs the private key of the recipient, or a
// key in AWS KMS and the right to derive with it. Only the command links it.
package open

import (
	"context"
	"crypto/cipher"
	"crypto/hpke"
	"errors"
	"fmt"

	"sqs2pg/pkg/privacy"
	"sqs2pg/pkg/vault"
)

// Errors that callers can test for. Their texts never hold a key or a value; what wraps them says
// what to do.
var (
	ErrKey      = errors.New("key of the vault")                    // the key cannot be used
	ErrOtherKey = errors.New("sealed for another key of the vault") // and not for this one
	ErrSealed   = errors.New("sealed values")                       // they do not open, or are not values
)

// Key opens what is sealed for its public key. It is immutable, safe for concurrent use, and prints
// as [hidden].
type Key struct {
	privacy.Hidden
	public  vault.PublicKey
	private func(context.Context) (hpke.PrivateKey, error) // see [privacy.Hidden]
}

// Public is the public key.
func (k *Key) Public() vault.PublicKey { return k.public }

// Session is a session as the database keeps it.
type Session struct {
	ID        [16]byte
	Recipient string // the ID of the public key that it seals for
	Enc       []byte
}

// Opener opens what one session has sealed. It is safe for concurrent use, and prints as [hidden].
type Opener struct {
	privacy.Hidden
	session [16]byte
	open    func(dst, nonce, sealed, additional []byte) ([]byte, error) // see [privacy.Hidden]
}

// Session makes the opener of a session. With a key in KMS that is one call of DeriveSharedSecret,
// whatever the number of rows. It returns ErrOtherKey for a session that is not for this key, and
// ErrKey if the key cannot be used.
func (k *Key) Session(ctx context.Context, s Session) (*Opener, error) {
	if s.Recipient != k.public.ID() {
		return nil, fmt.Errorf("%w: it was for %s, and this is %s: use that key", ErrOtherKey, s.Recipient, k.public.ID())
	}
	private, err := k.private(ctx)
	if err != nil {
		return nil, err
	}
	recipient, err := hpke.NewRecipient(s.Enc, private, vault.KDF(), vault.AEAD(), []byte(vault.Info))
	if errors.Is(err, ErrKey) {
		return nil, err
	}
	var content cipher.AEAD
	if err == nil {
		content, err = vault.ContentKey(recipient.Export)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the row of their session %x is damaged: restore it from a backup", ErrSealed, s.ID)
	}
	return &Opener{session: s.ID, open: content.Open}, nil
}

// Open opens the sealed values of a row. It returns ErrSealed if they are of another row or session,
// or were changed.
func (o *Opener) Open(row vault.Row, sealed []byte) (Values, error) {
	if len(sealed) == 0 || sealed[0] != vault.Version {
		return Values{}, fmt.Errorf("%w: their version is not %d: use a newer sqs2pg", ErrSealed, vault.Version)
	}
	plain, err := o.open(nil, nil, sealed[1:], row.AppendAdditionalData(nil, o.session))
	if err != nil {
		return Values{}, fmt.Errorf("%w: they do not open in this row, because they were changed or moved, or the key is another than its public key says: compare the row of sqs2pg_vault with a backup", ErrSealed)
	}
	return parse(plain)
}
