// Package vault seals personal values so that whoever writes them cannot read them again.
//
// The writer has the public key of a recipient and nothing else. Once a [Session] it makes a key of
// its own for the recipient by HPKE (RFC 9180), in base mode and for export only, and seals the
// values of each event under it by AES-256-GCM. The session keeps its key in memory; what is stored
// of it, the encapsulated key, is of use to the holder of the private key alone. Package vault/open
// opens; no function that writes links it.
//
// HPKE once an event would cost 0.1 ms; a seal costs about half a microsecond.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hpke"
	"encoding/binary"
	"errors"
	"time"
)

// Errors of this package. No text of them has a key or a value.
var ErrPublicKey = errors.New("public key of the vault")

// What sealing and opening agree on.
const (
	Info    = "sqs2pg/vault/v1" // of HPKE
	Version = 1                 // first byte of what is sealed, and of the additional data
	Padding = 32                // bytes: the length of sealed values is a multiple of it
	Spare   = 256               // bytes of capacity behind values with which [Session.Seal] makes no copy of them

	contentLabel = "content" // of the exported key that seals
	contentKey   = 32        // bytes: AES-256
)

// KDF and AEAD are those of HPKE. HPKE itself seals nothing: it exports the key that does.
func KDF() hpke.KDF   { return hpke.HKDFSHA256() }
func AEAD() hpke.AEAD { return hpke.ExportOnly() }

// Row names the row that sealed values belong to. Its text goes into the seal, so values that are
// moved to another row do not open.
type Row struct {
	Table   string    // schema.name
	SentAt  time.Time // counts in whole microseconds, as Postgres keeps it
	EventID [16]byte
}

// AppendAdditionalData appends what a seal of the row under a session is bound to: the version, the
// table with its length, the time in microseconds since 1970, the event's id, the session's id.
func (r Row) AppendAdditionalData(b []byte, session [16]byte) []byte {
	b = append(b, Version)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Table)))
	b = append(b, r.Table...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.SentAt.UnixMicro()))
	b = append(b, r.EventID[:]...)
	return append(b, session[:]...)
}

// ContentKey makes the cipher of a session. export is that of the HPKE sender, or of the recipient.
// The cipher writes a random nonce before what it seals: 2^24 of them, the most that a session
// makes, repeat with a probability of 2^-49.
func ContentKey(export func(label string, length int) ([]byte, error)) (cipher.AEAD, error) {
	key, err := export(contentLabel, contentKey)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	aes256, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(aes256)
}

// pad appends spaces, which JSON ignores.
func pad(values []byte) []byte {
	const spaces = "                                " // Padding of them
	return append(values, spaces[:(Padding-len(values)%Padding)%Padding]...)
}
