package secrets

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// fetch reads the current version of a secret, a name or an ARN.
func (e *Environment) fetch(ctx context.Context, id string) ([]byte, error) {
	if e.Client == nil {
		if _, err := e.config(ctx); err != nil {
			return nil, err
		}
	}
	out, err := e.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return nil, e.explain(id, err)
	}
	if out.SecretString != nil {
		return []byte(*out.SecretString), nil
	}
	return out.SecretBinary, nil
}

// explain says in one line why a secret could not be read and what to do. The SDK's text is left out: it is long and, from
// KMS, names keys and roles.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors
func (e *Environment) explain(id string, err error) error {
	region := e.cfg.Region
	var api smithy.APIError
	if !errors.As(err, &api) {
		return e.unreachable(region, err)
	}
	switch code := api.ErrorCode(); code {
	case "ResourceNotFoundException":
		return fmt.Errorf("no secret %s with a current value in region %s; create it, or correct the name or the region", id, region)
	case "AccessDeniedException":
		return fmt.Errorf("not allowed to read secret %s; grant secretsmanager:GetSecretValue, and kms:Decrypt where it has a key of its own", id)
	case "DecryptionFailure":
		return fmt.Errorf("the key of secret %s does not decrypt it; look at its KMS key", id)
	case "InvalidRequestException":
		return fmt.Errorf("secret %s cannot be read in its state; restore it if it is scheduled for deletion", id)
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "ExpiredTokenException", "ExpiredToken":
		return fmt.Errorf("the AWS credentials are not accepted in region %s (%s); renew them, or correct AWS_REGION", region, code)
	default:
		return fmt.Errorf("secret %s: Secrets Manager answered %s", id, code)
	}
}

// unreachable tells apart having no credentials and getting no answer.
func (e *Environment) unreachable(region string, err error) error {
	var sent *smithyhttp.RequestSendError
	if errors.As(err, &sent) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer from Secrets Manager in region %s; correct AWS_REGION or AWS_ENDPOINT_URL, or give the function's network a way there (NAT or a VPC endpoint)", region)
	}
	return errors.New("no AWS credentials to read the secret with; give the function a role, or set AWS_PROFILE")
}
