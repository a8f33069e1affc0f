package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/telemetry"
)

func TestLoggerWritesLambdasFieldNames(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	log := telemetry.NewLogger(&out, "WARN").With("contract", "user_logins")
	log.InfoContext(ctx, "below the level")
	log.WarnContext(ctx, "message failed", "field", "ip")

	got := object(t, out.Bytes())
	if _, err := time.Parse(time.RFC3339Nano, got["timestamp"].(string)); err != nil {
		t.Errorf("timestamp: %v", err)
	}
	delete(got, "timestamp")
	want := map[string]any{"level": "WARN", "message": "message failed", "contract": "user_logins", "field": "ip", "requestId": "r-1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log line (-want +got):\n%s", diff)
	}
}

func TestTakesUnknownLevelForInfo(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"", "LOUD", "INFO"} {
		var out bytes.Buffer
		log := telemetry.NewLogger(&out, level)
		log.Debug("no")
		log.Info("yes")
		if got := object(t, out.Bytes())["message"]; got != "yes" {
			t.Errorf("level %q: first line is %v, want the INFO one", level, got)
		}
	}
}

func TestEmitWritesOneEmbeddedMetricLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := telemetry.Emit(&out, time.UnixMilli(1700000000123), telemetry.Source{Contract: "user_logins"},
		telemetry.Metric{Name: "Written", Unit: telemetry.Count, Value: 99},
		telemetry.Metric{Name: "DatabaseTime", Unit: telemetry.Milliseconds, Value: 1.5})
	if err != nil {
		t.Fatal(err)
	}
	want := object(t, []byte(`{
		"_aws": {"Timestamp": 1700000000123, "CloudWatchMetrics": [{
			"Namespace": "sqs2pg", "Dimensions": [["FunctionName"]],
			"Metrics": [{"Name": "Written", "Unit": "Count"}, {"Name": "DatabaseTime", "Unit": "Milliseconds"}]}]},
		"Contract": "user_logins", "FunctionName": "local", "Written": 99, "DatabaseTime": 1.5}`))
	if diff := cmp.Diff(want, object(t, out.Bytes())); diff != "" {
		t.Errorf("metric line (-want +got):\n%s", diff)
	}
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 1 {
		t.Errorf("%d lines, want 1", n)
	}
}

// Alarms go by the dimension FunctionName alone, whose sum counts all contracts.
func TestFunctionOfSeveralContractsHasEachMetricByContractToo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := telemetry.Emit(&out, time.UnixMilli(0), telemetry.Source{Contract: "orders", Several: true}, telemetry.Metric{Name: "Written", Unit: telemetry.Count, Value: 9}); err != nil {
		t.Fatal(err)
	}
	want := object(t, []byte(`{
		"_aws": {"Timestamp": 0, "CloudWatchMetrics": [{
			"Namespace": "sqs2pg", "Dimensions": [["FunctionName"], ["FunctionName", "Contract"]], "Metrics": [{"Name": "Written", "Unit": "Count"}]}]},
		"Contract": "orders", "FunctionName": "local", "Written": 9}`))
	if diff := cmp.Diff(want, object(t, out.Bytes())); diff != "" {
		t.Errorf("metric line (-want +got):\n%s", diff)
	}
}

func object(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("not one JSON object: %v\n%s", err, line)
	}
	return m
}
