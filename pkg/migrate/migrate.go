// Package migrate is the function that CloudFormation calls during a deployment: it has the
// maintain function migrate the database, and says how that ended. Before that it asks KMS for the
// public key of the vault.
//
// It is a function apart from maintain because it stands outside any VPC: its answer goes to S3,
// which a private network may not reach. It links neither contracts nor Postgres.
package migrate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// timeToAnswer is kept of an invocation's time, so that CloudFormation learns of a migration that
// takes too long from this function, and not from a timeout of its own.
const timeToAnswer = 20 * time.Second

// The physical ids of the custom resources. They never change: another id would make CloudFormation
// delete the resource with the old one.
const (
	migration = "migration"
	vaultKey  = "vault-key"
)

// Handler is the function. It is safe for concurrent use.
type Handler struct {
	lambda         *lambda.Client
	cloudformation *cloudformation.Client
	kms            *kms.Client
	log            *slog.Logger
}

// New makes the handler. It calls AWS with cfg.
func New(cfg aws.Config, log *slog.Logger) *Handler {
	return &Handler{lambda: lambda.NewFromConfig(cfg), cloudformation: cloudformation.NewFromConfig(cfg), kms: kms.NewFromConfig(cfg, patient), log: log}
}

// Handle does what a custom resource asks for when it is created or changed, and sends the result to
// CloudFormation. Its error means that CloudFormation got no answer. It is safe to call again with
// the same event. A deletion succeeds and changes nothing.
//
// Custom::VaultKey has the property KeyArn, a KMS key, and gets the attribute PublicKey. Any other
// resource is the migration. It has two properties: Function, the name of the maintain function, and
// Migrate, which is false for teams that migrate by hand. An update by which CloudFormation rolls back
// succeeds and changes nothing, too: the older code runs on the newer tables, and a failure would stop
// the rollback.
func (h *Handler) Handle(ctx context.Context, e cfn.Event) (string, error) {
	return cfn.LambdaWrap(func(ctx context.Context, e cfn.Event) (id string, attributes map[string]any, err error) {
		if deadline, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-timeToAnswer))
			defer cancel()
		}
		if e.ResourceType == "Custom::VaultKey" {
			id = vaultKey
			attributes, err = h.publicKey(ctx, e)
		} else {
			id = migration
			err = h.change(ctx, e)
		}
		if err != nil {
			h.log.ErrorContext(ctx, "request failed", "resource", id, "request", e.RequestType, "error", err.Error())
		} else {
			h.log.InfoContext(ctx, "request done", "resource", id, "request", e.RequestType)
		}
		return id, attributes, err
	})(ctx, e)
}

func (h *Handler) change(ctx context.Context, e cfn.Event) error {
	switch {
	case e.RequestType == cfn.RequestDelete:
		return nil
	case e.ResourceProperties["Migrate"] == "false":
		h.log.InfoContext(ctx, "MigrateOnDeploy is false: migrate by hand")
		return nil
	case e.RequestType == cfn.RequestUpdate && h.rollsBack(ctx, e.StackID):
		h.log.InfoContext(ctx, "the stack rolls back: the database stays as it is")
		return nil
	}
	function, _ := e.ResourceProperties["Function"].(string)
	if function == "" {
		return errors.New("the property Function is missing: name the maintain function")
	}
	return h.migrate(ctx, function)
}

// rollsBack reports whether the stack is being rolled back. If CloudFormation does not say, the
// update counts as a deployment: to migrate by the older contract changes nothing.
func (h *Handler) rollsBack(ctx context.Context, stack string) bool {
	out, err := h.cloudformation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil || len(out.Stacks) == 0 {
		h.log.WarnContext(ctx, "the state of the stack is unknown", "error", fmt.Sprint(err))
		return false
	}
	status := out.Stacks[0].StackStatus
	return status == types.StackStatusUpdateRollbackInProgress || strings.HasPrefix(string(status), "ROLLBACK")
}
