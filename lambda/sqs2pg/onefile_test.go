package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/postgres/postgrestest"
)

// built is the command as people install it, built for these tests.
const built = "../../build/test/sqs2pg"

// installed returns the command in a folder that holds nothing else.
func installed(t *testing.T) string {
	t.Helper()
	program, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sqs2pg")
	if err := os.WriteFile(path, program, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOneFileIsTheWholeProduct runs the command in empty folders, with no other file of the project
// in reach: it must be the function, too, and bring the contract.
func TestOneFileIsTheWholeProduct(t *testing.T) {
	t.Parallel()
	program, endpoint := installed(t), startSQS(t)
	inEmptyFolder := func(args ...string) (code int, stdout, stderr string) {
		dir := t.TempDir()
		var outs, errs bytes.Buffer
		c := exec.CommandContext(t.Context(), program, args...)
		c.Dir, c.Stdout, c.Stderr = dir, &outs, &errs
		c.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
		err := c.Run()
		if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
			t.Fatal(err)
		}
		return c.ProcessState.ExitCode(), outs.String(), errs.String()
	}

	if code, out, errs := inEmptyFolder("run", "--database-url", postgrestest.New(t).OwnerURL); code != 0 || !strings.Contains(out, "99 written, 1 dead-lettered") {
		t.Errorf("run exits with %d, prints %q and says %q", code, out, errs)
	}

	db := postgrestest.New(t, load(t, "user_logins"))
	queue := createQueue(t, endpoint, "logins", nil)
	sqsAt(t, endpoint).Send(t, queue, sample.ValidLogins(20, 1))
	invoke := []string{"invoke", "--contract", "user_logins", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL, "--keyring", keyring, "--vault-public-key", postgrestest.VaultKey().String(), "--idle-timeout", "500ms"}
	if code, _, errs := inEmptyFolder(invoke...); code != 0 {
		t.Errorf("invoke exits with %d and says %q", code, errs)
	}
	if rows := db.QueryStrings(t, "select count(*) from user_logins")[0]; rows != "20" {
		t.Errorf("%s rows, want 20", rows)
	}
	doctor := append([]string{"doctor"}, invoke[1:len(invoke)-2]...)
	if _, out, _ := inEmptyFolder(doctor...); !strings.Contains(out, "ok   function     "+program+"\n") {
		t.Errorf("doctor does not find the function in the command itself:\n%s", out)
	}
	if code, _, errs := inEmptyFolder(append(invoke, "--function", built)...); code != 1 || !strings.Contains(errs, "no function at "+built) {
		t.Errorf("with another bootstrap, which does not exist: exits with %d and says %q", code, errs)
	}
}
