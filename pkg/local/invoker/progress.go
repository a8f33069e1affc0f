package invoker

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/terminal"
)

const (
	askEvery = time.Second     // SQS is asked how many messages are left
	askTime  = 2 * time.Second // and has so long to answer
)

// progress shows a drain as it goes: a live view on a terminal, a line per second in a pipe.
type progress struct {
	live    *terminal.Live
	log     *Log
	queue   *queue.Queue
	started time.Time

	mu   sync.Mutex
	last eventsource.Progress
	took time.Duration // until messages came or went last
	view view
}

func newProgress(w io.Writer, q *queue.Queue) *progress {
	p := &progress{live: terminal.NewLive(w), queue: q, started: time.Now(), view: view{queue: q.Name(), style: terminal.StyleOf(w)}}
	p.log = NewLog(p.live)
	return p
}

// show begins to show the drain.
func (p *progress) show(ctx context.Context) {
	p.ask(ctx)
	p.live.Show(terminal.View{Block: p.block, Line: p.line})
	p.live.Every(askEvery, func() { p.ask(ctx) })
}

// ask counts the messages on the queue. If SQS does not answer, the last number stays: the mapping
// reports what is wrong.
func (p *progress) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	a, err := p.queue.Attributes(ctx)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
	p.view.left(a.Visible+a.InFlight+a.Delayed, time.Now())
}

// observe is called at every change, one call at a time.
func (p *progress) observe(now eventsource.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Received+now.Succeeded+now.Failed != p.last.Received+p.last.Succeeded+p.last.Failed {
		p.took = time.Since(p.started)
	}
	p.last = now
}

// finished is called with each batch, before observe.
func (p *progress) finished(f eventsource.Finished) {
	p.log.finished(f)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.view.died(len(f.Dead), time.Now().Add(f.Back))
}

// stopping says that the drain was told to stop, and what it waits for.
func (p *progress) stopping() {
	p.mu.Lock()
	n := p.last.InFlight
	p.mu.Unlock()
	if n > 0 {
		fmt.Fprintf(p.live, "stopping: %s in flight %s finished first; Ctrl-C again ends at once\n", terminal.Plural(n, "message", "messages"), map[bool]string{true: "is", false: "are"}[n == 1])
	}
}

// stop shows the final state.
func (p *progress) stop() {
	p.mu.Lock()
	p.view.ended = true
	p.mu.Unlock()
	p.live.Stop()
}

func (p *progress) block(width int) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
	return p.view.block(width, time.Now())
}

func (p *progress) line() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
	return p.view.line()
}

// refresh gives the view the present numbers. p.mu is held.
func (p *progress) refresh() {
	p.view.failures = p.log.failures(wholeBatch)
	p.view.databaseTime = p.log.DatabaseTime()
	p.view.update(p.last, p.took, time.Now())
}

// settled counts the messages that will not come again.
func settled(m eventsource.Progress) int {
	return m.Succeeded + m.DeadLettered + m.Filtered - m.Undeleted
}

func perSecond(n int, d time.Duration) float64 { return float64(n) / max(d.Seconds(), 0.001) }
