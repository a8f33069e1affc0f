package open

import (
	"context"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"sqs2pg/pkg/vault"
)

// KMS returns the key of an ARN in AWS KMS. Its private key stays there: each session costs a call
// of DeriveSharedSecret, which CloudTrail records, and no other right is needed. public is the
// recipient's key as the database has it; it returns ErrKey if KMS has no keys of that kind.
func KMS(client *kms.Client, arn string, public vault.PublicKey) (*Key, error) {
	if public.KEM() != vault.P256 {
		return nil, fmt.Errorf("%w: %s is in KMS, which has no keys of %s: use the file of the private key", ErrKey, arn, public.KEM())
	}
	point, err := ecdh.P256().NewPublicKey(public.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err) // never: it is a key of P-256
	}
	return &Key{public: public, private: func(ctx context.Context) (hpke.PrivateKey, error) {
		return hpke.NewDHKEMPrivateKey(&exchanger{ctx, client, arn, point})
	}}, nil
}

// KMSPublicKey asks KMS for the public key of a key. It returns ErrKey for a key of another kind. An
// error of KMS is returned as it is, because who asks needs another right than who opens.
func KMSPublicKey(ctx context.Context, client *kms.Client, arn string) (vault.PublicKey, error) {
	out, err := client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &arn})
	if err != nil {
		return vault.PublicKey{}, err
	}
	if out.KeySpec != types.KeySpecEccNistP256 || out.KeyUsage != types.KeyUsageTypeKeyAgreement {
		return vault.PublicKey{}, fmt.Errorf("%w: %s is of type %s for %s: use a key of type ECC_NIST_P256 for KEY_AGREEMENT", ErrKey, arn, out.KeySpec, out.KeyUsage)
	}
	key, err := vault.ParsePublicKey(base64.StdEncoding.EncodeToString(out.PublicKey))
	if err != nil {
		return key, fmt.Errorf("%w: %s: %w", ErrKey, arn, err)
	}
	return key, nil
}

// exchanger is the private key in KMS, for one call.
type exchanger struct {
	ctx    context.Context // ecdh.KeyExchanger has no place for it
	client *kms.Client
	arn    string
	public *ecdh.PublicKey
}

func (e *exchanger) PublicKey() *ecdh.PublicKey { return e.public }
func (e *exchanger) Curve() ecdh.Curve          { return ecdh.P256() }

func (e *exchanger) ECDH(other *ecdh.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(other)
	if err != nil {
		return nil, err
	}
	out, err := e.client.DeriveSharedSecret(e.ctx, &kms.DeriveSharedSecretInput{
		KeyId: &e.arn, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh, PublicKey: der,
	})
	if err != nil {
		return nil, explain(e.arn, err)
	}
	return out.SharedSecret, nil
}

// remedies say what is wrong with a key and what to do about it, by the error code of KMS.
var remedies = map[string]string{
	"DisabledException":        "is disabled: type aws kms enable-key --key-id {arn}",
	"KMSInvalidStateException": "cannot be used now: if aws kms describe-key --key-id {arn} says PendingDeletion, type aws kms cancel-key-deletion --key-id {arn}, and then enable-key",
	"AccessDeniedException":    "is not for this identity: sign in with a role that has the policy for revealers, the stack's output RevealPolicyArn",
	"NotFoundException":        "is not there: correct the ARN, or the account and region that you use",
	"InvalidKeyUsageException": "is a key of another kind: use one of type ECC_NIST_P256 for KEY_AGREEMENT",
}

// explain says what to do about an error of KMS.
func explain(arn string, err error) error {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return fmt.Errorf("%w: KMS does not answer: see whether this machine reaches it, and try again: %w", ErrKey, err)
	}
	remedy, known := remedies[answer.ErrorCode()]
	if !known {
		remedy = "gives " + answer.ErrorCode() + ": try again"
	}
	return fmt.Errorf("%w: %s %s", ErrKey, arn, strings.ReplaceAll(remedy, "{arn}", arn))
}
