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

// Source is what metrics are about.
type Source struct {
	Contract string
	Several  bool // the function has other contracts too
}

// Emit writes metrics as one line of CloudWatch's embedded metric format, under Namespace and with
// the dimension FunctionName, so that two deployments in one account stay apart. A function of
// several contracts has each metric a second time, with the dimension Contract besides: alarms go by
// the first, which counts all, and the second says which contract it is. With one contract the
// second would cost money and say nothing, so the contract is a property of the line only, for
// searches. The line has no level, and Lambda's log-level filter takes it
// for INFO: a function that logs only WARN loses its metrics. The error is that of the one Write
// call.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func Emit(w io.Writer, now time.Time, source Source, metrics ...Metric) error {
	type definition struct{ Name, Unit string }
	dimensions := [][]string{{"FunctionName"}}
	if source.Several {
		dimensions = append(dimensions, []string{"FunctionName", "Contract"})
	}
	line := map[string]any{"Contract": source.Contract, "FunctionName": cmp.Or(lambdacontext.FunctionName, "local")}
	definitions := make([]definition, len(metrics))
	for i, m := range metrics {
		line[m.Name] = m.Value
		definitions[i] = definition{m.Name, string(m.Unit)}
	}
	line["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []map[string]any{{
			"Namespace":  Namespace,
			"Dimensions": dimensions,
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
