package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/postgres/postgrestest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// bootstrap is the function as it is deployed, built for these tests.
const bootstrap = "../../build/test/ingest/bootstrap"

// asCommand makes the test program run the command line that it is given, or be the function.
const asCommand = "SQS2PG_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" || os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		main()
	}
	for program, source := range map[string]string{bootstrap: "../ingest", built: "."} {
		build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", program, source)
		if out, err := build.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("build %s: %v\n%s", program, err, out))
		}
	}
	os.Setenv("CONTRACT", "user_logins") // for the tests that do not name one
	postgrestest.Main(m)
}

// testKeyring is the keyring in the folders of the tests.
const testKeyring = keyring

// folder returns a new folder with that keyring, and the key of the vault that databases of tests know.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, home.Dir), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{home.KeyringPath(dir): testKeyring, home.VaultPath(dir): postgrestest.VaultKeyFile()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sqs2pg runs one command line in a folder of its own, with the keyring of the tests.
func sqs2pg(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return sqs2pgIn(t.Context(), folder(t), "", args...)
}

func sqs2pgIn(ctx context.Context, dir, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = execute(ctx, args, &streams{In: strings.NewReader(stdin), Out: &out, Err: &err, Dir: dir})
	return code, out.String(), err.String()
}

// succeed runs a command line that must exit with 0, and returns its standard output.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	code, out, err := sqs2pg(t, args...)
	if code != 0 {
		t.Fatalf("sqs2pg %s exits with %d: %s", strings.Join(args, " "), code, err)
	}
	return out
}

// golden compares with a file that go test -update writes.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s; if it is right, run go test -update (-want +got):\n%s", path, diff)
	}
}

func TestHelpFitsAScreen(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", "run", "invoke", "replay", "send", "sqs", "migrate", "maintain", "event", "doctor", "dlq list", "dlq show", "dlq redrive", "queue create", "completion", "contract check", "contract ddl", "contract diff", "contract try", "vault reveal", "vault audit list", "vault audit verify", "vault key", "version"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			help := succeed(t, append(strings.Fields(command), "--help")...)
			if n := strings.Count(help, "\n"); n > 40 {
				t.Errorf("%d lines, want at most 40", n)
			}
			for line := range strings.Lines(help) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
					t.Errorf("%d columns, want at most 80: %s", n, line)
				}
			}
			golden(t, "help"+strings.ReplaceAll(" "+command, " ", "-")+".txt", help)
		})
	}
}

// TestExplainsMistakesInOneLine lists mistakes that people make, and what the command must say.
func TestExplainsMistakesInOneLine(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	dir := t.TempDir()
	misspelt := filepath.Join(dir, "misspelt.json")
	if err := os.WriteFile(misspelt, []byte(`{"x-table":"t","type":"object","properties":{"ip":{"type":"string","x-mak":"token"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	db := postgrestest.New(t, load(t, "user_logins"))
	wrongPassword, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	wrongPassword.User = url.UserPassword(wrongPassword.User.Username(), "secret-pw")
	invoke := []string{"invoke", "--endpoint-url", endpoint, "--queue", "there", "--database-url", db.URL, "--function", bootstrap}
	createQueue(t, endpoint, "there", nil)
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"an unknown flag":               {[]string{"invoke", "--qeue", "q"}, 2, "unknown flag --qeue"},
		"no queue":                      {[]string{"invoke"}, 2, "--queue"},
		"an unknown command":            {[]string{"drain"}, 2, "unknown command drain: the commands are run, invoke"},
		"a word for a number":           {append(invoke, "--batch-size", "many"), 2, "--batch-size"},
		"a batch size over AWS's limit": {append(invoke, "--batch-size", "10001"), 2, "10000"},
		"a batch of nothing":            {append(invoke, "--batch-size", "0"), 2, "--batch-size is 0: it must be 1 or more"},
		"an event of nothing":           {[]string{"event", "--endpoint-url", endpoint, "--queue", "there", "--batch-size", "0"}, 2, "--batch-size is 0"},
		"no batch in flight":            {append(invoke, "--concurrency", "0"), 2, "--concurrency is 0: it must be 1 or more"},
		"a folder by its bare name":     {[]string{"contract", "check", "testdata"}, 2, `"testdata" is a folder: write ./testdata`},
		"one contract to compare":       {[]string{"contract", "diff", "user_logins"}, 2, "sqs2pg contract diff <old> <new>"},
		"the same for run":              {[]string{"run", "--database-url", db.OwnerURL, "--function", bootstrap, "--batch-size", "10001"}, 2, "10000"},
		"no database":                   {[]string{"migrate", "--database-url="}, 2, "DATABASE_URL"},
		"an invalid database URL":       {[]string{"migrate", "--database-url", "postgres://u:secret-pw@h:port/d"}, 2, "--database-url: database settings"},
		"a wrong password":              {[]string{"migrate", "--database-url", wrongPassword.String()}, 1, "password"},
		"no database server":            {[]string{"migrate", "--database-url", "postgres://u:secret-pw@127.0.0.1:1/d"}, 1, "--database-url: database unavailable"},
		"a missing queue":               {[]string{"send", "--endpoint-url", endpoint, "--queue", "nowhere"}, 1, "sqs2pg queue create nowhere --endpoint-url " + endpoint},
		"a share of bad messages":       {[]string{"send", "--queue", "q", "--contract", "user_logins", "--bad", "101"}, 2, "--bad is 101: it must be 0 to 100"},
		"bad messages of no contract":   {[]string{"send", "--queue", "q", "--contract=", "--bad", "3"}, 2, "--bad needs a contract"},
		"a filter on an attribute":      {append(invoke, "--filter", `{"attributes":{"SenderId":["x"]}}`), 2, "by their body only"},
		"two functions":                 {append(invoke, "--invoke-url", "http://127.0.0.1:3001"), 2, "can't be used together"},
		"an invalid invoke URL":         {append(invoke[:len(invoke)-2:len(invoke)-2], "--invoke-url", "127.0.0.1:3001"), 2, "http://127.0.0.1:3001"},
		"no SQS server":                 {[]string{"send", "--endpoint-url", "http://127.0.0.1:1", "--queue", "q"}, 1, "connection refused"},
		"no bootstrap":                  {append(invoke, "--function", filepath.Join(dir, "bootstrap")), 1, "correct the path"},
		"a port in use":                 {[]string{"sqs", "--listen", strings.TrimPrefix(endpoint, "http://")}, 1, "choose another address with --listen"},
		"a short keyring":               {append(invoke, "--keyring", `{"current":"k1","k1":"secret-pw"}`), 2, "--keyring: "},
		"a keyring that is not JSON":    {append(invoke, "--keyring", `secret-pw`), 2, "--keyring: "},
		"no contract":                   {[]string{"migrate", "--database-url", db.OwnerURL, "--contract="}, 2, "CONTRACT to user_logins, a file or a folder"},
		"two contracts":                 {[]string{"contract", "check", "user_logins", "--contract", misspelt}, 2, "two contracts"},
		"no program to run":             {[]string{"run", "--database-url", db.OwnerURL, "--function", filepath.Join(dir, "bootstrap")}, 2, "correct --function"},
		"an unknown contract":           {[]string{"contract", "check", "user_login"}, 2, "user_logins"},
		"a misspelt keyword":            {[]string{"contract", "check", misspelt}, 2, "x-mask"},
		"no messages":                   {[]string{"send", "--endpoint-url", endpoint, "--queue", "there", "--count", "0"}, 2, "--count"},
		"a name that no queue can have": {[]string{"send", "--endpoint-url", endpoint, "--queue", "bad name"}, 2, `"bad name" is not a queue name`},
		"an endpoint in upper case":     {[]string{"send", "--endpoint-url", "HTTP://127.0.0.1:1", "--queue", "q"}, 1, "connection refused"},
		"a queue of too long a name":    {[]string{"queue", "create", "--endpoint-url", endpoint, strings.Repeat("q", 77)}, 2, "name is too long"},
		"a missing file":                {[]string{"send", "--endpoint-url", endpoint, "--queue", "there", "nothing.jsonl"}, 2, "nothing.jsonl"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, err := sqs2pg(t, tt.args...)
			if code != tt.code {
				t.Errorf("exits with %d, want %d", code, tt.code)
			}
			last := err[strings.LastIndex(strings.TrimSuffix(err, "\n"), "\n")+1:]
			if !strings.HasPrefix(last, "sqs2pg: ") || !strings.Contains(last, tt.want) {
				t.Errorf("says %q, want a last line that starts with sqs2pg: and contains %q", err, tt.want)
			}
			if strings.Contains(out+err, "secret-pw") || strings.Contains(err, "goroutine") {
				t.Errorf("prints a secret or a stack trace: %q", out+err)
			}
		})
	}
}

func TestRunChecksEveryFlagBeforeItStartsAnything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	code, out, err := sqs2pgIn(t.Context(), dir, "", "run", "--database-url=", "--function", filepath.Join(dir, "bootstrap"),
		"--messages", "0", "--batch-size", "10001", "--concurrency=-1")
	if code != 2 || out != "" || strings.Count(err, "\n") != 1 {
		t.Errorf("exits with %d and prints %q%q, want 2 and one line", code, out, err)
	}
	for _, want := range []string{"--messages is 0", "--batch-size is 10001", "--concurrency is -1", "correct --function"} {
		if !strings.Contains(err, want) {
			t.Errorf("does not say %q: %q", want, err)
		}
	}
	if made, _ := filepath.Glob(filepath.Join(dir, "*")); made != nil {
		t.Errorf("made %v before it had checked its flags", made)
	}
}

func TestVersionNamesVersionAndPlatform(t *testing.T) {
	t.Parallel()
	if out := succeed(t, "version"); !regexp.MustCompile(`^sqs2pg \S+ go1\.\S+ \w+/\w+\n$`).MatchString(out) {
		t.Errorf("prints %q", out)
	}
}

// process runs a command line in a process of its own, in dir, with these variables and no other
// settings.
func process(t *testing.T, dir, stdin string, variables []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var outs, errs bytes.Buffer
	c := exec.CommandContext(t.Context(), program, args...)
	c.Dir, c.Stdin, c.Stdout, c.Stderr = dir, strings.NewReader(stdin), &outs, &errs
	c.Env = append([]string{asCommand + "=1", "HOME=" + dir, "PATH=" + os.Getenv("PATH")}, variables...)
	err = c.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), outs.String(), errs.String()
}

func TestTakesAContractWithAByteOrderMark(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "user_logins.json")
	if err := os.WriteFile(path, []byte("\ufeff"+loginDocument(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := succeed(t, "contract", "check", path); !strings.HasPrefix(out, "user_logins: table public.user_logins\n") {
		t.Errorf("prints %q", out)
	}
}

// The variable CONTRACT is set in these tests.
func TestTryTellsAContractFromMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken, messages := filepath.Join(dir, "broken.json"), filepath.Join(dir, "messages.json")
	for path, text := range map[string]string{broken: `{"x-table":"t","type":"object","properties":{"ip":{"type":"string","x-mak":"token"}}}`, messages: `{"a":1}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{broken}, 2, "x-mak"},
		{[]string{messages}, 1, "line 1: refused: "},
		{[]string{"user_logins"}, 1, "line 1: refused: invalid: "},
		{[]string{filepath.Join(dir, "nothing.json")}, 2, "nothing.json: no such file"},
	} {
		code, out, errs := sqs2pgIn(t.Context(), folder(t), `{"stdin":1}`, append([]string{"contract", "try"}, tt.args...)...)
		if code != tt.code || !strings.Contains(out+errs, tt.want) {
			t.Errorf("%v: exits with %d, prints %q and says %q", tt.args, code, out, errs)
		}
	}
}

func TestContractByArgumentFlagAndEitherVariable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	body := sample.ValidLogins(1, 1)[0]
	if err := os.WriteFile(filepath.Join(dir, "messages"), []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		variable string
		args     []string
		want     string
	}{
		"check, argument":                       {"", []string{"check", "user_logins"}, "table public.user_logins"},
		"check, flag":                           {"", []string{"check", "--contract", "user_logins"}, "table public.user_logins"},
		"check, variable":                       {"CONTRACT=user_logins", []string{"check"}, "table public.user_logins"},
		"check, own variable":                   {"SQS2PG_CONTRACT=user_logins", []string{"check"}, "table public.user_logins"},
		"check, argument over variable":         {"CONTRACT=other", []string{"check", "user_logins"}, "table public.user_logins"},
		"check, flag over variable":             {"CONTRACT=other", []string{"check", "--contract", "user_logins"}, "table public.user_logins"},
		"ddl, argument":                         {"", []string{"ddl", "user_logins"}, "create table"},
		"ddl, flag":                             {"", []string{"ddl", "--contract", "user_logins"}, "create table"},
		"ddl, own variable":                     {"SQS2PG_CONTRACT=user_logins", []string{"ddl"}, "create table"},
		"try, argument":                         {"", []string{"try", "user_logins"}, "line 1: user_id="},
		"try, argument and messages":            {"", []string{"try", "user_logins", "messages"}, "line 1: user_id="},
		"try, flag and messages":                {"", []string{"try", "--contract", "user_logins", "messages"}, "line 1: user_id="},
		"try, variable and messages":            {"CONTRACT=user_logins", []string{"try", "messages"}, "line 1: user_id="},
		"try, argument over variable":           {"CONTRACT=other", []string{"try", "user_logins"}, "line 1: user_id="},
		"try, argument over variable, messages": {"CONTRACT=other", []string{"try", "user_logins", "messages"}, "line 1: user_id="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := process(t, dir, body, []string{test.variable, "MASK_KEYRING=" + keyring}, append([]string{"contract"}, test.args...)...)
			if code != 0 || !strings.Contains(out, test.want) {
				t.Errorf("exits with %d, prints %q and %q, want %q", code, out, errs, test.want)
			}
		})
	}
}

// TestErrorsNameWhereTheValueCameFrom gives each wrong value by its flag, its variables or its
// file.
func TestErrorsNameWhereTheValueCameFrom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, home.Dir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, home.Dir, "keyring.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	const nowhere = "postgres://u:secret-pw@127.0.0.1:1/d"
	for _, test := range []struct {
		variables []string
		args      []string
		want      string
	}{
		{[]string{"CONTRACT=user_logins"}, []string{"migrate", "--database-url", nowhere}, "sqs2pg: --database-url: database unavailable"},
		{[]string{"CONTRACT=user_logins", "DATABASE_SECRET_ID=s"}, []string{"migrate", "--database-url", nowhere}, "sqs2pg: --database-url: database unavailable"},
		{[]string{"CONTRACT=user_logins", "DATABASE_URL=" + nowhere}, []string{"migrate"}, "sqs2pg: DATABASE_URL: database unavailable"},
		{[]string{"CONTRACT=user_logins", "DATABASE_URL=" + nowhere, "DATABASE_SECRET_ID=s"}, []string{"migrate"}, "DATABASE_SECRET_ID"},
		{[]string{"CONTRACT=user_logins", "DATABASE_URL=postgre://u:secret-pw@h/d"}, []string{"migrate"}, "sqs2pg: DATABASE_URL: database settings: "},
		{[]string{"CONTRACT=user_logins", "DATABASE_IAM_AUTH=yes please"}, []string{"migrate"}, "DATABASE_IAM_AUTH is neither true nor false"},
		{[]string{"CONTRACT=other"}, []string{"contract", "check"}, "sqs2pg: CONTRACT: "},
		{[]string{"SQS2PG_CONTRACT=other"}, []string{"contract", "check"}, "sqs2pg: SQS2PG_CONTRACT: "},
		{nil, []string{"contract", "check", "--contract", "other"}, "sqs2pg: --contract: "},
		{[]string{"CONTRACT=user_logins", "MASK_KEYRING={}"}, []string{"contract", "try"}, "sqs2pg: MASK_KEYRING: "},
		{[]string{"CONTRACT=user_logins", "SQS2PG_KEYRING={}"}, []string{"contract", "try"}, "sqs2pg: SQS2PG_KEYRING: "},
		{[]string{"CONTRACT=user_logins"}, []string{"contract", "try"}, "sqs2pg: " + filepath.Join(home.Dir, "keyring.json") + ": "},
	} {
		code, out, errs := process(t, dir, "", test.variables, test.args...)
		outage := strings.Contains(test.want, "unavailable") || strings.Contains(test.want, "SECRET")
		if code == 0 || code == 1 && !outage || !strings.Contains(errs, test.want) || strings.Contains(out+errs, "secret-pw") {
			t.Errorf("%v %v exits with %d and says %q, want %q", test.variables, test.args, code, errs, test.want)
		}
	}
}
