package stack

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/queue"
)

// function returns the settings of a function, nil if they cannot be read.
func (e *examination) function(ctx context.Context, logical string) *lambda.GetFunctionConfigurationOutput {
	name := e.physical[logical]
	f, err := e.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if e.failed("function", err) {
		return nil
	}
	switch {
	case f.State != types.StateActive && f.State != types.StateInactive && f.State != "":
		e.add(doctor.Fix, "function", "%s is %s: %s", name, f.State, aws.ToString(f.StateReason))
	case f.LastUpdateStatus == types.LastUpdateStatusFailed:
		e.add(doctor.Fix, "function", "the last update of %s failed: %s", name, aws.ToString(f.LastUpdateStatusReason))
	default:
		e.add(doctor.OK, "function", "%s: %d s, %d MB", name, aws.ToInt32(f.Timeout), aws.ToInt32(f.MemorySize))
	}
	return f
}

// mapping checks the event source mapping, and the queue that it reads.
func (e *examination) mapping(ctx context.Context, ingest *lambda.GetFunctionConfigurationOutput, keys map[string]bool) {
	id := e.physical["Mapping"]
	m, err := e.lambda.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &id})
	if e.failed("mapping", err) {
		return
	}
	before := len(e.found)
	if !slices.Contains(m.FunctionResponseTypes, types.FunctionResponseTypeReportBatchItemFailures) {
		e.add(doctor.Fix, "mapping", "without ReportBatchItemFailures Lambda deletes failed messages: add it to FunctionResponseTypes")
	}
	if state := aws.ToString(m.State); state != "Enabled" {
		e.add(doctor.Fix, "mapping", "it is %s, so no message is loaded: enable it with aws lambda update-event-source-mapping --uuid %s --enabled", state, id)
	}
	if have, want := filterOf(m.FilterCriteria), e.parameters["Filter"]; have != want {
		e.add(doctor.Fix, "mapping", "its filter is %q, that of the stack %q, and Lambda deletes what does not match: deploy again", have, want)
	}
	e.concurrency(ctx, m)
	window := time.Duration(aws.ToInt32(m.MaximumBatchingWindowInSeconds)) * time.Second
	if len(e.found) == before {
		e.add(doctor.OK, "mapping", "enabled, batches of %d, window %s", aws.ToInt32(m.BatchSize), window)
	}
	q, err := queue.FindARN(ctx, e.sqs, aws.ToString(m.EventSourceArn))
	if e.failed("queue", err) {
		return
	}
	list := "sqs2pg dlq list --queue " + q.Name() + queue.EndpointFlag(q.Client) + " --contract " + e.parameters["ContractName"]
	found, _ := doctor.Queue(ctx, q, time.Duration(aws.ToInt32(ingest.Timeout))*time.Second, window, list)
	e.found = append(e.found, found...)
	e.protection(ctx, q, keys)
}

// concurrency checks that Lambda never throttles the mapping, which uses up receives.
func (e *examination) concurrency(ctx context.Context, m *lambda.GetEventSourceMappingOutput) {
	most := e.most()
	if m.ScalingConfig == nil && e.number("MaximumPollers") == 0 {
		e.add(doctor.Fix, "mapping", "it has no MaximumConcurrency, so it may use up the connections of the database: deploy again")
	} else if m.ScalingConfig != nil && int(aws.ToInt32(m.ScalingConfig.MaximumConcurrency)) != most {
		e.add(doctor.Fix, "mapping", "its MaximumConcurrency is %d, that of the stack %d: deploy again", aws.ToInt32(m.ScalingConfig.MaximumConcurrency), most)
	}
	name := e.physical["IngestFunction"]
	out, err := e.lambda.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &name})
	if e.failed("mapping", err) || out.ReservedConcurrentExecutions == nil {
		return
	}
	if reserved := int(*out.ReservedConcurrentExecutions); reserved < most {
		e.add(doctor.Fix, "mapping", "the function's reserved concurrency %d is below %d, so healthy messages become dead letters: raise it, or lower MaximumConcurrency", reserved, most)
	}
}

// most is how many invocations there may be at a time. A poller invokes up to ten.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
func (e *examination) most() int {
	if pollers := e.number("MaximumPollers"); pollers > 0 {
		return pollers * 10
	}
	return e.number("MaximumConcurrency")
}

func filterOf(c *types.FilterCriteria) string {
	if c == nil || len(c.Filters) == 0 {
		return ""
	}
	return aws.ToString(c.Filters[0].Pattern)
}

// protection checks how the queue is encrypted, at rest and on the way.
func (e *examination) protection(ctx context.Context, q *queue.Queue, keys map[string]bool) {
	a, err := q.Attributes(ctx)
	if err != nil {
		return // doctor.Queue has said so
	}
	keys[a.Key] = true
	switch {
	case !a.Encrypted:
		e.add(doctor.Fix, "policy", "%s does not encrypt its messages: set SqsManagedSseEnabled=true, with aws sqs set-queue-attributes", q.Name())
	case !a.OnlyTLS:
		e.add(doctor.Note, "policy", "the policy of %s allows connections that are not encrypted: deny them where aws:SecureTransport is false", q.Name())
	default:
		e.add(doctor.OK, "policy", "%s encrypts its messages, and denies connections that are not encrypted", q.Name())
	}
}
