// Package infra_test checks template.yaml for what the linters do not know: the rules of SQS and
// Lambda that only hold between resources, least privilege, and that the template and the code name
// the same settings.
package infra_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// object is a YAML mapping with CloudFormation's short forms (!Ref x) written out (Ref: x).
type object = map[string]any

func load(t *testing.T, path string) object {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return decode(t, document.Content[0]).(object)
}

func decode(t *testing.T, n *yaml.Node) any {
	t.Helper()
	if tag := n.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") {
		plain := *n
		plain.Tag = ""
		if n.Kind == yaml.ScalarNode {
			plain.Tag = "!!str"
		}
		return object{strings.TrimPrefix(tag, "!"): decode(t, &plain)}
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := object{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = decode(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, decode(t, c))
		}
		return list
	case yaml.AliasNode:
		t.Fatalf("line %d: CloudFormation knows no aliases", n.Line)
	}
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// at walks down a path of names and indices.
func at(t *testing.T, v any, path ...string) any {
	t.Helper()
	for i, name := range path {
		switch node := v.(type) {
		case object:
			v = node[name]
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n >= len(node) {
				t.Fatalf("no %s", strings.Join(path[:i+1], "."))
			}
			v = node[n]
		default:
			v = nil
		}
		if v == nil {
			t.Fatalf("no %s", strings.Join(path[:i+1], "."))
		}
	}
	return v
}

func properties(t *testing.T, template object, resource string) object {
	t.Helper()
	return at(t, template, "Resources", resource, "Properties").(object)
}

func equal(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const template = "../template.yaml"

func TestMappingReportsSingleFailures(t *testing.T) {
	t.Parallel()
	mapping := properties(t, load(t, template), "Mapping")
	equal(t, "FunctionResponseTypes", []any{"ReportBatchItemFailures"}, mapping["FunctionResponseTypes"])
	equal(t, "batch size, 10 at most on a FIFO queue", any(object{"If": []any{"IsFifo", 10, object{"Ref": "BatchSize"}}}), mapping["BatchSize"])
	equal(t, "no window on a FIFO queue", any(object{"If": []any{"IsFifo", object{"Ref": "AWS::NoValue"}, object{"Ref": "BatchWindow"}}}),
		mapping["MaximumBatchingWindowInSeconds"])
	equal(t, "pollers and concurrency exclude each other", []any{"HasPollers", "HasPollers"},
		[]any{at(t, mapping, "ScalingConfig", "If", "0"), at(t, mapping, "ProvisionedPollerConfig", "If", "0")})
}

// A batch of more than 10 needs a window of at least a second.
func TestEveryBatchWindowAllowsEveryBatchSize(t *testing.T) {
	t.Parallel()
	for _, w := range at(t, load(t, template), "Parameters", "BatchWindow", "AllowedValues").([]any) {
		if n, err := strconv.Atoi(w.(string)); err != nil || n < 1 || n > 300 {
			t.Errorf("window %v is not 1 to 300 s", w)
		}
	}
}

func TestVisibilityTimeoutIsSixFunctionTimeoutsPlusTheWindow(t *testing.T) {
	t.Parallel()
	tpl := load(t, template)
	equal(t, "visibility timeout", any(object{"FindInMap": []any{"Timeouts", object{"Ref": "FunctionTimeout"}, object{"Ref": "BatchWindow"}}}),
		properties(t, tpl, "Queue")["VisibilityTimeout"])
	timeouts := at(t, tpl, "Parameters", "FunctionTimeout", "AllowedValues").([]any)
	equal(t, "rows of the mapping", len(timeouts), len(at(t, tpl, "Mappings", "Timeouts").(object)))
	for _, timeout := range timeouts {
		seconds, _ := strconv.Atoi(timeout.(string))
		equal(t, "alarm at 80 %", any(seconds*800), at(t, tpl, "Mappings", "Timeouts", timeout.(string), "Alarm"))
		for _, window := range at(t, tpl, "Parameters", "BatchWindow", "AllowedValues").([]any) {
			w, _ := strconv.Atoi(window.(string))
			equal(t, fmt.Sprintf("timeout %v, window %v", timeout, window), any(6*seconds+w), at(t, tpl, "Mappings", "Timeouts", timeout.(string), window.(string)))
		}
	}
}

func TestDeadLettersAreKeptLongerThanMessages(t *testing.T) {
	t.Parallel()
	tpl := load(t, template)
	equal(t, "retention of dead letters", any(14*24*3600), properties(t, tpl, "DeadLetterQueue")["MessageRetentionPeriod"])
	if kept := properties(t, tpl, "Queue")["MessageRetentionPeriod"].(int); kept >= 14*24*3600 {
		t.Errorf("the queue keeps messages for %d s: a dead letter's time counts from its first sending", kept)
	}
	if least := at(t, tpl, "Parameters", "MaxReceiveCount", "MinValue").(int); least < 5 {
		t.Errorf("MaxReceiveCount may be %d, want 5 at least", least)
	}
}

// statements are those of a role, with Fn::If taken both ways.
func statements(t *testing.T, v any) []object {
	switch node := v.(type) {
	case object:
		if node["Effect"] != nil && node["Action"] != nil {
			return []object{node}
		}
		var all []object
		for _, name := range slices.Sorted(maps.Keys(node)) {
			all = append(all, statements(t, node[name])...)
		}
		return all
	case []any:
		var all []object
		for _, child := range node {
			all = append(all, statements(t, child)...)
		}
		return all
	}
	return nil
}

// actionsOf are the actions of a statement, with those of which Fn::If decides.
func actionsOf(t *testing.T, statement object) (names []string) {
	t.Helper()
	list, ok := statement["Action"].([]any)
	if !ok {
		list = []any{statement["Action"]}
	}
	for _, action := range list {
		if _, ok := action.(object); ok {
			action = at(t, action, "If", "1")
		}
		names = append(names, action.(string))
	}
	return names
}

func TestRolesAllowOnlyTheActionsThatAreNeeded(t *testing.T) {
	t.Parallel()
	tpl := load(t, template)
	network := []string{"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
		"ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"}
	common := append([]string{"kms:Decrypt", "logs:CreateLogStream", "logs:PutLogEvents", "secretsmanager:GetSecretValue",
		"xray:PutTelemetryRecords", "xray:PutTraceSegments"}, network...)
	for role, want := range map[string][]string{
		"IngestRole":   append([]string{"rds-db:connect", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}, common...),
		"MaintainRole": common,
		"MigrateRole": {"cloudformation:DescribeStacks", "kms:GetPublicKey", "lambda:InvokeFunction", "logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords",
			"xray:PutTraceSegments"},
		"ScheduleRole": {"kms:Decrypt", "kms:GenerateDataKey", "lambda:InvokeFunction", "sqs:SendMessage"},
	} {
		actions, denied := map[string]bool{}, 0
		for _, s := range statements(t, properties(t, tpl, role)["Policies"]) {
			if s["Effect"] == "Deny" { // to the function's own code, of what Lambda itself must do
				denied = len(s["Action"].([]any))
				continue
			}
			for _, a := range actionsOf(t, s) {
				actions[a] = true
				if s["Resource"] == "*" && !strings.HasPrefix(a, "xray:") && !strings.HasPrefix(a, "ec2:Describe") {
					t.Errorf("%s: %s on every resource", role, a)
				}
				if strings.HasPrefix(a, "kms:") && a != "kms:GetPublicKey" && at(t, s, "Condition", "StringEquals", "kms:ViaService") == nil {
					t.Errorf("%s: %s without a service", role, a)
				}
			}
		}
		slices.Sort(want)
		equal(t, role, want, slices.Sorted(maps.Keys(actions)))
		if slices.Contains(want, network[0]) && denied != len(network) {
			t.Errorf("%s: %d of the %d actions on network interfaces are denied to the function's code", role, denied, len(network))
		}
	}
}

// The order of a deployment is maintain, migration, ingest: new code never meets a table of before.
func TestStackMigratesItselfBeforeNewCodeIsLive(t *testing.T) {
	t.Parallel()
	tpl := load(t, template)
	for _, resource := range []string{"IngestFunction", "Schedule"} {
		equal(t, resource+" waits for", any("Migration"), at(t, tpl, "Resources", resource, "DependsOn"))
	}
	if migration := at(t, tpl, "Resources", "Migration").(object); migration["Condition"] != nil {
		t.Error("the migration has a condition: CloudFormation would not make the function that depends on it")
	}
	migration := properties(t, tpl, "Migration")
	equal(t, "function", any(object{"GetAtt": "MigrateFunction.Arn"}), migration["ServiceToken"])
	equal(t, "function that migrates", any(object{"Ref": "MaintainFunction"}), migration["Function"])
	equal(t, "MigrateOnDeploy", any(object{"Ref": "MigrateOnDeploy"}), migration["Migrate"])
	// A version is made for new code only, and contracts and migrations are code. SAM's logical id of it
	// has the hash of the code.
	equal(t, "runs again for a new", any(object{"Sub": "${MaintainFunction.Version}"}), at(t, migration, "Changes", "0"))
	if properties(t, tpl, "MaintainFunction")["AutoPublishAlias"] == nil {
		t.Error("the maintain function has no alias, so SAM makes no version")
	}
	equal(t, "runs again for another", any(object{"Ref": "ContractName"}), at(t, migration, "Changes", "1"))
	equal(t, "network of the migrate function", any(object{"Ref": "AWS::NoValue"}), properties(t, tpl, "MigrateFunction")["VpcConfig"])
	equal(t, "time for a migration, its function and its answer", []any{900, 900, "900"},
		[]any{properties(t, tpl, "MaintainFunction")["Timeout"], properties(t, tpl, "MigrateFunction")["Timeout"], migration["ServiceTimeout"]})
}

func TestParametersAndOutputsAreDescribedAndGrouped(t *testing.T) {
	t.Parallel()
	for _, path := range []string{template, "database.yaml"} {
		tpl := load(t, path)
		for _, section := range []string{"Parameters", "Outputs"} {
			for name, v := range tpl[section].(object) {
				if text, _ := v.(object)["Description"].(string); !strings.HasSuffix(text, ".") {
					t.Errorf("%s: %s has no description, or it is no sentence", path, name)
				}
				// A forgotten contract must not be the demo's.
				if section == "Parameters" && (v.(object)["Default"] == nil) != (name == "ContractName") {
					t.Errorf("%s: %s: every parameter but ContractName has a default", path, name)
				}
			}
		}
	}
	tpl := load(t, template)
	equal(t, "grouped parameters", slices.Sorted(maps.Keys(tpl["Parameters"].(object))), slices.Sorted(slices.Values(grouped(t, tpl))))
}

func grouped(t *testing.T, tpl object) []string {
	var names []string
	for _, g := range at(t, tpl, "Metadata", "AWS::CloudFormation::Interface", "ParameterGroups").([]any) {
		for _, name := range g.(object)["Parameters"].([]any) {
			names = append(names, name.(string))
		}
	}
	return names
}

// matches reports whether a parameter's pattern allows a value.
func matches(t *testing.T, parameter, value string) bool {
	t.Helper()
	return regexp.MustCompile("^(?:" + at(t, load(t, template), "Parameters", parameter, "AllowedPattern").(string) + ")$").MatchString(value)
}

var readsSetting = regexp.MustCompile(`(?i)getenv\("([A-Z_]+)"\)`)

// The settings that code of packages reads, and those the SDK and pgx read that the template sets
// on purpose.
func settingsOf(t *testing.T, folders ...string) []string {
	t.Helper()
	names := map[string]bool{"AWS_ENDPOINT_URL": true, "PGSSLMODE": true}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal("no Go files in ", folder)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range readsSetting.FindAllStringSubmatch(string(text), -1) {
				names[m[1]] = true
			}
		}
	}
	delete(names, "AWS_LAMBDA_LOG_LEVEL") // Lambda sets it from LoggingConfig
	delete(names, "GOGC")                 // a setting of Go
	return slices.Sorted(maps.Keys(names))
}

func TestTemplateAndCodeNameTheSameSettings(t *testing.T) {
	t.Parallel()
	tpl := load(t, template)
	shared := at(t, tpl, "Globals", "Function", "Environment", "Variables").(object)
	for resource, folder := range map[string]string{"IngestFunction": "pkg/ingest", "MaintainFunction": "pkg/maintain"} {
		declared := maps.Clone(shared)
		maps.Copy(declared, at(t, tpl, "Resources", resource, "Properties", "Environment", "Variables").(object))
		read := settingsOf(t, folder, "pkg/settings")
		if folder == "pkg/maintain" { // it masks nothing
			read = slices.DeleteFunc(read, func(name string) bool { return strings.HasPrefix(name, "MASK_") })
		}
		equal(t, resource+": read by the code (-), declared by the template (+)", read, slices.Sorted(maps.Keys(declared)))
	}
}

// A fault of the set-up lasts until somebody repairs it, so the first batch raises the alarm.
func TestOneSetupFaultRaisesItsAlarm(t *testing.T) {
	t.Parallel()
	alarm := at(t, load(t, template), "Resources", "SetupFaultAlarm", "Properties").(object)
	for name, want := range map[string]any{
		"Namespace": "sqs2pg", "MetricName": "SetupFault", "Statistic": "Sum", "EvaluationPeriods": 1, "Threshold": 0,
		"ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
	} {
		equal(t, name, want, alarm[name])
	}
}

// An alarm on a metric that no function sends stays silent for ever.
func TestFunctionsSendEveryMetricThatAnAlarmWatches(t *testing.T) {
	t.Parallel()
	sources := ""
	for _, folder := range []string{"ingest", "maintain"} {
		files, _ := filepath.Glob("../pkg/" + folder + "/*.go")
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(file, "_test.go") {
				sources += string(text)
			}
		}
	}
	n := 0
	for name, r := range load(t, template)["Resources"].(object) {
		if r.(object)["Type"] != "AWS::CloudWatch::Alarm" || at(t, r, "Properties", "Namespace") != "sqs2pg" {
			continue
		}
		n++
		if metric := at(t, r, "Properties", "MetricName").(string); !strings.Contains(sources, `count("`+metric+`"`) {
			t.Errorf("%s watches %s, which no function sends", name, metric)
		}
	}
	if n == 0 {
		t.Error("no alarms on metrics of the functions")
	}
}

func TestEachAlarmHasAPageInTheRunbook(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, r := range load(t, template)["Resources"].(object) {
		if r.(object)["Type"] != "AWS::CloudWatch::Alarm" {
			continue
		}
		n++
		text := at(t, r, "Properties", "AlarmDescription").(string)
		_, page, ok := strings.Cut(strings.TrimSuffix(text, "."), "see infra/README.md, ")
		if !ok || !strings.Contains(string(readme), "\n### "+page+"\n") {
			t.Errorf("%s: the runbook has no page %q", name, page)
		}
		if !strings.Contains(at(t, load(t, template), "Resources", "Dashboard", "Properties", "DashboardBody", "Sub", "0").(string), "${"+name+".Arn}") {
			t.Errorf("%s is not on the dashboard", name)
		}
	}
	if n == 0 {
		t.Error("no alarms")
	}
}
