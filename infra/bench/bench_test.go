package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The benchmarks of the test report values of their own, so the ratios are known. The package moves
// between the two.
const source = `package x

import "testing"

func BenchmarkAll(b *testing.B) {
	b.Run("kept", func(b *testing.B) { report(b, 10, "ms/start") })
	b.Run("slow", func(b *testing.B) { report(b, SLOW, "ms/start") })
	b.Run("rate", func(b *testing.B) { report(b, RATE, "rows/s") })
}

func report(b *testing.B, value float64, unit string) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(value, unit)
}

func BenchmarkAllTogether(b *testing.B) { report(b, RATE, "times-the-script") }

func BenchmarkOther(b *testing.B) {}
`

func TestComparesBenchmarksOfAMovedPackage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "go.mod", "module example.com/m\n\ngo 1.26\n")
	put(t, dir, "pkg/x/x_test.go", strings.NewReplacer("SLOW", "10", "RATE", "1000").Replace(source))
	git(t, dir, "init", "--quiet")
	git(t, dir, "add", ".")
	git(t, dir, "-c", "user.name=t", "-c", "user.email=t", "commit", "--quiet", "--message", "old")
	git(t, dir, "mv", "pkg/x", "y")
	put(t, dir, "y/x_test.go", strings.NewReplacer("SLOW", "12", "RATE", "1500").Replace(source))

	var out, talk bytes.Buffer
	if err := compare(t.Context(), dir, "HEAD", "All", []string{"./..."}, &out, &talk); err != nil {
		t.Fatalf("%v\n%s", err, &talk)
	}
	want := `BENCHMARK      UNIT              OLD   NEW   NEW/OLD  SPREAD       
y All/kept     ms/start          10    10    1.000    1.000-1.000  
y All/slow     ms/start          10    12    1.200    1.200-1.200  slower
y All/rate     rows/s            1000  1500  1.500    1.500-1.500  faster
y AllTogether  times-the-script  1000  1500  1.500    1.500-1.500  faster
1 of 4 measurements are worse beyond their spread
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s\n%s", diff, &talk)
	}
	if left := git(t, dir, "worktree", "list"); strings.Count(left, "\n") != 1 {
		t.Errorf("the checkout is left: %s", left)
	}
}

func TestCallsAMeasurementSlowerOnlyIfItWasWorseInEveryRound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		unit            string
		lowest, highest float64
		want            string
		loss            bool
	}{
		{"ns/op", 1.01, 1.3, "slower", true},
		{"ns/op", 0.99, 1.3, "", false},
		{"ns/op", 1, 1.3, "", false},
		{"ns/op", 0.7, 0.99, "faster", false},
		{"rows/s", 0.7, 0.99, "slower", true},
		{"ratio-of-COPY", 1.01, 1.3, "faster", false},
		{"times-the-script", 0.7, 0.99, "slower", true},
		{"allocs/op", 1.01, 1.3, "larger", true},
		{"peak-MB", 0.7, 0.99, "smaller", false},
	} {
		if got, loss := (measurement{"x", test.unit}).verdict(test.lowest, test.highest); got != test.want || loss != test.loss {
			t.Errorf("%s, %v to %v: got %q, %v, want %q, %v", test.unit, test.lowest, test.highest, got, loss, test.want, test.loss)
		}
	}
}

func TestComparesWithinEachRound(t *testing.T) {
	t.Parallel()
	var r results
	for round, value := range []string{"100", "400", "200"} { // the machine is busy in the second round
		r.add(0, round, "p A", "BenchmarkA \t 5 \t "+value+" ns/op \t "+value+" COPY-rows/s\nok\n")
		r.add(1, round, "p A", "BenchmarkA \t 5 \t "+value+" ns/op")
	}
	r.add(1, 0, "p New", "BenchmarkNew \t 5 \t 3 ns/op")
	var out bytes.Buffer
	r.print(&out)
	want := `BENCHMARK  UNIT   OLD  NEW  NEW/OLD  SPREAD       
p A        ns/op  200  200  1.000    1.000-1.000  
p New      ns/op                                  only new
0 of 1 measurements are worse beyond their spread
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWritesATableOfRatios(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "go.mod", "module example.com/m\n\ngo 1.26\n")
	put(t, dir, "x/x_test.go", strings.NewReplacer("SLOW", "12", "RATE", "30").Replace(source))
	put(t, dir, "page.md", "# Page\n\n<!-- ratios -->\nold\n<!-- end -->\n\nAfter.\n")
	var talk bytes.Buffer
	if err := tabulate(t.Context(), dir, "page.md", "All", []string{"./..."}, &talk); err != nil {
		t.Fatalf("%v\n%s", err, &talk)
	}
	got, err := os.ReadFile(filepath.Join(dir, "page.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := `# Page

<!-- ratios -->
| benchmark | measured | median of 7 runs, or 3 | lowest to highest |
|---|---|---|---|
| x AllTogether | times the script | 30 | 30 to 30 |
| x All/kept | ms to start | 10 | 10 to 10 |
| x All/slow | ms to start | 12 | 12 to 12 |
<!-- end -->

After.
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_DIR="+filepath.Join(dir, ".git"), "GIT_WORK_TREE="+dir) // not those of a hook that runs the tests
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
