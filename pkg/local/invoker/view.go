package invoker

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/terminal"
)

const (
	rateWindow   = 3 * time.Second
	reasonsShown = 4 // the most frequent
	barWidth     = 30
)

// view is what the terminal shows of a drain.
type view struct {
	queue   string // its name
	log     *Log
	waiting int // messages visible on the queue
	total   int // messages at the start; more may come
	ended   bool

	now          eventsource.Progress
	took         time.Duration
	reasons      map[string]int
	databaseTime float64 // milliseconds per batch
	samples      []sample
}

// sample is how many messages were settled at that time.
type sample struct {
	at time.Time
	n  int
}

func (v *view) update(now eventsource.Progress, took time.Duration, at time.Time) {
	v.now, v.took, v.total = now, took, max(v.total, settled(now))
	v.samples = append(v.samples, sample{at, settled(now)})
	for len(v.samples) > 2 && at.Sub(v.samples[0].at) > rateWindow {
		v.samples = v.samples[1:]
	}
}

// rate returns messages per second over the last seconds, and at the end over the whole drain.
func (v *view) rate() float64 {
	first, last := v.samples[0], v.samples[len(v.samples)-1]
	if v.ended || first == last {
		return perSecond(settled(v.now), v.took)
	}
	return perSecond(last.n-first.n, last.at.Sub(first.at))
}

// render returns lines that are narrower than the terminal.
func (v *view) render(width int) []string {
	lines := []string{
		fmt.Sprintf("%s  %s  %d of %d", v.queue, terminal.Bar(settled(v.now), v.total, barWidth), settled(v.now), v.total),
		row("rate", fmt.Sprintf("%.0f/s", v.rate()), "in flight", fmt.Sprint(v.now.InFlight), "waiting", fmt.Sprint(v.waiting)),
		row("succeeded", fmt.Sprint(v.now.Succeeded), "failed", fmt.Sprint(v.now.Failed), "dead-lettered", fmt.Sprint(v.now.DeadLettered)),
		row("invocations", fmt.Sprint(v.now.Invocations), "database", milliseconds(v.databaseTime), "seconds", fmt.Sprintf("%.0f", v.took.Seconds())),
	}
	frequent := slices.SortedFunc(maps.Keys(v.reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(v.reasons[b], v.reasons[a]), cmp.Compare(a, b))
	})
	for _, reason := range frequent[:min(reasonsShown, len(frequent))] {
		lines = append(lines, fmt.Sprintf("  %-12d %s", v.reasons[reason], reason))
	}
	if more := len(frequent) - reasonsShown; more > 0 {
		lines = append(lines, fmt.Sprintf("  ... and %d more", more))
	}
	if v.now.LastError != "" {
		lines = append(lines, "last error     "+strings.Join(strings.Fields(v.now.LastError), " "))
	}
	for i, line := range lines {
		lines[i] = terminal.Cut(line, width-1)
	}
	return lines
}

// row makes columns of names and values.
func row(cells ...string) string {
	var b strings.Builder
	for i := 0; i < len(cells); i += 2 {
		fmt.Fprintf(&b, "%-15s%-11s", cells[i], cells[i+1])
	}
	return strings.TrimRight(b.String(), " ")
}

func milliseconds(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", ms)
}
