package main

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"sqs2pg/pkg/local/eventsource"
)

const (
	rateWindow  = 3 * time.Second
	shownReason = 4 // the most frequent
	barWidth    = 30
)

// view is what the terminal shows of a drain.
type view struct {
	queue   string // its URL
	log     *functionLog
	waiting int // on the queue
	ended   bool

	now     eventsource.Progress
	reasons map[string]int
	latency float64 // of the database, in milliseconds
	total   int
	took    time.Duration
	samples []sample
	lines   []string // as last rendered
}

// sample is how many messages were settled at a time.
type sample struct {
	at time.Time
	n  int
}

func (v *view) take(now eventsource.Progress, total int, took time.Duration, at time.Time) {
	v.now, v.total, v.took = now, max(total, settled(now)), took
	v.samples = append(v.samples, sample{at, settled(now)})
	for len(v.samples) > 2 && at.Sub(v.samples[0].at) > rateWindow {
		v.samples = v.samples[1:]
	}
}

// rate is that of the last seconds; at the end, of the whole.
func (v *view) rate() float64 {
	first, last := v.samples[0], v.samples[len(v.samples)-1]
	if v.ended || first == last {
		return perSecond(settled(v.now), v.took)
	}
	return perSecond(last.n-first.n, last.at.Sub(first.at))
}

// render returns lines that are no wider than the terminal, since one that wraps could not be taken off again.
func (v *view) render(width int) []string {
	v.lines = []string{
		fmt.Sprintf("%s  %s  %d of %d", path.Base(v.queue), bar(settled(v.now), v.total), settled(v.now), v.total),
		row("rate", fmt.Sprintf("%.0f/s", v.rate()), "in flight", fmt.Sprint(v.now.InFlight), "waiting", fmt.Sprint(v.waiting)),
		row("succeeded", fmt.Sprint(v.now.Succeeded), "failed", fmt.Sprint(v.now.Failed), "dead-lettered", fmt.Sprint(v.now.DeadLettered)),
		row("invocations", fmt.Sprint(v.now.Invocations), "database", latencyText(v.latency), "seconds", fmt.Sprintf("%.0f", v.took.Seconds())),
	}
	frequent := slices.SortedFunc(maps.Keys(v.reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(v.reasons[b], v.reasons[a]), cmp.Compare(a, b))
	})
	for _, reason := range frequent[:min(shownReason, len(frequent))] {
		v.lines = append(v.lines, fmt.Sprintf("  %-12d %s", v.reasons[reason], reason))
	}
	if v.now.LastError != "" {
		v.lines = append(v.lines, "last error     "+strings.Join(strings.Fields(v.now.LastError), " "))
	}
	for i, line := range v.lines {
		v.lines[i] = cut(line, width-1)
	}
	return v.lines
}

// row makes columns of names and values.
func row(cells ...string) string {
	var b strings.Builder
	for i := 0; i < len(cells); i += 2 {
		fmt.Fprintf(&b, "%-15s%-11s", cells[i], cells[i+1])
	}
	return strings.TrimRight(b.String(), " ")
}

func latencyText(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", ms)
}

func bar(n, of int) string {
	full := 0
	if of > 0 {
		full = barWidth * n / of
	}
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
}

func cut(line string, width int) string {
	if runes := []rune(line); len(runes) > width {
		return string(runes[:max(width-1, 0)]) + "…"
	}
	return line
}

func joinLines(lines []string) string { return strings.Join(lines, "\n") + "\n" }
