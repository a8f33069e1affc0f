package sqsserver_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sqs2pg/pkg/local/sqsserver"
)

// TestClients runs the unmodified clients that are installed on this machine, each against its own
// server, and skips the others with the reason (go test -v). To test another version of a client,
// put it first in PATH, and set NODE_PATH to the modules of Node. boto3 1.28.80 and awscli 1.29.80
// are the last versions with the query protocol.
func TestClients(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	for _, client := range []struct {
		name  string
		probe []string // succeeds where the client is installed
		run   []string
	}{
		{"boto3", []string{"python3", "-c", "import boto3"}, []string{"python3", "testdata/clients/boto3_client.py"}},
		{"AWS CLI", []string{"aws", "--version"}, []string{"sh", "testdata/clients/aws_cli.sh"}},
		{"JavaScript", []string{"node", "-e", "require('@aws-sdk/client-sqs')"}, []string{"node", "testdata/clients/javascript.mjs"}},
	} {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			s := sqsserver.New(sqsserver.Options{})
			web := httptest.NewServer(s)
			t.Cleanup(func() { s.Close(); web.Close() })
			if out, err := program(t, web.URL, client.probe).CombinedOutput(); err != nil {
				t.Skipf("not installed here: %v (%s)", err, lastLine(out))
			}
			out, err := program(t, web.URL, client.run).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Log(lastLine(out))
		})
	}
}

func program(t *testing.T, url string, args []string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), args[0], args[1:]...)
	c.Env = append(os.Environ(),
		"AWS_ENDPOINT_URL="+url, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_CONFIG_FILE="+os.DevNull,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_MAX_ATTEMPTS=1")
	return c
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
