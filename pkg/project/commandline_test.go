package project_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"sqs2pg/pkg/project"
	"sqs2pg/pkg/terminal/variables"
)

type commandLine struct {
	Send    struct{ Queue string } `cmd:""`
	Version struct{}               `cmd:""`
	Env     string
}

// TestUseForReadsTheFileOnlyForCommandsThatNeedIt sets variables, so it cannot run beside others.
func TestUseForReadsTheFileOnlyForCommandsThatNeedIt(t *testing.T) {
	parent := t.TempDir()
	inner, empty := filepath.Join(parent, "inner"), t.TempDir()
	if err := errors.Join(os.Mkdir(inner, 0o700), os.WriteFile(filepath.Join(parent, project.FileName), []byte("[test]\nqueue = \"logins\"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		dir, folder string
		args        []string
		queue, want string
	}{
		{inner, parent, []string{"send", "--env", "test"}, "logins", ""},
		{inner, parent, []string{"send"}, "", ""},
		{inner, parent, []string{"send", "--env", "prod"}, "", `has no environment "prod"`},
		{inner, inner, []string{"version"}, "", ""},
		{inner, inner, []string{"version", "--env", "test"}, "", "--env: sqs2pg version reads no sqs2pg.toml: leave it out"},
		{inner, inner, []string{"send", "--help", "--env", "prod"}, "", ""},
		{empty, empty, []string{"send"}, "", ""},
		{empty, empty, []string{"send", "--env", "test"}, "", "--env: no sqs2pg.toml in this folder or one above"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Setenv("SQS2PG_ENV", "")
			t.Setenv("SQS2PG_QUEUE", "")
			var c commandLine
			var folder string
			var err error
			parser := kong.Must(&c, variables.Own, kong.Exit(func(int) {}), kong.Writers(new(strings.Builder), new(strings.Builder)), kong.WithBeforeReset(func(k *kong.Context) error {
				if folder == "" {
					folder, err = project.UseFor(k, test.dir, []string{"version"}, new(strings.Builder))
				}
				return nil
			}))
			if _, parseErr := parser.Parse(test.args); parseErr != nil {
				t.Fatal(parseErr)
			}
			_, mistake := errors.AsType[*project.MistakeError](err)
			if mistake != (test.want != "") || mistake && !strings.Contains(err.Error(), test.want) || folder != test.folder {
				t.Errorf("folder %s, error %v, want %s and %q", folder, err, test.folder, test.want)
			}
			if got := os.Getenv("SQS2PG_QUEUE"); got != test.queue {
				t.Errorf("the queue is %q, want %q", got, test.queue)
			}
		})
	}
}
