package mask

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
)

const (
	fingerprintInfo  = "sqs2pg/fingerprint/v1" // HKDF info
	fingerprintBytes = 8
)

// Fingerprint tells two keys of the same id apart without revealing either: 8 bytes of HKDF-SHA-256
// of the key's characters, in lower-case hexadecimal. It may be logged and stored.
type Fingerprint struct{ ID, Fingerprint string }

// Fingerprints are those of all keys, sorted by id.
func (k *Keyring) Fingerprints() []Fingerprint { return k.fingerprints }

// CurrentID is the id of the key that new tokens are made with.
func (k *Keyring) CurrentID() string { return k.current.id }

func fingerprintsOf(keys map[string]string) []Fingerprint {
	var list []Fingerprint
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		derived, err := hkdf.Key(sha256.New, []byte(keys[id]), nil, fingerprintInfo, fingerprintBytes)
		if err != nil {
			panic(err) // only for lengths over 255 hashes
		}
		list = append(list, Fingerprint{id, hex.EncodeToString(derived)})
	}
	return list
}
