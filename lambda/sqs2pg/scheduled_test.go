package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/postgres/postgrestest"
)

// readCrontab returns the variables and the one command of infra/scheduled/crontab.
func readCrontab(t *testing.T) (variables map[string]string, command string) {
	t.Helper()
	text, err := os.ReadFile("../../infra/scheduled/crontab")
	if err != nil {
		t.Fatal(err)
	}
	variables = map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if m := regexp.MustCompile(`^([A-Z0-9]+)=(.*)$`).FindStringSubmatch(line); m != nil {
			variables[m[1]] = m[2]
		} else if after, ok := strings.CutPrefix(line, "*/10 * * * * "); ok {
			command = after
		}
	}
	return variables, command
}

// cron runs the command as cron does, with hardly any variables. A percent sign would end the
// command there.
func cron(t *testing.T, replaced map[string]string) (output string, code int) {
	t.Helper()
	variables, command := readCrontab(t)
	if command == "" || strings.Contains(command, "%") {
		t.Fatalf("command %q", command)
	}
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=/usr/bin:/bin", "SHELL=/bin/sh"}
	for name := range variables {
		cmd.Env = append(cmd.Env, name+"="+replaced[name])
	}
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

func TestCronDrainsAQueueAndStops(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	queue := createQueue(t, endpoint, "logins", nil)
	db := postgrestest.New(t, load(t, "user_logins"))
	dir := t.TempDir()
	settings := filepath.Join(dir, "settings")
	lines := fmt.Sprintf("AWS_ENDPOINT_URL=%s\nDATABASE_URL=%s\nMASK_KEYRING='%s'\nVAULT_PUBLIC_KEY=%s\n", endpoint, db.URL, testKeyring, postgrestest.VaultKey())
	if err := os.WriteFile(settings, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	replaced := map[string]string{"SQS2PG": built, "SETTINGS": settings, "LOCK": filepath.Join(dir, "lock")}
	sendAs(t, endpoint, queue, sample.ValidLogins(25, 1), func(i int) string { return fmt.Sprint(i) })
	if out, code := cron(t, replaced); code != 0 {
		t.Fatalf("exits with %d: %s", code, out)
	}
	if rows := db.QueryStrings(t, "select count(*) from user_logins")[0]; rows != "25" || count(t, endpoint, queue) != "0" {
		t.Errorf("%s rows, %s messages left", rows, count(t, endpoint, queue))
	}

	held := exec.Command("flock", replaced["LOCK"], "cat") // until its input ends
	input, err := held.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := held.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(input, "locked")
	if _, err := output.Read(make([]byte, 1)); err != nil { // cat runs, so the lock is held
		t.Fatal(err)
	}
	if out, code := cron(t, replaced); code != 1 || out != "" {
		t.Errorf("beside another run it exits with %d and says %q, want 1 and nothing", code, out)
	}
	_ = input.Close()
	_ = held.Wait()
}

// The three examples run the same command.
func TestScheduledExamplesAgree(t *testing.T) {
	t.Parallel()
	_, command := readCrontab(t)
	_, want, _ := strings.Cut(command, `"$SQS2PG" `)
	for file, list := range map[string]string{"cronjob.yaml": "args", "ecs.yaml": "Command"} {
		text, err := os.ReadFile("../../infra/scheduled/" + file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(list + `: (\[invoke.*\])`).FindSubmatch(text)
		if m == nil {
			t.Fatalf("%s has no command", file)
		}
		var args []string
		if err := yaml.Unmarshal(m[1], &args); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, strings.Join(args, " ")); diff != "" {
			t.Errorf("%s (-crontab +%[1]s):\n%s", file, diff)
		}
	}
}
