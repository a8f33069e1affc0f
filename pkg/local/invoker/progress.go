package invoker

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/terminal"
)

// progress shows a drain as it goes: a live view on a terminal, a line per second in a pipe.
type progress struct {
	live    *terminal.Live
	started time.Time

	mu   sync.Mutex
	last eventsource.Progress
	took time.Duration // until the last change
	next time.Time     // of the next line in a pipe
	view view
}

// newProgress expects total messages on the queue at the start; more may come.
func newProgress(w io.Writer, queue string, total int) *progress {
	now := time.Now()
	return &progress{
		live: terminal.NewLive(w), started: now, next: now.Add(time.Second), view: view{queue: queue, total: total},
	}
}

// show begins the live view, if there is a terminal.
func (p *progress) show(ctx context.Context, log *Log, waiting func(context.Context) int) {
	p.view.log = log
	p.live.Show(p.render)
	p.live.Every(time.Second, func() {
		n := waiting(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.view.waiting = n
	})
}

// observe is called at every change, one call at a time.
func (p *progress) observe(now eventsource.Progress) {
	p.mu.Lock()
	p.last, p.took = now, time.Since(p.started)
	due := !p.live.Repaints() && time.Now().After(p.next)
	if due {
		p.next = time.Now().Add(time.Second)
	}
	p.mu.Unlock()
	if due {
		p.line()
	}
}

// stop shows the final state.
func (p *progress) stop() {
	p.mu.Lock()
	p.view.ended = true
	p.mu.Unlock()
	p.live.Stop(p.render)
	if !p.live.Repaints() {
		p.line()
	}
}

func (p *progress) line() {
	n := settled(p.last)
	fmt.Fprintf(p.live, "%d of %d messages, %.0f/s, %d in flight, %d dead-lettered\n",
		n, max(p.view.total, n), perSecond(n, p.took), p.last.InFlight, p.last.DeadLettered)
}

func (p *progress) render(width int) []string {
	reasons, database := p.view.log.Failures(), p.view.log.DatabaseTime()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.view.reasons, p.view.databaseTime = reasons, database
	p.view.update(p.last, p.took, time.Now())
	return p.view.render(width)
}

// settled counts the messages that will not come again.
func settled(m eventsource.Progress) int { return m.Succeeded + m.DeadLettered + m.Filtered }

func perSecond(n int, d time.Duration) float64 { return float64(n) / max(d.Seconds(), 0.001) }
