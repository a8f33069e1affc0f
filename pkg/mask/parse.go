package mask

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	currentMember = "current"
	minKey        = 32 // characters
	maxID         = 16 // characters; shorter than any key, so that a key in the place of an id is never printed
)

// ParseKeyring reads the keyring's JSON text:
//
//	{"current": "k1", "k1": "<at least 32 characters>"}
//
// CloudFormation's GenerateSecretString makes this shape. "current" names the key that new tokens
// are made with; further members are older keys. Every error wraps ErrKeyring and says which member
// is wrong and what to do; no error holds a key.
func ParseKeyring(secret []byte) (*Keyring, error) {
	members, err := readMembers(secret)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyring, err)
	}
	current, ok := members[currentMember]
	if !ok {
		return nil, fmt.Errorf(`%w: the member "current" is missing: let it name the key that new tokens are made with, {"current": "k1", "k1": "..."}`, ErrKeyring)
	}
	delete(members, currentMember)
	for _, id := range slices.Sorted(maps.Keys(members)) {
		if n := utf8.RuneCountInString(members[id]); n < minKey {
			return nil, fmt.Errorf("%w: the key %q has %d characters and needs at least %d: make one with openssl rand -hex 32", ErrKeyring, id, n, minKey)
		}
	}
	if _, ok := members[current]; !ok {
		return nil, fmt.Errorf(`%w: "current" must be the name of another member that holds the key`, ErrKeyring)
	}
	fingerprints, byID := fingerprintsOf(members), make(map[string]*Keyring, len(members))
	for id, key := range members {
		byID[id] = &Keyring{current: newTokenKey(id, key), with: func(id string) *Keyring { return byID[id] }, fingerprints: fingerprints}
	}
	return byID[current], nil
}

// readMembers reads a JSON object of strings. encoding/json alone would take the last of two equal
// names and replace invalid UTF-8, and so would change a key without a word.
func readMembers(secret []byte) (map[string]string, error) {
	if len(bytes.TrimSpace(secret)) == 0 {
		return nil, errors.New(`it is empty: set it to {"current": "k1", "k1": "<at least 32 characters>"}`)
	}
	if !utf8.Valid(secret) {
		return nil, errors.New("it is not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(secret))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotObject
	}
	members := make(map[string]string)
	for d.More() {
		if err := readMember(d, members); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errNotObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object: remove it")
	}
	return members, nil
}

var errNotObject = errors.New(`it is not a JSON object such as {"current": "k1", "k1": "<at least 32 characters>"}`)

func readMember(d *json.Decoder, members map[string]string) error {
	t, err := d.Token()
	name, ok := t.(string)
	if err != nil || !ok {
		return errNotObject
	}
	if !isID(name) {
		return fmt.Errorf("the name of member %d is not a key id: use at most %d letters, digits, - and _", len(members)+1, maxID)
	}
	if _, ok := members[name]; ok {
		return fmt.Errorf("the member %q is there twice: remove one", name)
	}
	t, err = d.Token()
	value, ok := t.(string)
	if err != nil || !ok {
		return fmt.Errorf("the member %q is not a string", name)
	}
	if strings.ContainsRune(value, utf8.RuneError) {
		return fmt.Errorf("the member %q has a character that is not valid: use letters and digits", name)
	}
	members[name] = value
	return nil
}

// isID reports whether a name can stand before the colon of a token.
func isID(name string) bool {
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			return false
		}
	}
	return name != "" && len(name) <= maxID
}
