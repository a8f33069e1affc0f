package migrate

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// patient makes a call wait for the rights of a role. They are some seconds younger than the role
// when a stack is made, and KMS says AccessDeniedException until it knows them.
func patient(o *kms.Options) {
	o.Retryer = retry.AddWithErrorCodes(retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = 10, 10*time.Second
	}), "AccessDeniedException")
}

// publicKey returns the attributes of the vault's key: PublicKey, the base64 of its DER form.
func (h *Handler) publicKey(ctx context.Context, e cfn.Event) (map[string]any, error) {
	if e.RequestType == cfn.RequestDelete {
		return nil, nil
	}
	arn, _ := e.ResourceProperties["KeyArn"].(string)
	if arn == "" {
		return nil, errors.New("the property KeyArn is missing: name the KMS key of the vault")
	}
	out, err := h.kms.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &arn})
	if err != nil {
		return nil, cut(fmt.Sprintf("%s: its public key cannot be read: %s", arn, cause(err)))
	}
	if out.KeySpec != types.KeySpecEccNistP256 || out.KeyUsage != types.KeyUsageTypeKeyAgreement {
		return nil, fmt.Errorf("%s is a key of type %s for %s: name one of type ECC_NIST_P256 for KEY_AGREEMENT", arn, out.KeySpec, out.KeyUsage)
	}
	return map[string]any{"PublicKey": base64.StdEncoding.EncodeToString(out.PublicKey)}, nil
}
