package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sqs2pg/pkg/local/eventsource"
)

func TestTheViewShowsADrain(t *testing.T) {
	t.Parallel()
	log := newFunctionLog(io.Discard)
	for i := range 40 {
		fmt.Fprintf(log, `{"level":"WARN","message":"message failed","messageId":"m%d","outcome":"invalid","field":"user_id","rule":"required"}`+"\n", i)
	}
	for _, rule := range []string{"json", "utf-8", "trailing bytes", "nesting"} {
		fmt.Fprintf(log, `{"level":"WARN","messageId":"x","outcome":"malformed","rule":%q}`+"\n", rule)
	}
	fmt.Fprintln(log, `{"_aws":{},"Written":60,"DatabaseTime":4.25}`)
	v := view{queue: "http://127.0.0.1:4566/000000000000/login-queue", log: log, waiting: 700}
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := eventsource.Progress{Summary: eventsource.Summary{Succeeded: 200, Invocations: 3}, InFlight: 100}
	v.take(now, 1000, time.Second, start)
	now.Succeeded, now.Failed, now.DeadLettered, now.Invocations = 560, 44, 40, 7
	now.LastError = "Sandbox.Timedout:\nTask timed out " + strings.Repeat("x", 200)
	v.reasons, v.latency = log.snapshot()
	v.take(now, 1000, 3*time.Second, start.Add(2*time.Second))
	golden(t, "view.txt", joinLines(v.render(80)))

	v.ended = true
	golden(t, "view-narrow-and-ended.txt", joinLines(v.render(40)))
	for _, line := range v.lines {
		if n := utf8.RuneCountInString(line); n >= 40 {
			t.Errorf("a line of %d characters wraps in a terminal of 40: %s", n, line)
		}
	}
}
