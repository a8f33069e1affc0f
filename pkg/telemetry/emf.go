package telemetry

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Namespace is the CloudWatch namespace of every metric of this project.
const Namespace = "sqs2pg"

// Unit is a CloudWatch unit, as EMF spells it.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
)

// Metric is one number of one invocation.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64
}

// Emit writes metrics as one line of CloudWatch's embedded metric format, under Namespace and with
// the dimension FunctionName, so that two deployments in one account stay apart. The contract is a
// property of the line, for searches. The line has no level, and Lambda's log-level filter takes it
// for INFO: a function that logs only WARN loses its metrics. The error is that of the one Write
// call.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func Emit(w io.Writer, now time.Time, contract string, metrics ...Metric) error {
	type definition struct{ Name, Unit string }
	line := map[string]any{"Contract": contract, "FunctionName": cmp.Or(lambdacontext.FunctionName, "local")}
	definitions := make([]definition, len(metrics))
	for i, m := range metrics {
		line[m.Name] = m.Value
		definitions[i] = definition{m.Name, string(m.Unit)}
	}
	line["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []map[string]any{{
			"Namespace":  Namespace,
			"Dimensions": [][]string{{"FunctionName"}},
			"Metrics":    definitions,
		}},
	}
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("encode metrics: %w", err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
