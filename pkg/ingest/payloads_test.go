package ingest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/mask"
)

// samples reads sample events that AWS ships with its library for Go.
func samples(t *testing.T) func(file string) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	return func(file string) []byte {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// TestLoadsEventsThatAWSMakes loads AWS's own samples by the contracts in infra/contracts/examples,
// all by one function. A sample has the time of its making, which a table may take for expired; so
// the wrappers get another time.
func TestLoadsEventsThatAWSMakes(t *testing.T) {
	t.Parallel()
	sample := samples(t)
	now := sent.Format("2006-01-02T15:04:05Z")
	made := regexp.MustCompile(`"time": "[^"]*"`)
	bridge := func(file string) string { return made.ReplaceAllString(string(sample(file)), `"time": "`+now+`"`) }
	var delivered struct {
		Records []struct{ Sns map[string]any }
	}
	if err := json.Unmarshal(sample("cloudwatch-alarm-sns-payload-single-metric.json"), &delivered); err != nil {
		t.Fatal(err)
	}
	delivered.Records[0].Sns["Timestamp"] = now
	alarm, _ := json.Marshal(delivered.Records[0].Sns)

	f := functionOf(t, "../../infra/contracts/examples/")
	e := messages(standard, bridge("ecr-image-push-event.json"), bridge("codebuild-state-change.json"), bridge("codepipeline-execution-state-change-event.json"),
		string(alarm), string(sample("s3-event.json")), string(sample("ses-sns-event.json")), bridge("ecr-image-scan-event.json"))
	if diff := cmp.Diff([]string{"m6"}, f.invoke(t, e)); diff != "" { // of no contract
		t.Errorf("failed (-want +got):\n%s%s", diff, f.log)
	}
	k, err := mask.ParseKeyring([]byte(keyring("0123456789abcdef")))
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		"select result, repository_name, image_tag, event_id from image_pushes": {"SUCCESS", "my-repository-name", "latest", "13cde686-328b-6117-af20-0e5566167482"},
		"select build_status, initiator, build_number, variables::text, phases -> 2 ->> 'duration-in-seconds' from builds": {
			"SUCCEEDED", k.Token("initiator", "MyCodeBuildDemoUser"), "55", `[{"name": "TEST", "type": "PLAINTEXT"}]`, "36.0",
		},
		"select execution_id, state from pipeline_states":                                    {"01234567-0123-0123-0123-012345678901", "STARTED"},
		"select account, trigger_threshold, trigger_dimensions -> 0 ->> 'value' from alarms": {"****9012", "0.0", k.Token("instance", "TestInstance")},
		`select r #>> '{userIdentity,principalId}', r #>> '{requestParameters,sourceIPAddress}', r #>> '{s3,object,key}' from bucket_events, jsonb_array_elements(records) r`: {
			k.Token("principalId", "EXAMPLE"), "127.0.0.0/24", "Happy%20Face.jpg",
		},
		`select m #>> '{ses,mail,destination,0}', m #>> '{ses,mail,commonHeaders,from,0}', m #>> '{ses,receipt,spamVerdict,status}' from received_mails, jsonb_array_elements(mails) m`: {
			k.Token("email", "recipient@example.com"), "example.com", "PASS",
		},
	} {
		rows := f.db.Query(t, query)
		if len(rows) != 1 {
			t.Errorf("%s: %d rows, want 1", query, len(rows))
		} else if diff := cmp.Diff(want, rows[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	for _, table := range []string{"builds", "alarms", "bucket_events", "received_mails"} {
		for _, row := range f.db.Query(t, "select t::text from "+table+" t") {
			for _, personal := range []string{"MyCodeBuildDemoUser", "123456789012", "TestInstance", "127.0.0.1", "recipient@", "sender@", "cc@"} {
				if strings.Contains(row[0], personal) {
					t.Errorf("%s holds %s: %s", table, personal, row[0])
				}
			}
		}
	}
}
