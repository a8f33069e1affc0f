package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/postgres/postgrestest"
)

func TestReplayWritesTheSameRowsAsTheRecordedRun(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	queue := createQueue(t, endpoint, "logins", nil)
	bodies := append(sample.Messages(23, 1), `{}`)
	sendAs(t, endpoint, queue, bodies, func(i int) string { return fmt.Sprint(i) })
	first, second := postgrestest.New(t, load(t, "user_logins")), postgrestest.New(t, load(t, "user_logins"))
	dir := filepath.Join(t.TempDir(), "recorded")
	keyring := testKeyring
	code, _, errs := sqs2pg(t, "invoke", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", first.URL, "--function", bootstrap,
		"--keyring", keyring, "--idle-timeout", "300ms", "--record", dir)
	if code != 1 || !strings.Contains(errs, "only you can read (0700)") || !strings.Contains(errs, "1 message failed") {
		t.Fatalf("exits with %d: %s", code, errs)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 || len(files) != 3 {
		t.Fatalf("%v, %v, %d files, want 3 in a folder of mode 0700", info.Mode(), err, len(files))
	}
	bad := checkRecorded(t, files, bodies)

	arguments := append([]string{"replay", "--database-url", second.URL, "--function", bootstrap, "--keyring", keyring}, files...)
	for round := range 2 { // the second round writes nothing
		code, out, errs := sqs2pg(t, arguments...)
		if code != 1 || !strings.Contains(out, "1 failed: "+bad+"\n") || strings.Count(out, "\n") != 3 {
			t.Errorf("round %d exits with %d and prints\n%s%s", round, code, out, errs)
		}
		const rows = "select event_id || sent_at::text || masked_ip from user_logins order by 1"
		if want, got := first.QueryStrings(t, rows), second.QueryStrings(t, rows); len(got) != 23 || !slices.Equal(want, got) {
			t.Errorf("round %d: %d rows, want the same %d", round, len(got), len(want))
		}
	}
	code, out, _ := sqs2pg(t, append(arguments, "--json")...)
	if code != 1 || !strings.Contains(out, `"response":{"batchItemFailures":[{"itemIdentifier":"`+bad+`"}]}`) {
		t.Errorf("--json exits with %d and prints\n%s", code, out)
	}
}

// checkRecorded checks that the files hold the messages in the order in which they were sent. It
// returns the id of the last.
func checkRecorded(t *testing.T, files, bodies []string) (last string) {
	t.Helper()
	var recorded []string
	for _, file := range files { // by name
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var event events.SQSEvent
		if err := json.Unmarshal(text, &event); err != nil {
			t.Fatal(err)
		}
		for _, m := range event.Records {
			recorded, last = append(recorded, m.Body), m.MessageId
		}
		if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", file, info.Mode())
		}
	}
	if !slices.Equal(recorded, bodies) {
		t.Errorf("%d messages recorded, not the sent ones in their order", len(recorded))
	}
	return last
}

func TestReplayAndRecordRefuseWrongFilesAndFolders(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, load(t, "user_logins"))
	open := t.TempDir()
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	endpoint := startSQS(t)
	createQueue(t, endpoint, "logins", nil)
	for name, test := range map[string]struct {
		args  []string
		stdin string
		want  string
	}{
		"a missing file":                {[]string{"replay", filepath.Join(open, "nothing.json")}, "", "nothing.json"},
		"a folder":                      {[]string{"replay", open}, "", "is a folder: name its files, such as "},
		"a file without SQS messages":   {[]string{"replay", "-"}, `{"detail":{}}`, "not an SQS event"},
		"a folder that others may read": {[]string{"invoke", "--endpoint-url", endpoint, "--queue", "logins", "--record", open}, "", "chmod 700 " + open},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append(test.args, "--database-url", db.URL, "--function", bootstrap)
			code, _, errs := sqs2pgIn(t.Context(), folder(t), test.stdin, args...)
			if code != 2 || !strings.Contains(errs, test.want) {
				t.Errorf("exits with %d and says %q", code, errs)
			}
		})
	}
}
