package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/term"

	"sqs2pg/pkg/local/eventsource"
)

// progress shows a drain as it goes: a live view on a terminal, a line a second in a pipe. What is written to it comes out whole,
// above the view.
type progress struct {
	w        io.Writer
	terminal *os.File // nil in a pipe
	started  time.Time
	stop     chan struct{} // ends the view
	painting sync.WaitGroup

	mu      sync.Mutex
	total   int // messages on the queue at the start; others may come
	last    eventsource.Progress
	took    time.Duration // until the last change, so without the silence that ends a drain
	next    time.Time     // of the next line in a pipe
	view    view
	painted int // lines of the view that are on the screen
}

func newProgress(w io.Writer, total int) *progress {
	p := &progress{w: w, started: time.Now(), total: total, next: time.Now().Add(time.Second), stop: make(chan struct{})}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		p.terminal = f
	}
	return p
}

// show begins the view, if there is a terminal: of the queue, and of what the function says in its log.
func (p *progress) show(ctx context.Context, client *sqs.Client, queueURL string, log *functionLog) {
	if p.terminal == nil {
		return
	}
	p.view = view{queue: queueURL, log: log}
	p.painting.Go(func() { p.repaint(paintEvery, p.paint) })
	p.painting.Go(func() {
		p.repaint(time.Second, func() {
			waiting := depth(ctx, client, queueURL)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.view.waiting = waiting
		})
	})
}

const paintEvery = 200 * time.Millisecond

func (p *progress) repaint(every time.Duration, f func()) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for f(); ; f() {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
	}
}

// observe is called at every change, one call at a time.
func (p *progress) observe(now eventsource.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.took = now, time.Since(p.started)
	if p.terminal == nil && time.Now().After(p.next) {
		p.next = time.Now().Add(time.Second)
		p.line()
	}
}

// done shows the end state.
func (p *progress) done() {
	close(p.stop)
	p.painting.Wait()
	if p.view.log != nil {
		p.view.ended = true
		p.paint()
		return
	}
	p.line()
}

func (p *progress) line() {
	n := settled(p.last)
	fmt.Fprintf(p.w, "%d of %d messages, %.0f/s, %d in flight, %d dead-lettered\n",
		n, max(p.total, n), perSecond(n, p.took), p.last.InFlight, p.last.DeadLettered)
}

// settled messages do not come again.
func settled(m eventsource.Progress) int { return m.Succeeded + m.DeadLettered + m.Filtered }

func perSecond(n int, d time.Duration) float64 { return float64(n) / max(d.Seconds(), 0.001) }

// paint puts the view where it was before, in one write so that nothing flickers.
func (p *progress) paint() {
	reasons, latency := p.view.log.snapshot() // before the lock: the log has its own, and writes to this
	p.mu.Lock()
	defer p.mu.Unlock()
	width, _, err := term.GetSize(int(p.terminal.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	p.view.reasons, p.view.latency = reasons, latency
	p.view.take(p.last, p.total, p.took, time.Now())
	lines := p.view.render(width)
	p.w.Write(append(p.erase(), joinLines(lines)...)) // a screen that is gone is no reason to stop
	p.painted = len(lines)
}

// erase returns what takes the view off the screen.
func (p *progress) erase() []byte {
	if p.painted == 0 {
		return nil
	}
	return fmt.Appendf(nil, "\x1b[%dA\x1b[J", p.painted)
}

// Write prints lines above the view.
func (p *progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal == nil || p.painted == 0 {
		return p.w.Write(text)
	}
	below := append(p.erase(), text...)
	_, err := p.w.Write(append(below, joinLines(p.view.lines)...))
	return len(text), err
}

// depth is the number of messages on a queue, 0 where SQS does not say.
func depth(ctx context.Context, client *sqs.Client, queueURL string) int {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		return 0 // for the display only: the mapping reports what is wrong
	}
	n, _ := strconv.Atoi(out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)])
	return n
}
