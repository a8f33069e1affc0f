// Package stack looks at a stack that template.yaml has made, and says for each part whether it is
// right, or what to do. It reads what is deployed, because people change that by hand.
//
// It changes nothing: infra/README.md lists the calls. One of them invokes the maintain function,
// which alone reaches the database in a private network, and only looks as well.
package stack

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/queue"
)

// examination is one look at a stack.
type examination struct {
	cloudformation *cloudformation.Client
	cloudwatch     *cloudwatch.Client
	iam            *iam.Client
	kms            *kms.Client
	lambda         *lambda.Client
	secrets        *secretsmanager.Client
	sns            *sns.Client
	sqs            *sqs.Client

	name       string
	parameters map[string]string
	physical   map[string]string // ids of resources, by their logical ids
	alarms     []string          // names
	found      []doctor.Finding
}

// Examine looks at the stack of that name. A part that cannot be read is a finding too.
func Examine(ctx context.Context, cfg aws.Config, name string) []doctor.Finding {
	e := &examination{
		cloudformation: cloudformation.NewFromConfig(cfg), cloudwatch: cloudwatch.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg), kms: kms.NewFromConfig(cfg),
		lambda: lambda.NewFromConfig(cfg), secrets: secretsmanager.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg), sqs: sqs.NewFromConfig(cfg),
		name: name, parameters: map[string]string{}, physical: map[string]string{},
	}
	if !e.stack(ctx) || !e.resources(ctx) {
		return e.found
	}
	ingest, maintain := e.function(ctx, "IngestFunction"), e.function(ctx, "MaintainFunction")
	keys := map[string]bool{}
	for _, p := range []string{"KmsKeyArn", "SecretsKeyArn", "ExistingQueueKeyArn"} {
		keys[e.parameters[p]] = true
	}
	if ingest != nil {
		e.mapping(ctx, ingest, keys)
	}
	e.keys(ctx, keys)
	e.vault(ctx, ingest, maintain)
	e.secretsOf(ctx, ingest, maintain)
	e.database(ctx)
	e.watched(ctx)
	return e.found
}

func (e *examination) add(v doctor.Verdict, subject, format string, args ...any) {
	e.found = append(e.found, doctor.Finding{Verdict: v, Subject: subject, Text: fmt.Sprintf(format, args...)})
}

// failed notes that something could not be read. It reports whether err was not nil.
func (e *examination) failed(subject string, err error) bool {
	if err != nil {
		e.found = append(e.found, doctor.Failed(subject, queue.Cause(err)))
	}
	return err != nil
}

func (e *examination) stack(ctx context.Context) bool {
	out, err := e.cloudformation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &e.name})
	if err == nil && len(out.Stacks) == 0 {
		err = fmt.Errorf("no stack %s: list them with aws cloudformation list-stacks", e.name)
	}
	if e.failed("stack", err) {
		return false
	}
	for _, p := range out.Stacks[0].Parameters {
		e.parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	switch status := string(out.Stacks[0].StackStatus); {
	case strings.HasSuffix(status, "IN_PROGRESS"):
		e.add(doctor.Note, "stack", "%s is %s: look again when it has ended", e.name, status)
	case strings.Contains(status, "ROLLBACK") || strings.HasSuffix(status, "FAILED"):
		e.add(doctor.Fix, "stack", "%s is %s: its last deployment failed; see its events, and deploy again", e.name, status)
	default:
		e.add(doctor.OK, "stack", "%s is %s", e.name, status)
	}
	return true
}

func (e *examination) resources(ctx context.Context) bool {
	pages := cloudformation.NewListStackResourcesPaginator(e.cloudformation, &cloudformation.ListStackResourcesInput{StackName: &e.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if e.failed("stack", err) {
			return false
		}
		for _, r := range page.StackResourceSummaries {
			e.physical[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
			if aws.ToString(r.ResourceType) == "AWS::CloudWatch::Alarm" {
				e.alarms = append(e.alarms, aws.ToString(r.PhysicalResourceId))
			}
		}
	}
	var missing []string
	for _, name := range []string{"IngestFunction", "MaintainFunction", "Mapping"} {
		if e.physical[name] == "" {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		e.add(doctor.Fix, "stack", "%s has no %s: it is not a stack of this template, or its deployment has not ended", e.name, strings.Join(missing, ", "))
	}
	return missing == nil
}

// number is a parameter's value; 0 if it is none.
func (e *examination) number(parameter string) int {
	n, _ := strconv.Atoi(e.parameters[parameter])
	return n
}

// named are the keys of a set in their order, without "".
func named(set map[string]bool) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(set)), func(s string) bool { return s == "" })
}
