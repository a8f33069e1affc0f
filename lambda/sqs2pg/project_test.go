package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/project"
)

// projectFolder returns a folder with a keyring and this project file, and a folder below it.
func projectFolder(t *testing.T, text string) (dir, inner string) {
	t.Helper()
	dir = folder(t)
	inner = filepath.Join(dir, "inner")
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, project.FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, inner
}

// TestProjectFileNamesQueueContractAndDatabase loads a queue of which the command line says nothing,
// from a folder below that of the file: the contract's path and the keyring are found beside the file.
func TestProjectFileNamesQueueContractAndDatabase(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	db := postgrestest.New(t)
	queue := createQueue(t, endpoint, "logins", nil)
	sqsAt(t, endpoint).Send(t, queue, sample.ValidLogins(5, 1))
	dir, inner := projectFolder(t, `contract = "orders/logins.json"
[test]
queue = "logins"
aws_endpoint_url = "`+endpoint+`"
database_url = "`+db.OwnerURL+`"
`)
	if err := os.Mkdir(filepath.Join(dir, "orders"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "orders", "logins.json"), []byte(loginDocument(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--env", "test", "migrate"},
		{"invoke", "--env", "test", "--idle-timeout", "500ms"},
	} {
		code, _, errs := process(t, inner, "", nil, args...)
		if code != 0 || !strings.HasPrefix(errs, "project ../sqs2pg.toml, environment test\n") || strings.Count(errs, "project") != 1 {
			t.Errorf("%v exits with %d and says %q", args, code, errs)
		}
	}
	if rows := db.QueryStrings(t, "select count(*) from user_logins")[0]; rows != "5" {
		t.Errorf("%s rows, want 5", rows)
	}
	if _, err := os.Stat(filepath.Join(inner, home.Dir)); !os.IsNotExist(err) {
		t.Errorf("made another %s: %v", home.Dir, err)
	}
	if code, _, errs := process(t, inner, "", []string{"SQS2PG_ENV=test"}, "doctor"); !strings.HasPrefix(errs, "project ../sqs2pg.toml, environment test\n") {
		t.Errorf("doctor exits with %d and does not say which file and environment it looks at: %q", code, errs)
	}
}

// TestFlagWinsOverVariableOverProjectFile names the contract in three places.
func TestFlagWinsOverVariableOverProjectFile(t *testing.T) {
	t.Parallel()
	dir, _ := projectFolder(t, "contract = 'of-file'\n[prod]\ncontract = 'of-prod'")
	for _, test := range []struct {
		variable string
		args     []string
		want     string
	}{
		{"", nil, "sqs2pg: sqs2pg.toml:1: contract: "},
		{"", []string{"--env", "prod"}, "sqs2pg: sqs2pg.toml:3: contract: "},
		{"SQS2PG_ENV=prod", nil, "sqs2pg: sqs2pg.toml:3: contract: "},
		{"CONTRACT=of-variable", []string{"--env=prod"}, "note: the variable CONTRACT is set and wins over sqs2pg.toml:3: contract\nsqs2pg: CONTRACT: "},
		{"SQS2PG_CONTRACT=of-variable", nil, "note: the variable SQS2PG_CONTRACT is set and wins over sqs2pg.toml:1: contract\nsqs2pg: SQS2PG_CONTRACT: "},
		{"CONTRACT=of-variable", []string{"--contract", "of-flag"}, "sqs2pg: --contract: "},
	} {
		code, _, errs := process(t, dir, "", []string{test.variable}, append([]string{"contract", "check"}, test.args...)...)
		if code != 2 || !strings.Contains(errs, test.want) {
			t.Errorf("%s %v exits with %d and says %q, want %q", test.variable, test.args, code, errs, test.want)
		}
	}
}

func TestErrorsNameTheLineOfTheProjectFile(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	dir, _ := projectFolder(t, `contract = "user_logins"
[nowhere]
database_url = "postgres://u:secret-pw@127.0.0.1:1/d"
queue = "nowhere"
aws_endpoint_url = "`+endpoint+`"
[aws]
database_secret_id = "s"
aws_profile = "there-is-none"
[bad]
aws_endpoint_url = "localhost:4566"
database_url = "postgres://127.0.0.1:port/d"
`)
	broken, _ := projectFolder(t, "queue: logins")
	for _, test := range []struct {
		dir  string
		code int
		want string
		args []string
	}{
		{dir, 1, "sqs2pg: sqs2pg.toml:3: database_url: database unavailable", []string{"migrate", "--env", "nowhere"}},
		{dir, 1, "sqs2pg: sqs2pg.toml:4: queue: queue does not exist: nowhere", []string{"send", "--env", "nowhere"}},
		{dir, 1, "sqs2pg.toml:3: database_url: database unavailable", []string{"doctor", "--env", "nowhere"}},
		{dir, 1, "sqs2pg.toml:7: database_secret_id", []string{"migrate", "--env", "aws"}},
		{dir, 2, "sqs2pg.toml:10: aws_endpoint_url", []string{"send", "--env", "bad", "--queue", "q"}},
		{dir, 2, "sqs2pg: sqs2pg.toml:11: database_url: ", []string{"migrate", "--env", "bad"}},
		{dir, 2, `sqs2pg: sqs2pg.toml has no environment "prod": it has aws, bad, nowhere`, []string{"doctor", "--env", "prod"}},
		{dir, 2, "project sqs2pg.toml, no environment: choose one by --env: aws, bad, nowhere\nsqs2pg: --queue NAME|URL is missing", []string{"send"}},
		{dir, 2, "--env: sqs2pg run reads no sqs2pg.toml", []string{"run", "--env", "nowhere"}},
		{broken, 2, "sqs2pg: sqs2pg.toml:1: not TOML: ", []string{"doctor"}},
		{broken, 0, "", []string{"version"}},
		{broken, 0, "", []string{"doctor", "--help"}},
		{t.TempDir(), 2, "sqs2pg: --env: no sqs2pg.toml in this folder or one above", []string{"doctor", "--env", "prod"}},
	} {
		code, out, errs := process(t, test.dir, "", nil, test.args...)
		if code != test.code || !strings.Contains(errs+out, test.want) || strings.Contains(errs+out, "secret-pw") {
			t.Errorf("%v exits with %d, prints %q and says %q, want %d and %q", test.args, code, out, errs, test.code, test.want)
		}
	}
}
