package invoker

import (
	"flag"
	"math/rand/v2"
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
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	v := view{queue: "login-queue", databaseTime: 4.2, failures: failures{failing: 43, dead: 40, reasons: []failure{
		{reason: "malformed: json", messages: 1}, {reason: "invalid: user_id required", messages: 79}, {reason: "its batch failed", messages: 1},
		{reason: "malformed: nesting", messages: 1}, {reason: "malformed: utf-8", messages: 1},
	}}}
	now := eventsource.Progress{Summary: eventsource.Summary{Succeeded: 200, Invocations: 3}, InFlight: 100}
	v.update(now, time.Second, start)
	v.left(800, start)
	now.Succeeded, now.Failed, now.DeadLettered, now.Invocations = 560, 124, 40, 7
	now.Polling = eventsource.Fault{Since: start.Add(-time.Second), Reason: "SQS cannot be reached"}
	now.Invoking = eventsource.Fault{Since: start, Reason: "Sandbox.Timedout:\nTask timed out " + strings.Repeat("very ", 100) + "late"}
	v.update(now, 3*time.Second, start.Add(2*time.Second))
	golden(t, "view.txt", v.block(80, start.Add(7*time.Second)))
	if want := "600 of 1000 messages, 200/s, 100 in flight, 40 dead-lettered, 43 to be retried; outage since 11:59:59: SQS cannot be reached; outage since 12:00:00: Sandbox.Timedout: Task timed out very very "; !strings.HasPrefix(v.line(), want) {
		t.Errorf("in a pipe %q, want %q", v.line(), want)
	}

	v.ended = true
	narrow := v.block(40, start.Add(7*time.Second))
	golden(t, "view-narrow-and-ended.txt", narrow)
	for _, line := range narrow {
		if n := utf8.RuneCountInString(line); n >= 40 {
			t.Errorf("a line of %d characters wraps in a terminal of 40: %s", n, line)
		}
	}
}

// TestViewAddsUp makes a drain at random, in which SQS counts the dead letters until it moves them.
func TestViewAddsUp(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for range 100 {
		var v view
		var now eventsource.Progress
		onQueue, unmoved := 1000, 0 // as SQS counts
		for settled(now) < 1000 {
			at = at.Add(10 * time.Second)
			left := 1000 - settled(now)
			now.InFlight = 1 + r.IntN(left)
			v.failures.failing = r.IntN(left - now.InFlight + 1)
			v.update(now, time.Second, at)
			if onQueue -= unmoved; r.IntN(2) == 0 {
				v.left(onQueue, at)
			}
			unmoved = r.IntN(now.InFlight + 1)
			succeeded := now.InFlight - unmoved
			now.Succeeded, now.DeadLettered, now.InFlight = now.Succeeded+succeeded, now.DeadLettered+unmoved, 0
			onQueue -= succeeded
			v.failures.failing = min(v.failures.failing, 1000-settled(now))
			v.died(unmoved, at)
			v.update(now, time.Second, at)
			v.left(onQueue, at)
			if sum := settled(now) + now.InFlight + v.failures.failing + v.waiting(); v.total != 1000 || sum != 1000 {
				t.Fatalf("the total is %d, and the numbers add up to %d, want 1000", v.total, sum)
			}
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
