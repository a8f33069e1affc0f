package invoker

import (
	"fmt"
	"strings"
	"time"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/terminal"
)

const (
	rateWindow   = 3 * time.Second
	silentAfter  = 3 * time.Second // a function that has not answered for so long is mentioned
	moveTime     = 2 * time.Second // until a dead letter that is visible again has left the queue
	reasonsShown = 4               // the latest
	barWidth     = 30
	outageLines  = 3

	// wholeBatch is the reason of a message whose batch failed before it was looked at.
	wholeBatch = "its batch failed"
)

// view is what the terminal shows of a drain. Its numbers are messages, and add up: the settled ones,
// those in flight, those to be retried and those that wait are the total.
type view struct {
	queue string // its name
	style terminal.Style
	total int
	ended bool

	now          eventsource.Progress
	took         time.Duration
	failures     failures
	databaseTime float64 // milliseconds per batch
	samples      []sample
	answered     time.Time // when the function answered last, or got a batch after a pause
	deaths       []death
}

// sample is how many messages were settled at that time.
type sample struct {
	at time.Time
	n  int
}

// death is a number of dead letters that SQS moves when they are received again, after that time.
// Until then it counts them on the queue.
type death struct {
	after time.Time
	n     int
}

func (v *view) died(n int, after time.Time) {
	if n > 0 {
		v.deaths = append(v.deaths, death{after.Add(moveTime), n})
	}
}

// left takes in how many messages SQS counts on the queue, in flight included.
func (v *view) left(onQueue int, at time.Time) {
	for len(v.deaths) > 0 && v.deaths[0].after.Before(at) {
		v.deaths = v.deaths[1:]
	}
	for _, d := range v.deaths {
		onQueue -= d.n
	}
	v.total = settled(v.now) + max(onQueue, v.now.InFlight+v.failures.failing)
}

// waiting counts the messages that are on the queue, and neither in flight nor to be retried.
func (v *view) waiting() int {
	return max(0, v.total-settled(v.now)-v.now.InFlight-v.failures.failing)
}

func (v *view) update(now eventsource.Progress, took time.Duration, at time.Time) {
	if v.now.InFlight == 0 || now.Succeeded+now.Failed != v.now.Succeeded+v.now.Failed {
		v.answered = at
	}
	v.now, v.took = now, took
	v.total = max(v.total, settled(now)+now.InFlight+v.failures.failing)
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

// block returns lines that are narrower than the terminal.
func (v *view) block(width int, at time.Time) []string {
	done := settled(v.now)
	lines := []string{
		fmt.Sprintf("%s  %s  %d of %d", v.queue, v.style.Bar(done, v.total, barWidth), done, v.total),
		row("rate", fmt.Sprintf("%.0f/s", v.rate()), "database", milliseconds(v.databaseTime), "seconds", fmt.Sprintf("%.0f", v.took.Seconds())),
		row("succeeded", fmt.Sprint(v.now.Succeeded-v.now.Undeleted), "dead-lettered", fmt.Sprint(v.now.DeadLettered), "filtered out", fmt.Sprint(v.now.Filtered)),
		row("waiting", fmt.Sprint(v.waiting()), "in flight", fmt.Sprint(v.now.InFlight), "to be retried", fmt.Sprint(v.failures.failing)),
	}
	shown := v.failures.reasons[:min(reasonsShown, len(v.failures.reasons))]
	for _, f := range shown {
		lines = append(lines, "  "+v.style.Warn(fmt.Sprintf("%-12d", f.messages))+" "+f.reason)
	}
	if more := len(v.failures.reasons) - len(shown); more > 0 {
		lines = append(lines, "  "+terminal.AndMore(more))
	}
	for _, o := range v.outages() {
		for _, line := range terminal.Wrap(o.Lasting(at), width-1, outageLines) {
			lines = append(lines, v.style.Bad(line))
		}
	}
	if silent := at.Sub(v.answered); v.now.InFlight > 0 && silent > silentAfter {
		lines = append(lines, v.style.Warn(fmt.Sprintf("the function has not answered for %.0f s", silent.Seconds())))
	}
	for i, line := range lines {
		lines[i] = v.style.Cut(line, width-1)
	}
	return lines
}

// line is the block in short, for a pipe.
func (v *view) line() string {
	line := fmt.Sprintf("%d of %d messages, %.0f/s, %d in flight, %d dead-lettered",
		settled(v.now), v.total, perSecond(settled(v.now), v.took), v.now.InFlight, v.now.DeadLettered)
	if n := v.failures.failing; n > 0 {
		line += fmt.Sprintf(", %d to be retried", n)
	}
	for _, o := range v.outages() {
		line += "; " + o.String()
	}
	return line
}

// outages are of SQS and of the function.
func (v *view) outages() (found []terminal.Outage) {
	for _, f := range []eventsource.Fault{v.now.Polling, v.now.Invoking} {
		if !f.Since.IsZero() {
			found = append(found, terminal.Outage{Since: f.Since, Reason: strings.Join(strings.Fields(f.Reason), " ")})
		}
	}
	return found
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
