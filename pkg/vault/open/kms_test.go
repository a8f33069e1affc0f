package open_test

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"sqs2pg/pkg/vault"
	"sqs2pg/pkg/vault/open"
)

// kmsServer speaks the wire protocol of AWS KMS and has one key, of the curve P-256.
type kmsServer struct {
	*httptest.Server
	arn     string
	private *ecdh.PrivateKey
	fault   string // the error code of each answer; "" for none
	usage   string
	derived atomic.Int32 // calls of DeriveSharedSecret
}

func newKMS(t testing.TB) *kmsServer {
	t.Helper()
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := &kmsServer{arn: "arn:aws:kms:eu-west-1:123456789012:key/vault", private: private, usage: "KEY_AGREEMENT"}
	k.Server = httptest.NewServer(k)
	t.Cleanup(k.Close)
	return k
}

func (k *kmsServer) client() *kms.Client { return clientOf(k.URL) }

func clientOf(url string) *kms.Client {
	return kms.New(kms.Options{Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""), RetryMaxAttempts: 1})
}

func (k *kmsServer) der() []byte {
	der, err := x509.MarshalPKIXPublicKey(k.private.PublicKey())
	if err != nil {
		panic(err)
	}
	return der
}

func (k *kmsServer) public(t testing.TB) vault.PublicKey {
	t.Helper()
	public, err := vault.ParsePublicKey(base64.StdEncoding.EncodeToString(k.der()))
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// keyInKMS is a key of the server above, or a new one where AWS_ENDPOINT_URL_KMS says: of LocalStack,
// as infra/localstack/test does.
func keyInKMS(t *testing.T) *open.Key {
	t.Helper()
	client, arn := newKMS(t).client(), "arn:aws:kms:eu-west-1:123456789012:key/vault"
	if url := os.Getenv("AWS_ENDPOINT_URL_KMS"); url != "" {
		client = clientOf(url)
		made, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeKeyAgreement})
		if err != nil {
			t.Fatal(err)
		}
		arn = *made.KeyMetadata.Arn
	}
	public, err := open.KMSPublicKey(t.Context(), client, arn)
	if err != nil {
		t.Fatal(err)
	}
	key, err := open.KMS(client, arn, public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (k *kmsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		KeyId, KeyAgreementAlgorithm string
		PublicKey                    []byte
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	answer := func(status int, body map[string]any) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
	refuse := func(code string) {
		answer(http.StatusBadRequest, map[string]any{"__type": code, "message": "the message of KMS"})
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		refuse("SerializationException")
		return
	}
	common := map[string]any{"KeyId": k.arn, "KeySpec": "ECC_NIST_P256", "KeyUsage": k.usage}
	switch operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService."); {
	case k.fault != "":
		refuse(k.fault)
	case request.KeyId != k.arn:
		refuse("NotFoundException")
	case operation == "GetPublicKey":
		common["PublicKey"] = k.der()
		answer(http.StatusOK, common)
	case operation == "DeriveSharedSecret" && request.KeyAgreementAlgorithm == "ECDH":
		k.derived.Add(1)
		secret, err := k.agree(request.PublicKey)
		if err != nil {
			refuse("ValidationException")
			return
		}
		common["SharedSecret"] = secret
		answer(http.StatusOK, common)
	default:
		refuse("UnknownOperationException")
	}
}

// agree is what KMS does with the public key of the other side.
func (k *kmsServer) agree(der []byte) ([]byte, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	signing, ok := parsed.(*ecdsa.PublicKey)
	if !ok || signing.Curve != elliptic.P256() {
		return nil, errors.New("another curve")
	}
	other, err := signing.ECDH()
	if err != nil {
		return nil, err
	}
	return k.private.ECDH(other)
}

func TestKMSDerivesOnceASession(t *testing.T) {
	t.Parallel()
	k := newKMS(t)
	public, err := open.KMSPublicKey(t.Context(), k.client(), k.arn)
	if err != nil || public.String() != k.public(t).String() {
		t.Fatalf("public key %s, %v", public, err)
	}
	key, err := open.KMS(k.client(), k.arn, public)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		session := newSession(t, public)
		opener, err := key.Session(t.Context(), open.Session{ID: session.ID, Recipient: session.Recipient, Enc: session.Enc})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			row := vault.Row{Table: "public.t", EventID: [16]byte{byte(i)}}
			if _, err := opener.Open(row, seal(session, row, `{"a":1}`).bytes); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := k.derived.Load(); n != 2 {
		t.Errorf("%d calls for two sessions of ten rows", n)
	}
}

func TestFaultsOfKMSSayWhatToDo(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"DisabledException":        "aws kms enable-key --key-id arn:aws:kms:eu-west-1:123456789012:key/vault",
		"KMSInvalidStateException": "aws kms cancel-key-deletion --key-id arn:aws:kms:eu-west-1:123456789012:key/vault",
		"AccessDeniedException":    "policy for revealers",
		"NotFoundException":        "correct the ARN",
		"InvalidKeyUsageException": "ECC_NIST_P256",
		"KMSInternalException":     "gives KMSInternalException: try again",
	} {
		k := newKMS(t)
		key, err := open.KMS(k.client(), k.arn, k.public(t))
		if err != nil {
			t.Fatal(err)
		}
		s := seal(newSession(t, key.Public()), row, `{"a":1}`)
		k.fault = fault
		_, err = s.open(t.Context(), key)
		if !errors.Is(err, open.ErrKey) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), k.arn) {
			t.Errorf("%s: got %v, want %s", fault, err, want)
		}
		var answer smithy.APIError
		if _, err := open.KMSPublicKey(t.Context(), k.client(), k.arn); !errors.As(err, &answer) || answer.ErrorCode() != fault || errors.Is(err, open.ErrKey) {
			t.Errorf("%s: the public key: %v", fault, err)
		}
	}
}

func TestKMSOutOfReach(t *testing.T) {
	t.Parallel()
	k := newKMS(t)
	key, err := open.KMS(k.client(), k.arn, k.public(t))
	if err != nil {
		t.Fatal(err)
	}
	s := seal(newSession(t, key.Public()), row, `{"a":1}`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.open(ctx, key); !errors.Is(err, open.ErrKey) || !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	k.Close()
	if _, err := s.open(t.Context(), key); !errors.Is(err, open.ErrKey) || !strings.Contains(err.Error(), "KMS does not answer") {
		t.Errorf("closed: %v", err)
	}
}

func TestKMSKeyOfAnotherKindIsRefused(t *testing.T) {
	t.Parallel()
	k := newKMS(t)
	if _, err := open.KMS(k.client(), k.arn, newKey(t).Public()); !errors.Is(err, open.ErrKey) || !strings.Contains(err.Error(), "file of the private key") {
		t.Errorf("a key of a file: %v", err)
	}
	k.usage = "SIGN_VERIFY"
	if _, err := open.KMSPublicKey(t.Context(), k.client(), k.arn); !errors.Is(err, open.ErrKey) || !strings.Contains(err.Error(), "for SIGN_VERIFY: use a key") {
		t.Errorf("a key that signs: %v", err)
	}
}

// The database says that another key of KMS is the recipient's.
func TestAnotherKeyInKMSDoesNotOpen(t *testing.T) {
	t.Parallel()
	k, other := newKMS(t), newKMS(t)
	key, err := open.KMS(other.client(), other.arn, k.public(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = seal(newSession(t, k.public(t)), row, `{"a":1}`).open(t.Context(), key)
	if !errors.Is(err, open.ErrSealed) || !strings.Contains(err.Error(), "the key is another than its public key says") {
		t.Errorf("got %v", err)
	}
}
