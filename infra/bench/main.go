// Bench compares the benchmarks of the working tree with those of a commit, see Usage.
//
// It runs each benchmark alternately in both, so that a busy machine slows both, and compares
// within each round. The tool benchstat compares two sets of runs, and needs a machine that is
// equally busy during both.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
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
	"time"
)

const usage = `Usage: go run ./infra/bench -commit COMMIT [-bench REGEXP] [PACKAGES]
       go run ./infra/bench -write FILE [-bench REGEXP] [PACKAGES]

Runs the benchmarks of PACKAGES (default ./...) at COMMIT and in the working tree, alternately, 7 rounds.
Prints for each measurement the median of the rounds' ratios, new/old, and their spread: the lowest
and the highest ratio. A measurement is called slower (or larger, of memory) only if it was worse in
every round; that happens by chance in 1 of 128. Benchmarks are paired by name, so a package may have
moved. Leave the working tree alone meanwhile.

With -write it runs the benchmarks of the working tree only, and writes the median of their ratios, times
and memory, lowest and highest, as a table into FILE, between <!-- ratios --> and <!-- end -->. A benchmark
that takes over 20 s runs in 3 rounds.

  -commit COMMIT  what to compare with, as git names it
  -write FILE     the file that holds the table
  -bench REGEXP   choose benchmarks, as for go test -bench (default ".")
`

const (
	rounds     = 7
	longRounds = 3 // of a benchmark that takes longer than long, for a table
	long       = 20 * time.Second
	benchTime  = "-test.benchtime=300ms"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	commit := flags.String("commit", "", "")
	file := flags.String("write", "", "")
	pattern := flags.String("bench", ".", "")
	flags.Parse(os.Args[1:])
	packages := flags.Args()
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	var err error
	switch {
	case *file != "":
		err = tabulate(ctx, ".", *file, *pattern, packages, os.Stderr)
	case *commit != "":
		err = compare(ctx, ".", *commit, *pattern, packages, os.Stdout, os.Stderr)
	default:
		fmt.Fprintln(os.Stderr, "bench: no commit to compare with: name one, as in make bench-compare REV=HEAD~1")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// compare prints the table on out, and its progress and failed benchmarks on talk. A benchmark that
// fails does not end the comparison, but makes it return an error.
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

	fresh, err := find(ctx, dir, packages, pattern)
	if err != nil {
		return err
	}
	old, err := find(ctx, checkout, []string{"./..."}, pattern)
	if err != nil {
		return err
	}
	pairs := pair(old, fresh, talk)
	if len(pairs) == 0 {
		return errors.New("no benchmark is in both: choose other benchmarks, packages, or another commit")
	}
	r := runner{bin: temp, talk: talk}
	for round := range rounds {
		for _, p := range pairs {
			fmt.Fprintf(talk, "round %d of %d: %s\n", round+1, rounds, p[1])
			for turn := range p {
				side := (turn + round) % 2 // the one that ran first runs second in the next round
				if err := r.run(ctx, side, round, p[1].String(), p[side]); err != nil {
					return err
				}
			}
		}
	}
	r.print(out)
	return r.failed()
}

// tabulate runs the benchmarks of the working tree, and writes their table into a file.
func tabulate(ctx context.Context, dir, file, pattern string, packages []string, talk io.Writer) error {
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), "<!-- ratios -->\n")
	_, after, closed := strings.Cut(rest, "<!-- end -->")
	if !found || !closed {
		return fmt.Errorf("%s has no place for the table: add the lines <!-- ratios --> and <!-- end -->", file)
	}
	benchmarks, err := find(ctx, dir, packages, pattern)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	r := runner{bin: temp, talk: talk, flags: []string{benchTime}}
	took := map[benchmark]time.Duration{}
	for round := range rounds {
		for _, b := range benchmarks {
			if round >= longRounds && took[b] > long {
				continue
			}
			fmt.Fprintf(talk, "round %d of %d: %s\n", round+1, rounds, b)
			started := time.Now()
			if err := r.run(ctx, 1, round, b.String(), b); err != nil {
				return err
			}
			took[b] = time.Since(started)
		}
	}
	if err := r.failed(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, file), []byte(before+"<!-- ratios -->\n"+r.markdown()+"<!-- end -->"+after), 0o644)
}

// benchmark is a function of a package, and the sub-benchmarks to run.
type benchmark struct{ dir, name, sub string }

func (b benchmark) String() string {
	return filepath.Base(b.dir) + " " + strings.TrimPrefix(b.name, "Benchmark")
}

// find returns the benchmarks of packages that match the pattern, in the order of the files.
func find(ctx context.Context, dir string, packages []string, pattern string) ([]benchmark, error) {
	name, sub, hasSub := strings.Cut(pattern, "/")
	if hasSub {
		sub = "/" + sub
	}
	matches, err := regexp.Compile(name)
	if err != nil {
		return nil, err
	}
	const files = `{{$d := .Dir}}{{range .TestGoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}`
	listed, err := output(ctx, dir, "go", append([]string{"list", "-f", files}, packages...)...)
	if err != nil {
		return nil, err
	}
	var found []benchmark
	for file := range strings.Lines(listed) {
		file = strings.TrimSuffix(file, "\n")
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Benchmark") && matches.MatchString(f.Name.Name) {
				found = append(found, benchmark{filepath.Dir(file), f.Name.Name, sub})
			}
		}
	}
	return found, nil
}

// pair finds for each new benchmark the old one of its name: in the package whose path ends alike,
// else in the only package that has one.
func pair(old, fresh []benchmark, talk io.Writer) (pairs [][2]benchmark) {
	for _, f := range fresh {
		var same []benchmark
		for _, o := range old {
			if o.name == f.name {
				same = append(same, o)
			}
		}
		at := slices.IndexFunc(same, func(o benchmark) bool { return o.String() == f.String() })
		if at < 0 && len(same) == 1 {
			at = 0
		}
		if at < 0 {
			fmt.Fprintf(talk, "%s: the commit has no such benchmark\n", f)
			continue
		}
		pairs = append(pairs, [2]benchmark{same[at], f})
	}
	return pairs
}

// runner compiles the tests of a package when it first needs them, and keeps what its benchmarks
// measure.
type runner struct {
	results
	bin      string // folder of the compiled tests
	talk     io.Writer
	flags    []string
	binaries map[string]string // by folder of the package
	failures int
}

// run runs a benchmark once, and adds what it measures under a name. Its error is not the
// benchmark's.
func (r *runner) run(ctx context.Context, side, round int, name string, b benchmark) error {
	binary, ok := r.binaries[b.dir]
	if !ok {
		fmt.Fprintln(r.talk, "building the tests of", b.dir)
		binary = filepath.Join(r.bin, fmt.Sprint(len(r.binaries), ".test"))
		if _, err := output(ctx, b.dir, "go", "test", "-c", "-o", binary, "."); err != nil {
			return err
		}
		if r.binaries == nil {
			r.binaries = map[string]string{}
		}
		r.binaries[b.dir] = binary
	}
	text, err := output(ctx, b.dir, binary, append([]string{"-test.run", "^$", "-test.bench", "^" + b.name + "$" + b.sub, "-test.benchmem"}, r.flags...)...)
	if ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		fmt.Fprintln(r.talk, err)
		r.failures++
	}
	r.add(side, round, name, text)
	return nil
}

func (r *runner) failed() error {
	if r.failures > 0 {
		return fmt.Errorf("%d runs of benchmarks failed: see above", r.failures)
	}
	return nil
}

// output runs a program and returns its standard output, also if it fails; the error then has all
// that it said.
func output(ctx context.Context, dir, program string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s in %s: %w\n%s%s", program, strings.Join(args, " "), dir, err, &stdout, &stderr)
	}
	return stdout.String(), nil
}

// processors is the suffix that go test gives to the names of benchmarks.
var processors = fmt.Sprintf("-%d", runtime.GOMAXPROCS(0))
