package invoker

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/eventsource"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestViewShowsADrain(t *testing.T) {
	t.Parallel()
	log := NewLog(io.Discard)
	for i := range 40 {
		fmt.Fprintf(log, `{"level":"WARN","message":"message failed","messageId":"m%d","outcome":"invalid","field":"user_id","rule":"required"}`+"\n", i)
	}
	for _, rule := range []string{"json", "utf-8", "trailing bytes", "nesting"} {
		fmt.Fprintf(log, `{"level":"WARN","messageId":"x","outcome":"malformed","rule":%q}`+"\n", rule)
	}
	fmt.Fprintln(log, `{"_aws":{},"Written":60,"DatabaseTime":4.25}`)
	v := view{queue: "login-queue", total: 1000, waiting: 700}
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := eventsource.Progress{Summary: eventsource.Summary{Succeeded: 200, Invocations: 3}, InFlight: 100}
	v.update(now, time.Second, start)
	now.Succeeded, now.Failed, now.DeadLettered, now.Invocations = 560, 44, 40, 7
	now.LastError = "Sandbox.Timedout:\nTask timed out " + strings.Repeat("x", 200)
	v.reasons, v.databaseTime = log.Failures(), log.DatabaseTime()
	v.update(now, 3*time.Second, start.Add(2*time.Second))
	golden(t, "view.txt", v.render(80))

	v.ended = true
	narrow := v.render(40)
	golden(t, "view-narrow-and-ended.txt", narrow)
	for _, line := range narrow {
		if n := utf8.RuneCountInString(line); n >= 40 {
			t.Errorf("a line of %d characters wraps in a terminal of 40: %s", n, line)
		}
	}
}

// golden compares with a file that go test -update writes.
func golden(t *testing.T, file string, lines []string) {
	t.Helper()
	path, got := filepath.Join("testdata", file), strings.Join(lines, "\n")+"\n"
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
