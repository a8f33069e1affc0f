package login

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ErrPassword means that a password cannot be used. The error does not show it.
var ErrPassword = errors.New("the password is empty or has characters that are not printable ASCII: choose another one")

const (
	scramIterations = 4096 // Postgres's own default
	scramSaltLength = 16
)

// scramVerifier returns what Postgres stores of a password: it can check the password by it, and
// nobody can log in with it. Characters outside of ASCII are refused, because a client may
// normalise them in several ways.
// https://www.rfc-editor.org/rfc/rfc5803, https://www.postgresql.org/docs/current/catalog-pg-authid.html
func scramVerifier(password string) (string, error) {
	if password == "" || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", ErrPassword
	}
	salt := make([]byte, scramSaltLength)
	rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramIterations, sha256.Size)
	if err != nil {
		return "", ErrPassword
	}
	sign := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(sign("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramIterations, encode(salt), encode(stored[:]), encode(sign("Server Key"))), nil
}
