package variables_test

import (
	"testing"

	"github.com/alecthomas/kong"

	"sqs2pg/pkg/terminal/variables"
)

type flags struct {
	BatchSize int    `default:"10" help:"Messages."`
	Endpoint  string `env:"AWS_ENDPOINT_URL" help:"Where."`
}

func parse(t *testing.T, args ...string) (flags, *kong.Kong) {
	t.Helper()
	var f flags
	k, err := kong.New(&f, variables.Own)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f, k
}

func TestFlagOverOwnVariableOverOther(t *testing.T) {
	t.Setenv("SQS2PG_BATCH_SIZE", "7")
	t.Setenv("AWS_ENDPOINT_URL", "other")
	if f, _ := parse(t); f.BatchSize != 7 || f.Endpoint != "other" {
		t.Errorf("by variables: %+v", f)
	}
	if got := variables.Source("--endpoint", "other", "AWS_ENDPOINT_URL"); got != "AWS_ENDPOINT_URL" {
		t.Errorf("the other variable: source is %s", got)
	}
	t.Setenv("SQS2PG_ENDPOINT", "own")
	if f, _ := parse(t); f.Endpoint != "own" {
		t.Errorf("by both variables: %+v", f)
	}
	if got := variables.Source("--endpoint", "own", "AWS_ENDPOINT_URL"); got != "SQS2PG_ENDPOINT" {
		t.Errorf("the own variable: source is %s", got)
	}
	if f, _ := parse(t, "--endpoint", "flag", "--batch-size", "8"); f.BatchSize != 8 || f.Endpoint != "flag" {
		t.Errorf("by flags: %+v", f)
	}
	if got := variables.Source("--endpoint", "flag", "AWS_ENDPOINT_URL"); got != "--endpoint" {
		t.Errorf("the flag: source is %s", got)
	}
	if got := variables.Source("--endpoint", "", "AWS_ENDPOINT_URL"); got != "--endpoint" {
		t.Errorf("no value: source is %s", got)
	}
}

func TestHelpNamesTheOtherVariableOnly(t *testing.T) {
	_, k := parse(t)
	want := map[string]string{"batch-size": "Messages.", "endpoint": "Where ($AWS_ENDPOINT_URL)."}
	for _, flag := range k.Model.Flags {
		if flag.Name != "help" && variables.Help(flag.Value) != want[flag.Name] {
			t.Errorf("--%s: %q, want %q", flag.Name, variables.Help(flag.Value), want[flag.Name])
		}
	}
}

func TestAgainIsAFlagForAPastedCommand(t *testing.T) {
	t.Setenv("SQS2PG_QUEUE", "logins")
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
	t.Setenv("SQS2PG_CONTRACT", "")
	if err := variables.Set("SQS2PG_CONTRACT", "orders", "sqs2pg.toml:1: contract"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ flag, value, want string }{
		{"--queue", "", ""},
		{"--queue", "logins", ""}, // the variable has it
		{"--queue", "orders", " --queue orders"},
		{"--contract", "orders", ""}, // the file has it
		{"--endpoint-url", "http://127.0.0.1:4566", ""},
		{"--contract", "a,b/c.json", " --contract a,b/c.json"},
		{"--contract", "Ann's orders.json", ` --contract 'Ann'\''s orders.json'`},
		{"--queue", "$(id)", " --queue '$(id)'"},
	} {
		if got := variables.Again(test.flag, test.value, "AWS_ENDPOINT_URL"); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.flag, test.value, got, test.want)
		}
	}
}
