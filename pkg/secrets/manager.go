package secrets

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Client is the part of Secrets Manager's client that Manager calls.
type Client interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Manager reads secrets from Secrets Manager. It is safe for concurrent use if its client is.
type Manager struct {
	Client Client // required
	Region string // for errors
}

// NewManager returns a manager that uses the SDK's settings, AWS_ENDPOINT_URL among them.
func NewManager(cfg aws.Config) *Manager {
	return &Manager{Client: secretsmanager.NewFromConfig(cfg), Region: cfg.Region}
}

// Fetch reads the current version of a secret; id is its name or its ARN. Its error says what to do
// and is safe to log.
func (m *Manager) Fetch(ctx context.Context, id string) ([]byte, error) {
	out, err := m.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return nil, m.explain(id, err)
	}
	if out.SecretString != nil {
		return []byte(*out.SecretString), nil
	}
	return out.SecretBinary, nil
}

// explain says in one line why a secret could not be read and what to do. It leaves out the SDK's
// text, which is long and, from KMS, names keys and roles.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors
func (m *Manager) explain(id string, err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return m.explainNoAnswer(err)
	}
	switch code := api.ErrorCode(); code {
	case "ResourceNotFoundException":
		return fmt.Errorf("no secret %s with a current value in region %s: create it, or correct the name or the region", id, m.Region)
	case "AccessDeniedException":
		return fmt.Errorf("not allowed to read secret %s: grant secretsmanager:GetSecretValue, and kms:Decrypt if it has a key of its own", id)
	case "DecryptionFailure":
		return fmt.Errorf("the key of secret %s does not decrypt it: check its KMS key", id)
	case "InvalidRequestException":
		return fmt.Errorf("secret %s cannot be read in its state: restore it if it is scheduled for deletion", id)
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "ExpiredTokenException", "ExpiredToken":
		return fmt.Errorf("the AWS credentials are not accepted in region %s (%s): renew them, or correct AWS_REGION", m.Region, code)
	default:
		return fmt.Errorf("secret %s: Secrets Manager answered %s", id, code)
	}
}

// explainNoAnswer tells missing credentials from a missing answer.
func (m *Manager) explainNoAnswer(err error) error {
	var sent *smithyhttp.RequestSendError
	if errors.As(err, &sent) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer from Secrets Manager in region %s: correct AWS_REGION or AWS_ENDPOINT_URL, or give the function's network a way there (NAT or a VPC endpoint)", m.Region)
	}
	return errors.New("no AWS credentials to read the secret with: give the function a role, or set AWS_PROFILE")
}
