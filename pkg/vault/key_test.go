package vault_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"sqs2pg/pkg/vault"
)

// pkix is a public key as AWS KMS gives it.
func pkix(t testing.TB, public any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func signingKey(t testing.TB, curve elliptic.Curve) *ecdsa.PublicKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &private.PublicKey
}

func TestPublicKeysAreReadInEveryForm(t *testing.T) {
	t.Parallel()
	for _, kem := range []string{vault.P256, vault.MLKEM768X25519} {
		_, public := key(t, kem)
		for _, text := range []string{public.String(), "\n " + public.String() + "\n"} {
			got, err := vault.ParsePublicKey(text)
			if err != nil || got.String() != public.String() || got.ID() != public.ID() || got.KEM() != kem {
				t.Errorf("%s: got %s, %v", kem, got, err)
			}
		}
	}
	signing := signingKey(t, elliptic.P256())
	der := pkix(t, signing)
	point, err := signing.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	want := "DHKEM-P256:" + base64.StdEncoding.EncodeToString(point.Bytes())
	encoded := base64.StdEncoding.EncodeToString(der)
	for form, text := range map[string]string{
		"base64": encoded, "base64 in lines": encoded[:64] + "\n" + encoded[64:] + "\n", "PEM": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "its own": want,
	} {
		got, err := vault.ParsePublicKey(text)
		if err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v", form, got, err)
		}
	}
}

// The ids of keys are in databases, so they must not change.
func TestIDOfAKnownKeyStaysTheSame(t *testing.T) {
	t.Parallel()
	known, err := vault.ParsePublicKey("DHKEM-P256:BGxrueGXZALGkv73JVL0qu7dg6XlB53j165zLaDzl7FZIfucUsmGav/I4pwCcaNZNwI6kkWYLsGLqx6xV88W/DM=")
	if err != nil {
		t.Fatal(err)
	}
	// printf %s "DHKEM-P256:..." | sha256sum
	if got := known.ID(); got != "67f7688e911bb1c7" {
		t.Errorf("got %s", got)
	}
	if zero := (vault.PublicKey{}); zero.String() != "" || !zero.IsZero() || known.IsZero() {
		t.Error("the zero key is a key")
	}
}

func TestRefusesWhatIsNoPublicKey(t *testing.T) {
	t.Parallel()
	private, public := key(t, vault.MLKEM768X25519)
	seed, err := private.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.StdEncoding.EncodeToString
	for _, test := range []struct{ text, want string }{
		{"", "it is empty"},
		{" \n", "it is empty"},
		{"RSA:AAAA", "the name of no kind of key"},
		{"DHKEM-P256:***", "is not base64"},
		{"DHKEM-P256:" + encode(make([]byte, 65)), "its 65 bytes are not a key of DHKEM-P256"},
		{"DHKEM-P256:" + encode(append([]byte{4}, make([]byte, 64)...)), "its 65 bytes are not a key of DHKEM-P256"}, // not on the curve
		{"DHKEM-P256:", "its 0 bytes are not a key of DHKEM-P256"},
		{strings.Replace(public.String(), vault.MLKEM768X25519, vault.P256, 1), "its 1216 bytes are not a key of DHKEM-P256"},
		{"PRIVATE-MLKEM768-X25519:" + encode(seed), "it is a private key"},
		{"# The private key of a vault.\nPRIVATE-MLKEM768-X25519:" + encode(seed), "it is a private key"},
		{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "it is a private key"},
		{"not a key", "neither base64 nor PEM"},
		{encode([]byte("not a key")), "its base64 is not that of a public key"},
		{encode(pkix(t, signingKey(t, elliptic.P384()))), "it is not a key of the curve P-256"},
		{encode(pkix(t, ed)), "it is not a key of the curve P-256"},
	} {
		_, err := vault.ParsePublicKey(test.text)
		if !errors.Is(err, vault.ErrPublicKey) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "aws kms get-public-key") {
			t.Errorf("%.40q: got %v, want %s", test.text, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), encode(seed)) {
			t.Errorf("the error has the private key: %v", err)
		}
	}
}

func FuzzParsePublicKey(f *testing.F) {
	_, p256 := key(f, vault.P256)
	_, hybrid := key(f, vault.MLKEM768X25519)
	der := pkix(f, signingKey(f, elliptic.P256()))
	for _, text := range []string{p256.String(), hybrid.String(), base64.StdEncoding.EncodeToString(der), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "DHKEM-P256:", "PRIVATE-", "a:b:c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		public, err := vault.ParsePublicKey(text)
		if err != nil {
			return
		}
		again, err := vault.ParsePublicKey(public.String())
		if err != nil || again.ID() != public.ID() || again.KEM() != public.KEM() {
			t.Errorf("%q is %s, and that is %s, %v", text, public, again, err)
		}
		session(t, public) // whatever is a key can be sealed for
	})
}
