package vault

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hpke"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
)

// The KEMs of recipients, by the names that [PublicKey.String] uses. P256 is what AWS KMS can do.
// MLKEM768X25519, also called X-Wing, withstands quantum computers.
const (
	P256           = "DHKEM-P256"
	MLKEM768X25519 = "MLKEM768-X25519"
)

// PrivatePrefix is before the text of a private key, so that it is not taken for a public one.
const PrivatePrefix = "PRIVATE-"

// KEM returns the KEM of a name, and false if it is none of the names above.
func KEM(name string) (hpke.KEM, bool) {
	switch name {
	case P256:
		return hpke.DHKEM(ecdh.P256()), true
	case MLKEM768X25519:
		return hpke.MLKEM768X25519(), true
	}
	return nil, false
}

// PublicKey is the public key of a recipient, who can open what is sealed for it. It is no secret,
// but whoever swaps it reads what is sealed from then on. It is immutable.
type PublicKey struct {
	kem string
	key hpke.PublicKey
}

const howToPublicKey = `use the text that sqs2pg prints, such as DHKEM-P256:BASE64, or what "aws kms get-public-key" gives for a key of type ECC_NIST_P256`

// ParsePublicKey reads a public key: NAME:BASE64 as [PublicKey.String] writes it, or the PKIX key
// that AWS KMS gives, in base64 or PEM. White space around it is ignored. Errors wrap ErrPublicKey
// and say what to do.
func ParsePublicKey(text string) (PublicKey, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return PublicKey{}, fmt.Errorf("%w: it is empty: %s", ErrPublicKey, howToPublicKey)
	}
	if strings.Contains(text, PrivatePrefix) || strings.Contains(text, "PRIVATE KEY") {
		return PublicKey{}, fmt.Errorf("%w: it is a private key, which nothing that writes may have: %s", ErrPublicKey, howToPublicKey)
	}
	name, encoded, found := strings.Cut(text, ":")
	if !found || strings.HasPrefix(text, "-----") {
		return parsePKIX(text)
	}
	if _, known := KEM(name); !known {
		return PublicKey{}, fmt.Errorf("%w: it begins with the name of no kind of key: %s", ErrPublicKey, howToPublicKey)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: what follows %s: is not base64: %s", ErrPublicKey, name, howToPublicKey)
	}
	return NewPublicKey(name, raw)
}

// NewPublicKey returns the key of a KEM with these bytes.
func NewPublicKey(name string, raw []byte) (PublicKey, error) {
	kem, known := KEM(name)
	if !known {
		return PublicKey{}, fmt.Errorf("%w: %q is not a kind of key that this release knows: use %s or %s", ErrPublicKey, name, P256, MLKEM768X25519)
	}
	key, err := kem.NewPublicKey(raw)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: its %d bytes are not a key of %s: %s", ErrPublicKey, len(raw), name, howToPublicKey)
	}
	return PublicKey{name, key}, nil
}

// parsePKIX reads the key that AWS KMS gives.
func parsePKIX(text string) (PublicKey, error) {
	refused := func(problem string) (PublicKey, error) {
		return PublicKey{}, fmt.Errorf("%w: %s: %s", ErrPublicKey, problem, howToPublicKey)
	}
	der, err := base64.StdEncoding.DecodeString(text) // ignores line breaks
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der, err = block.Bytes, nil
	}
	if err != nil {
		return refused("it is neither base64 nor PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return refused("its base64 is not that of a public key")
	}
	signing, ok := parsed.(*ecdsa.PublicKey) // DER does not tell keys that sign from those that agree
	if !ok {
		return refused("it is not a key of the curve P-256")
	}
	key, err := signing.ECDH()
	if err != nil || key.Curve() != ecdh.P256() {
		return refused("it is not a key of the curve P-256")
	}
	return NewPublicKey(P256, key.Bytes())
}

// KEM is the name of the key's KEM.
func (k PublicKey) KEM() string { return k.kem }

// Bytes are those of the key, as HPKE writes them.
func (k PublicKey) Bytes() []byte { return k.key.Bytes() }

// IsZero reports whether it is the zero PublicKey, which is no key.
func (k PublicKey) IsZero() bool { return k.key == nil }

// String is the key as text: the name of its KEM, a colon, and its bytes in base64. It is "" for
// the zero PublicKey.
func (k PublicKey) String() string {
	if k.IsZero() {
		return ""
	}
	return k.kem + ":" + base64.StdEncoding.EncodeToString(k.key.Bytes())
}

// ID names the key: the first 16 hexadecimal digits of the SHA-256 of its text.
func (k PublicKey) ID() string {
	sum := sha256.Sum256([]byte(k.String()))
	return hex.EncodeToString(sum[:8])
}
