package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"sqs2pg/pkg/doctor"
)

// keys checks that the KMS keys can be used.
func (e *examination) keys(ctx context.Context, keys map[string]bool) {
	for _, id := range named(keys) {
		out, err := e.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
		switch {
		case e.failed("keys", err):
		case !out.KeyMetadata.Enabled:
			e.add(doctor.Fix, "keys", "%s is %s, so nothing that it encrypts can be read: enable it", id, out.KeyMetadata.KeyState)
		default:
			e.add(doctor.OK, "keys", "%s is enabled", id)
		}
	}
}

// secretsOf checks the secrets that the functions read. It does not read them.
func (e *examination) secretsOf(ctx context.Context, functions ...*lambda.GetFunctionConfigurationOutput) {
	ids := map[string]bool{}
	for _, f := range functions {
		if f != nil && f.Environment != nil {
			ids[f.Environment.Variables["DATABASE_SECRET_ID"]] = true
			ids[f.Environment.Variables["MASK_SECRET_ID"]] = true
		}
	}
	for _, id := range named(ids) {
		out, err := e.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &id})
		switch {
		case e.failed("secrets", err):
		case out.DeletedDate != nil:
			e.add(doctor.Fix, "secrets", "%s is deleted: restore it with aws secretsmanager restore-secret", aws.ToString(out.Name))
		case aws.ToBool(out.RotationEnabled):
			e.add(doctor.OK, "secrets", "%s is there, and rotates", aws.ToString(out.Name))
		default:
			e.add(doctor.OK, "secrets", "%s is there", aws.ToString(out.Name))
		}
	}
}

// upkeep is how many connections maintenance and people need: infra/README.md, Connection budget.
const upkeep = 5

// database has the maintain function look at the database.
func (e *examination) database(ctx context.Context) {
	name := e.physical["MaintainFunction"]
	out, err := e.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"task":"inspect"}`)})
	if err == nil && out.FunctionError != nil {
		err = functionError(out.Payload)
	}
	if e.failed("database", err) {
		return
	}
	var answer struct {
		Inspection []struct {
			Table       string   `json:"table"`
			Differences []string `json:"differences"`
			Vault       []string `json:"vault"`
			Connections int      `json:"connections"`
		} `json:"inspection"`
	}
	if err := json.Unmarshal(out.Payload, &answer); err != nil || len(answer.Inspection) == 0 {
		e.add(doctor.Fix, "database", "%s does not know the task inspect: deploy this release", name)
		return
	}
	for _, table := range answer.Inspection {
		for _, difference := range table.Differences {
			e.add(doctor.Fix, "migration", "%s: %s", table.Table, difference)
		}
		for _, weakness := range table.Vault {
			e.add(doctor.Fix, "vault", "%s: %s", table.Table, weakness)
		}
		if len(table.Differences) == 0 {
			e.add(doctor.OK, "migration", "%s is as its contract says", table.Table)
		}
	}
	e.connections(answer.Inspection[0].Connections)
}

func functionError(payload []byte) error {
	var failure struct {
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal(payload, &failure) != nil || failure.Message == "" {
		return errors.New("the maintain function failed: see its log")
	}
	return errors.New(failure.Message)
}

// connections compares what the function may open with what the server has. A proxy shares a few
// among all.
func (e *examination) connections(have int) {
	each := 2 // one, and one for a moment while a lost one is closed
	if strings.Contains(e.parameters["ContractName"], ",") {
		each = 4 // two tables are written side by side
	}
	need := e.most()*each + upkeep
	switch {
	case e.parameters["CreateDatabase"] == "true" || strings.HasPrefix(e.parameters["DatabaseResourceId"], "prx-"):
		e.add(doctor.OK, "connections", "shared by a proxy; the server has %d", have)
	case need > have:
		e.add(doctor.Fix, "connections", "%d invocations may need %d, and the server has %d: lower MaximumConcurrency, or raise max_connections", e.most(), need, have)
	default:
		e.add(doctor.OK, "connections", "%d at most, of %d", need, have)
	}
}

// watched checks that alarms reach somebody, and that none goes off.
func (e *examination) watched(ctx context.Context) {
	var off, silent, targets []string
	pages := cloudwatch.NewDescribeAlarmsPaginator(e.cloudwatch, &cloudwatch.DescribeAlarmsInput{AlarmNames: e.alarms})
	for len(e.alarms) > 0 && pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if e.failed("alarms", err) {
			return
		}
		for _, a := range page.MetricAlarms {
			name := e.logical(aws.ToString(a.AlarmName))
			if a.StateValue == types.StateValueAlarm {
				off = append(off, name)
			}
			if !aws.ToBool(a.ActionsEnabled) || len(a.AlarmActions) == 0 {
				silent = append(silent, name)
			}
			targets = append(targets, a.AlarmActions...)
		}
	}
	if off != nil {
		e.add(doctor.Fix, "alarms", "%s: see infra/README.md, When an alarm goes off", strings.Join(off, ", "))
	} else {
		e.add(doctor.OK, "alarms", "none of %d goes off", len(e.alarms))
	}
	if silent != nil {
		e.add(doctor.Note, "alarms", "%d of %d tell nobody: set AlarmTopicArn", len(silent), len(e.alarms))
	}
	slices.Sort(targets)
	for _, topic := range slices.Compact(targets) {
		e.topic(ctx, topic)
	}
}

// topic checks that somebody has confirmed a subscription.
func (e *examination) topic(ctx context.Context, arn string) {
	out, err := e.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
	switch {
	case e.failed("alarms", err):
	case out.Attributes["SubscriptionsConfirmed"] == "0":
		e.add(doctor.Fix, "alarms", "nobody has subscribed to %s: subscribe, and confirm it", arn)
	default:
		e.add(doctor.OK, "alarms", "%s has %s subscriptions", arn, out.Attributes["SubscriptionsConfirmed"])
	}
}

// logical is the name of a resource in the template.
func (e *examination) logical(physical string) string {
	for name, id := range e.physical {
		if id == physical {
			return name
		}
	}
	return fmt.Sprintf("%q", physical)
}
