package mask

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding"
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
	current      *tokenKey                // a pointer: fmt follows no pointer inside a struct, so no key is printed
	with         func(id string) *Keyring // nil for an id that there is not; see [privacy.Hidden]
	fingerprints []Fingerprint
}

// tokenKey makes the tokens of one key. HMAC hashes the key, padded, before the value and before
// the hash of that (RFC 2104). The states of the hash after the padded key are kept, because a token
// costs half as much from them.
type tokenKey struct {
	id      string
	hashers sync.Pool // of *hasher
}

type hasher struct {
	hash.Hash
	state        encoding.BinaryUnmarshaler // of Hash
	inner, outer []byte                     // states, which encoding.BinaryMarshaler made
	buf          []byte
}

func newTokenKey(id, secret string) *tokenKey {
	derived, err := hkdf.Key(sha256.New, []byte(secret), nil, tokenInfo, sha256.Size)
	if err != nil {
		panic(err) // only for lengths over 255 hashes
	}
	inner, outer := padded(derived, 0x36), padded(derived, 0x5c)
	return &tokenKey{id: id, hashers: sync.Pool{New: func() any {
		h := sha256.New()
		return &hasher{Hash: h, state: h.(encoding.BinaryUnmarshaler), inner: inner, outer: outer}
	}}}
}

// padded is the state of SHA-256 after a key of its own size, padded to a block.
func padded(key []byte, pad byte) []byte {
	block := bytes.Repeat([]byte{pad}, sha256.BlockSize)
	subtle.XORBytes(block, block, key)
	h := sha256.New()
	h.Write(block)
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(err) // never of SHA-256
	}
	return state
}

// sum is the hash of b after a state, in h.buf.
func (h *hasher) sum(state, b []byte) []byte {
	if err := h.state.UnmarshalBinary(state); err != nil {
		panic(err) // never: MarshalBinary made it
	}
	h.Write(b)
	h.buf = h.Sum(h.buf[:0])
	return h.buf
}

// AppendToken appends the token of a value to b: the current key's id, a colon, and the first 16
// bytes of HMAC-SHA-256(token key, domain || 0x00 || canonical) in lower-case hexadecimal. The token
// key is HKDF-SHA-256 (RFC 5869) of the key's characters without salt. The same value has another
// token in another domain, so columns of different domains cannot be joined.
//
// The caller brings the value into its canonical form first.
func (k Keyring) AppendToken(b []byte, domain, canonical string) []byte {
	key := k.current
	h := key.hashers.Get().(*hasher)
	defer key.hashers.Put(h)

	h.buf = append(append(append(h.buf[:0], domain...), 0), canonical...)
	sum := h.sum(h.outer, h.sum(h.inner, h.buf))
	return hex.AppendEncode(append(append(b, key.id...), ':'), sum[:tokenBytes])
}

// Token is the token that AppendToken appends.
func (k Keyring) Token(domain, canonical string) string {
	var token [maxID + 1 + 2*tokenBytes]byte
	return string(k.AppendToken(token[:0], domain, canonical))
}

// As is the keyring with another current key, that of an id. It is false if there is no such key.
func (k Keyring) As(id string) (*Keyring, bool) {
	other := k.with(id)
	return other, other != nil
}

// TokenBy is Token with the key of an id. It is false if there is no such key.
func (k Keyring) TokenBy(id, domain, canonical string) (string, bool) {
	other, ok := k.As(id)
	if !ok {
		return "", false
	}
	return other.Token(domain, canonical), true
}

// GenerateKeyring makes the JSON text of a keyring with one new key of 256 random bits, for the
// local commands. On AWS, Secrets Manager makes the keyring.
func GenerateKeyring() []byte {
	var secret [32]byte
	rand.Read(secret[:]) // never fails, see crypto/rand
	return fmt.Appendf(nil, `{"current": "k1", "k1": "%x"}`, secret)
}
