package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/postgres/postgrestest"
)

var verdict = regexp.MustCompile(`(?m)^(ok|fix) +(dead letters|\S+)`)

// verdicts returns the first two columns of what doctor prints.
func verdicts(out string) []string {
	var all []string
	for _, m := range verdict.FindAllStringSubmatch(out, -1) {
		all = append(all, m[1]+" "+m[2])
	}
	return all
}

func TestDoctorSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	sound := createQueue(t, endpoint, "sound-dead", map[string]string{"MessageRetentionPeriod": "1209600"})
	createQueue(t, endpoint, "sound", map[string]string{
		"VisibilityTimeout": "180", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:sound-dead","maxReceiveCount":"5"}`,
	})
	withDead(t, endpoint, "hasty", 2)
	createQueue(t, endpoint, "alone", map[string]string{"VisibilityTimeout": "180"})
	migrated, empty := postgrestest.New(t, load(t, "user_logins")), postgrestest.New(t)
	tests := []struct {
		name  string
		queue string
		url   string
		code  int
		want  []string
	}{
		{"everything is right", "sound", migrated.URL, 0, []string{"ok contract", "ok keyring", "ok function", "ok queue", "ok visibility", "ok redrive", "ok dead letters", "ok database", "ok table", "ok tokens", "ok privileges", "ok partitions"}},
		{"a queue that loses messages", "hasty", migrated.URL, 1, []string{"ok contract", "ok keyring", "ok function", "ok queue", "fix visibility", "fix redrive", "fix dead letters", "ok database", "ok table", "ok tokens", "ok privileges", "ok partitions"}},
		{"a queue without a policy", "alone", migrated.URL, 1, []string{"ok contract", "ok keyring", "ok function", "ok queue", "ok visibility", "fix redrive", "ok database", "ok table", "ok tokens", "ok privileges", "ok partitions"}},
		{"no queue, no table", "nowhere", empty.URL, 1, []string{"ok contract", "ok keyring", "ok function", "fix queue", "ok database", "fix table"}},
		{"no database", "sound", "postgres://u:secret-pw@127.0.0.1:1/d", 1, []string{"ok contract", "ok keyring", "ok function", "ok queue", "ok visibility", "ok redrive", "ok dead letters", "fix database"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := sqs2pg(t, "doctor", "--endpoint-url", endpoint, "--queue", test.queue, "--database-url", test.url, "--function", bootstrap)
			if code != test.code {
				t.Errorf("exits with %d, want %d: %s", code, test.code, errs)
			}
			if diff := cmp.Diff(test.want, verdicts(out)); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s%s", diff, out)
			}
			if strings.Contains(out, "secret-pw") {
				t.Errorf("shows a password:\n%s", out)
			}
		})
	}
	if n := count(t, endpoint, sound); n != "0" {
		t.Errorf("%s messages", n)
	}
}
