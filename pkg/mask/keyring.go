package mask

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"sync"

	"sqs2pg/pkg/privacy"
)

const (
	tokenInfo  = "sqs2pg/token/v1" // HKDF info of the key that makes tokens
	tokenBytes = 16                // of the HMAC's 32: 128 bits do not collide in practice
)

// Keyring holds the keys that tokens are made with. It is immutable, safe for concurrent use, and
// prints as [hidden] however it is printed.
type Keyring struct {
	privacy.Hidden
	current      *tokenKey // a pointer: fmt follows no pointer inside a struct, so no key is printed
	fingerprints []Fingerprint
}

// tokenKey makes the tokens of one key. It keeps the states of its HMAC, because making one costs
// more than using it.
type tokenKey struct {
	id     string
	states sync.Pool // of *state
}

type state struct {
	mac hash.Hash
	buf []byte
}

func newTokenKey(id, secret string) *tokenKey {
	derived, err := hkdf.Key(sha256.New, []byte(secret), nil, tokenInfo, sha256.Size)
	if err != nil {
		panic(err) // only for lengths over 255 hashes
	}
	return &tokenKey{id: id, states: sync.Pool{New: func() any {
		return &state{mac: hmac.New(sha256.New, derived)}
	}}}
}

// Token is the current key's id, a colon, and the first 16 bytes of HMAC-SHA-256(token key, domain
// || 0x00 || canonical) in lower-case hexadecimal. The token key is HKDF-SHA-256 (RFC 5869) of the
// key's characters without salt. The same value has another token in another domain, so columns of
// different domains cannot be joined.
//
// The caller brings the value into its canonical form first.
func (k Keyring) Token(domain, canonical string) string {
	key := k.current
	s := key.states.Get().(*state)
	defer key.states.Put(s)

	s.buf = append(append(append(s.buf[:0], domain...), 0), canonical...)
	s.mac.Reset()
	s.mac.Write(s.buf)
	sum := s.mac.Sum(s.buf[:0])

	text := make([]byte, 0, 64)
	text = append(append(text, key.id...), ':')
	s.buf = sum
	return string(hex.AppendEncode(text, sum[:tokenBytes]))
}

// GenerateKeyring makes the JSON text of a keyring with one new key of 256 random bits, for the
// local commands. On AWS, Secrets Manager makes the keyring.
func GenerateKeyring() []byte {
	var secret [32]byte
	rand.Read(secret[:]) // never fails, see crypto/rand
	return fmt.Appendf(nil, `{"current": "k1", "k1": "%x"}`, secret)
}
