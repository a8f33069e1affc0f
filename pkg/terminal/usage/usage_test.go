package usage_test

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"sqs2pg/pkg/terminal/usage"
)

type commandLine struct {
	Env  string
	Send struct {
		Queue   string `required:"" placeholder:"NAME"`
		Count   int
		Timeout time.Duration `env:"TIMEOUT"`
		File    string        `arg:"" optional:""`
	} `cmd:""`
	Dlq struct {
		List struct {
			Limit int
		} `cmd:""`
		Show struct {
			ID string `arg:""`
		} `cmd:""`
		Compare struct {
			Old, New string `arg:""`
		} `cmd:""`
	} `cmd:""`
}

func TestExplainSaysWhatToType(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"snd":                               "unknown command snd: did you mean send?",
		"SEND":                              "unknown command SEND: did you mean send?",
		"list":                              "unknown command list: did you mean dlq list?",
		"drain":                             "unknown command drain: the commands are send, dlq",
		"dlq lst":                           "unknown command lst: did you mean list?",
		"dlq":                               "half a command: type program dlq and one of list, show, compare",
		"dlq show":                          "an argument is missing: type program dlq show <id>",
		"dlq compare":                       "an argument is missing: type program dlq compare <old> <new>",
		"dlq compare a":                     "an argument is missing: type program dlq compare <old> <new>",
		"dlq list logins":                   "unexpected argument logins: see program dlq list --help",
		"dlq list postgres://u:secret-pw@h": "unexpected argument, a URL: give it by its flag: see program dlq list --help",
		"send --qeue logins":                "unknown flag --qeue: did you mean --queue?",
		"send -queue logins":                "unknown flag -queue: did you mean --queue?",
		"send -queue=logins":                "unknown flag -queue: did you mean --queue?",
		"send -x":                           "unknown flag -x: see program send --help",
		"--queue logins send":               "--queue is a flag of a command: write it after the command",
		"send --queue":                      "--queue has no value: see program send --help",
		"send --queue --count 1":            "--queue has no value: --count comes next, which is a flag itself",
		"send --queue q --count many":       "--count: many is not a whole number",
		"send --queue q --timeout 30":       "--timeout: 30 is not a duration: write it with a unit, such as 30s, 5m or 1h",
		"send --timeout 1s":                 "--queue NAME is missing: see program send --help",
	} {
		if got := explain(t, line); got != want {
			t.Errorf("%s: %s\nwant %s", line, got, want)
		}
	}
}

// explain parses a command line that is wrong.
func explain(t *testing.T, line string) string {
	t.Helper()
	parser, err := kong.New(&commandLine{}, kong.Name("program"), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Fields(line)
	if _, err = parser.Parse(args); err == nil {
		t.Fatalf("%s: no error", line)
	}
	return usage.Explain(parser.Model, err, args)
}

func TestExplainNamesTheVariable(t *testing.T) {
	t.Setenv("TIMEOUT", "soon")
	const want = "TIMEOUT: soon is not a duration: write it with a unit, such as 30s, 5m or 1h"
	if got := explain(t, "send --queue q"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestArgsTakesTheWordsOfOtherPrograms(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"": "--help", "help": "--help", "help dlq list": "dlq list --help", "--version": "version", "-v": "version", "send help": "send help", "send -v": "send -v",
	} {
		if got := strings.Join(usage.Args(slices.Clone(strings.Fields(line))), " "); got != want {
			t.Errorf("%q means %q, want %q", line, got, want)
		}
	}
}
