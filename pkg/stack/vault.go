package stack

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/vault"
	"sqs2pg/pkg/vault/open"
)

// vault checks the key that opens the vault: that what is sealed now can be opened later, and by
// nobody who signs in to the database as the writer or the owner.
func (e *examination) vault(ctx context.Context, functions ...*lambda.GetFunctionConfigurationOutput) {
	functions = slices.DeleteFunc(functions, func(f *lambda.GetFunctionConfigurationOutput) bool { return f == nil })
	var public, arn string
	for i, f := range functions {
		own := variable(f, "VAULT_PUBLIC_KEY")
		if i > 0 && own != public {
			e.add(doctor.Fix, "vault", "the functions have different public keys: deploy again")
			return
		}
		public, arn = own, cmp.Or(arn, variable(f, "VAULT_KEY_ARN"))
	}
	switch {
	case public == "":
		return
	case arn == "":
		e.add(doctor.Note, "vault", "the private key is not in KMS: only its holder can tell whether it is still there")
		return
	}
	before := len(e.found)
	if e.vaultKey(ctx, arn) {
		e.vaultPublicKey(ctx, arn, public)
	}
	roles := map[string]bool{}
	for _, f := range functions {
		roles[aws.ToString(f.Role)] = true
	}
	for _, role := range named(roles) {
		e.opens(ctx, role, arn)
	}
	if len(e.found) == before {
		e.add(doctor.OK, "vault", "sealed for %s, which the functions cannot use", arn)
	}
}

// variable is one of a function's settings.
func variable(f *lambda.GetFunctionConfigurationOutput, name string) string {
	if f.Environment == nil {
		return ""
	}
	return f.Environment.Variables[name]
}

// vaultKey reports whether the key can be used.
func (e *examination) vaultKey(ctx context.Context, arn string) bool {
	out, err := e.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
	if e.failed("vault", err) {
		return false
	}
	switch key := out.KeyMetadata; {
	case key.KeyState == types.KeyStatePendingDeletion:
		e.add(doctor.Fix, "vault", "%s is deleted on %s, and what is sealed for it is lost then: cancel that with aws kms cancel-key-deletion, and enable the key",
			arn, aws.ToTime(key.DeletionDate).UTC().Format("2006-01-02"))
	case !key.Enabled:
		e.add(doctor.Fix, "vault", "%s is %s, so nobody can reveal: enable it", arn, key.KeyState)
	default:
		return true
	}
	return false
}

// vaultPublicKey checks that the functions seal for that key, and not for one that nobody has.
func (e *examination) vaultPublicKey(ctx context.Context, arn, public string) {
	key, err := open.KMSPublicKey(ctx, e.kms, arn)
	if errors.Is(err, open.ErrKey) {
		e.add(doctor.Fix, "vault", "%v", err)
		return
	}
	if e.failed("vault", err) {
		return
	}
	if set, err := vault.ParsePublicKey(public); err != nil || set.ID() != key.ID() {
		e.add(doctor.Fix, "vault", "the functions seal for another key than %s: correct VaultPublicKey, or leave it empty, and deploy again", arn)
	}
}

// opens notes that a function's role may use the key. The stack's own key refuses it;
// a key of yours may not.
func (e *examination) opens(ctx context.Context, role, arn string) {
	out, err := e.iam.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: &role, ActionNames: []string{"kms:DeriveSharedSecret"}, ResourceArns: []string{arn},
	})
	if e.failed("vault", err) {
		return
	}
	if slices.ContainsFunc(out.EvaluationResults, func(r iamtypes.EvaluationResult) bool {
		return r.EvalDecision == iamtypes.PolicyEvaluationDecisionTypeAllowed
	}) {
		e.add(doctor.Fix, "vault", "%s may open the vault, and it loads or keeps the tables: detach the policy that allows kms:DeriveSharedSecret", role[strings.LastIndex(role, "/")+1:])
	}
}
