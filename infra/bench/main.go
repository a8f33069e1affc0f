// The program bench compares the benchmarks of the working tree with those of a commit, see Usage.
//
// It runs each benchmark of both in turns, so that a busy machine slows both, and compares within each turn: benchstat
// compares two sets of runs, and needs a machine that is quiet all the while.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

const usage = `Usage: go run ./infra/bench -commit COMMIT [-bench REGEXP] [PACKAGES]

Runs the benchmarks of PACKAGES (default ./...) at COMMIT and in the working tree, in turns, 7 rounds.
Prints for each measurement the median of the rounds' ratios, new/old, and their spread: the lowest
and the highest ratio. A measurement is called slower (or larger, of memory) only if it was worse in
every round; that happens by chance in 1 of 128. Benchmarks are paired by the last element of their
package's path and by name, so a package may have moved. Leave the working tree alone meanwhile.

  -commit COMMIT  what to compare with, as git names it
  -bench REGEXP   choose benchmarks, as for go test -bench (default ".")
`

const rounds = 7

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	commit := flags.String("commit", "", "")
	pattern := flags.String("bench", ".", "")
	flags.Parse(os.Args[1:])
	if *commit == "" {
		fmt.Fprintln(os.Stderr, "bench: no commit to compare with: name one, as in make bench-compare REV=HEAD~1")
		os.Exit(2)
	}
	packages := flags.Args()
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	if err := compare(ctx, ".", *commit, *pattern, packages, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// compare prints the table on out, and its progress and failed benchmarks on talk. A benchmark that fails
// does not end the comparison, but makes it return an error.
func compare(ctx context.Context, dir, commit, pattern string, packages []string, out, talk io.Writer) error {
	temp, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	checkout := filepath.Join(temp, "old")
	if _, err := output(ctx, dir, "git", "worktree", "add", "--detach", checkout, commit); err != nil {
		return err
	}
	// Also after an interrupt, which ends ctx.
	defer output(context.WithoutCancel(ctx), dir, "git", "worktree", "remove", "--force", checkout)

	pairs, err := build(ctx, dir, checkout, temp, packages, talk)
	if err != nil {
		return err
	}
	name, sub, hasSub := strings.Cut(pattern, "/")
	if hasSub {
		sub = "/" + sub
	}
	results, failures := results{}, 0
	for round := range rounds {
		for _, pair := range pairs {
			listed, err := pair[1].list(ctx, name)
			if err != nil {
				return err
			}
			for _, benchmark := range listed {
				fmt.Fprintf(talk, "round %d of %d: %s %s\n", round+1, rounds, pair[1].name(), benchmark)
				for turn := range pair {
					side := (turn + round) % 2 // the one that ran first runs second in the next round
					text, err := pair[side].run(ctx, "^"+benchmark+"$"+sub)
					if ctx.Err() != nil {
						return ctx.Err()
					} else if err != nil {
						fmt.Fprintf(talk, "%v\n", err)
						failures++
					}
					results.add(side, round, pair[side].name(), text)
				}
			}
		}
	}
	results.print(out)
	if failures > 0 {
		return fmt.Errorf("%d runs of benchmarks failed: see above", failures)
	}
	return nil
}

// binary is the compiled tests of a package.
type binary struct{ path, dir string }

func (b binary) name() string { return filepath.Base(b.dir) }

// build compiles the tests of packages in both trees, and returns those that are in both: old, new.
func build(ctx context.Context, dir, checkout, temp string, packages []string, talk io.Writer) ([][2]binary, error) {
	fresh, err := withBenchmarks(ctx, dir, packages)
	if err != nil {
		return nil, err
	}
	old, err := withBenchmarks(ctx, checkout, []string{"./..."})
	if err != nil {
		return nil, err
	}
	var pairs [][2]binary
	for i, folder := range fresh {
		at := slices.IndexFunc(old, func(o string) bool { return filepath.Base(o) == filepath.Base(folder) })
		if at < 0 {
			fmt.Fprintf(talk, "no benchmarks of %s at the commit\n", filepath.Base(folder))
			continue
		}
		pair := [2]binary{
			{filepath.Join(temp, fmt.Sprint("old", i, ".test")), old[at]},
			{filepath.Join(temp, fmt.Sprint("new", i, ".test")), folder},
		}
		for _, b := range pair {
			fmt.Fprintln(talk, "building the tests of", b.dir)
			if _, err := output(ctx, b.dir, "go", "test", "-c", "-o", b.path, "."); err != nil {
				return nil, err
			}
		}
		pairs = append(pairs, pair)
	}
	if len(pairs) == 0 {
		return nil, errors.New("no benchmarks in both: name other packages, or another commit")
	}
	return pairs, nil
}

var isBenchmark = regexp.MustCompile(`(?m)^func Benchmark`)

// withBenchmarks returns the folders of those packages that have benchmarks.
func withBenchmarks(ctx context.Context, dir string, packages []string) ([]string, error) {
	const files = `{{$d := .Dir}}{{range .TestGoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}`
	listed, err := output(ctx, dir, "go", append([]string{"list", "-f", files}, packages...)...)
	if err != nil {
		return nil, err
	}
	var folders []string
	for file := range strings.FieldsSeq(listed) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if folder := filepath.Dir(file); isBenchmark.Match(text) && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders, nil
}

// list returns the names of the benchmarks that match.
func (b binary) list(ctx context.Context, pattern string) ([]string, error) {
	text, err := output(ctx, b.dir, b.path, "-test.list", pattern)
	names := slices.DeleteFunc(strings.Fields(text), func(name string) bool { return !strings.HasPrefix(name, "Benchmark") })
	return names, err
}

func (b binary) run(ctx context.Context, pattern string) (string, error) {
	return output(ctx, b.dir, b.path, "-test.run", "^$", "-test.bench", pattern, "-test.benchmem")
}

// output runs a program and returns its standard output, also if it fails; the error then has all that it said.
func output(ctx context.Context, dir, program string, args ...string) (string, error) {
	var stdout, all bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, &all), &all
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s in %s: %w\n%s", program, strings.Join(args, " "), dir, err, &all)
	}
	return stdout.String(), nil
}

// processors is the suffix that go test gives to the names of benchmarks.
var processors = fmt.Sprintf("-%d", runtime.GOMAXPROCS(0))
