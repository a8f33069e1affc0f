package sending

import (
	"fmt"
	"io"
	"sync"
	"time"

	"sqs2pg/pkg/terminal"
)

const (
	barWidth    = 30 // columns
	outageLines = 3
)

// progress shows how many messages are sent, and an outage.
type progress struct {
	live  *terminal.Live
	style terminal.Style
	queue string // its name
	total int
	began time.Time

	mu   sync.Mutex
	n    int // messages that are sent
	down terminal.Outage
	over bool // the command says how it ended
}

func newProgress(w io.Writer, queue string, total int) *progress {
	return &progress{live: terminal.NewLive(w), style: terminal.StyleOf(w), queue: queue, total: total, began: time.Now()}
}

func (p *progress) show() { p.live.Show(terminal.View{Block: p.block, Line: p.line}) }

func (p *progress) stop() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.live.Stop()
}

func (p *progress) sent(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n = n
}

// outage notes why SQS does not answer, or with nil that it does again.
func (p *progress) outage(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.down.Begin(err.Error())
		return
	}
	p.down = terminal.Outage{}
}

func (p *progress) block(width int) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return nil
	}
	now := time.Now()
	lines := []string{
		fmt.Sprintf("%s  %s  %d of %d sent, %.0f/s", p.queue, p.style.Bar(p.n, p.total, barWidth), p.n, p.total, p.rate(now)),
	}
	if down := p.down.Lasting(now); down != "" {
		for _, line := range terminal.Wrap(down, width-1, outageLines) {
			lines = append(lines, p.style.Bad(line))
		}
	}
	for i := range lines {
		lines[i] = p.style.Cut(lines[i], width-1)
	}
	return lines
}

func (p *progress) line() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return ""
	}
	line := fmt.Sprintf("%d of %d messages sent", p.n, p.total)
	if down := p.down.String(); down != "" {
		line += "; " + down
	}
	return line
}

func (p *progress) rate(now time.Time) float64 {
	return float64(p.n) / max(now.Sub(p.began).Seconds(), 0.001)
}
