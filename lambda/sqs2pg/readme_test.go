package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/project"
)

const readme = "../../README.md"

var writing sync.Mutex // the README is read or written by one test at a time

func readREADME(t *testing.T) string {
	t.Helper()
	writing.Lock()
	defer writing.Unlock()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block returns where in text the fenced block after a comment starts and ends.
func block(t *testing.T, text, comment string) (start, end int) {
	t.Helper()
	at := strings.Index(text, "<!-- "+comment)
	if at < 0 {
		t.Fatalf("README has no comment <!-- %s", comment)
	}
	start = at + strings.Index(text[at:], "\n```")
	start += 1 + strings.Index(text[start+1:], "\n") + 1
	return start, start + strings.Index(text[start:], "```")
}

// inREADME compares a block of the README with what it must say, after blur has changed both, and
// reports whether they are the same.
func inREADME(t *testing.T, comment, want string, blur func(string) string) (same bool) {
	t.Helper()
	writing.Lock()
	defer writing.Unlock()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	start, end := block(t, string(text), comment)
	if diff := cmp.Diff(blur(want), blur(string(text[start:end]))); diff == "" {
		return true
	} else if !*update {
		t.Errorf("README, %s; go test -update writes it (-want +got):\n%s", comment, diff)
	}
	if *update {
		if err := os.WriteFile(readme, []byte(string(text[:start])+want+string(text[end:])), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return false
}

// blurs replace what differs from one run to the next.
var blurs = []struct{ pattern, by string }{
	{`data in \S+`, "data in DIR"},
	{`127\.0\.0\.1:\d+`, "ADDRESS"},
	{`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "UUID"},
	{`k1:[0-9a-f]{32}`, "TOKEN"},
	{`p\d{8}`, "pDAY"},
	{`\d{4}-\d\d-\d\d +\d\d:\d\d:\d\d(\.\d+)?(\+00|Z)`, "TIME"},
	{`\d{4}-\d\d-\d\d`, "DATE"},
	{`(?m)^(DEVICE_TYPE|LOCALE|APP_VERSION|IP|DEVICE_ID) +\S+$`, "$1 VALUE"},
	{`\d+/s`, "RATE"},
	{`[0-9.]+ s\b`, "SECONDS"},
	{`0001_\S+`, "MIGRATIONS"},
	{` +`, " "},
}

func blurRun(s string) string {
	for _, b := range blurs {
		s = regexp.MustCompile(b.pattern).ReplaceAllString(s, b.by)
	}
	return s
}

func TestREADMEShowsWhatRunPrints(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var screen bytes.Buffer
	args := []string{"run", "--function", bootstrap, "--database-url="}
	if code := execute(t.Context(), args, &streams{In: strings.NewReader(""), Out: &screen, Err: &screen, Dir: dir}); code != 0 {
		t.Fatalf("run exits with %d: %s", code, &screen)
	}
	printed := strings.NewReplacer(dir+"/", "", os.Args[0], "build/sqs2pg").Replace(screen.String())
	// On a slow machine there are several progress lines.
	printed = regexp.MustCompile(`(?m)(^\d+ of \d+ messages, .*\n)+`).ReplaceAllString(printed, "$1")
	if *update { // as a person who is not root sees it
		printed = regexp.MustCompile(`data in \S+`).ReplaceAllString(printed, "data in .sqs2pg/postgres")
	}
	for line := range strings.Lines(printed) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 && !strings.Contains(line, "data in ") {
			t.Errorf("a line of %d characters wraps in a terminal of 80: %s", n, line)
		}
	}
	blur := blurRun
	if !inREADME(t, "output of make run", printed, blur) {
		blur = func(s string) string { return s } // the reveal below is of the same run
	}

	// The command that run prints for its newest row.
	line := regexp.MustCompile(`(?s)\n  \S+ (vault reveal .*?)\n$`).FindStringSubmatch(printed)
	if line == nil {
		t.Fatalf("run does not say how to reveal:\n%s", printed)
	}
	command := strings.Join(strings.Fields(strings.ReplaceAll(line[1], "\\\n", "")), " ")
	var out, talk bytes.Buffer
	if code := execute(t.Context(), strings.Fields(command), &streams{In: strings.NewReader(""), Out: &out, Err: &talk, Dir: dir}); code != 0 {
		t.Fatalf("%s exits with %d: %s", command, code, &talk)
	}
	inREADME(t, "output of vault reveal", "$ build/sqs2pg "+command+"\n"+out.String(), blur)
}

func TestREADMEShowsWhatContractCheckPrints(t *testing.T) {
	t.Parallel()
	text := readREADME(t)
	start, end := block(t, text, "contract:")
	file := filepath.Join(t.TempDir(), "orders.json")
	if err := os.WriteFile(file, []byte(text[start:end]), 0o600); err != nil {
		t.Fatal(err)
	}
	out := succeed(t, "contract", "check", file)
	inREADME(t, "output of contract check", "$ build/sqs2pg contract check orders.json\n"+out, func(s string) string { return s })
}

func TestREADMEShowsAProjectFileThatCanBeRead(t *testing.T) {
	t.Parallel()
	text := readREADME(t)
	start, end := block(t, text, "project file:")
	for name, want := range map[string]int{"": 4, "local": 4, "prod": 5} {
		e, err := project.Parse(project.FileName, []byte(text[start:end]), name)
		if err != nil {
			t.Fatal(err)
		}
		if settings, _ := e.Unset(func(string) string { return "" }); len(settings) != want {
			t.Errorf("%q has the settings %v, want %d", name, settings, want)
		}
	}
}

// The README names each command that the program has.
func TestREADMENamesEveryCommand(t *testing.T) {
	t.Parallel()
	text := readREADME(t)
	parser, err := newParser(t.Context(), &command{})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		if name := leaf.Path(); !strings.Contains(text, "`"+strings.TrimPrefix(name, "sqs2pg ")+"`") {
			t.Errorf("README does not name %s", name)
		}
	}
}

// TestREADMECommandsAreRight parses every command line of README and CONTRIBUTING, and looks for
// every make target.
func TestREADMECommandsAreRight(t *testing.T) {
	t.Parallel()
	text := readREADME(t)
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	contributing, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	vault, err := os.ReadFile("../../infra/VAULT.md")
	if err != nil {
		t.Fatal(err)
	}
	all := text + string(contributing) + strings.ReplaceAll(string(vault), "\n    sqs2pg ", "\n$ build/sqs2pg ")
	commands := regexp.MustCompile(`(?m)^\$ (make|build/sqs2pg) ([^#\n]*[^# \n])`).FindAllStringSubmatch(all, -1)
	if len(commands) < 15 {
		t.Fatalf("found %d commands: the pattern is wrong", len(commands))
	}
	for _, c := range commands {
		if args := strings.Fields(c[2]); c[1] == "make" {
			for _, target := range args {
				if !regexp.MustCompile(`(?m)^` + target + `:`).Match(makefile) {
					t.Errorf("make %s: the Makefile does not have this target", target)
				}
			}
		} else if err := parses(t.Context(), args); err != nil {
			t.Errorf("sqs2pg %s: %v", c[2], err)
		}
	}
}

func parses(ctx context.Context, args []string) error {
	parser, err := newParser(ctx, &command{})
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	return err
}

func newParser(ctx context.Context, c *command) (*kong.Kong, error) {
	return kong.New(c, kong.Name("sqs2pg"), kong.DefaultEnvars("SQS2PG"), kong.BindTo(ctx, (*context.Context)(nil)))
}
