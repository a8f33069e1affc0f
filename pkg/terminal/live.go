package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// paintEvery is how often a live block is painted.
const paintEvery = 200 * time.Millisecond

// Live is a block of lines at the end of a terminal that is painted over and over. What is written
// to Live comes out above the block, whole. In a pipe there is no block, and what is written goes
// straight through. Its methods are safe for concurrent use.
type Live struct {
	w       io.Writer
	repaint bool // w is a terminal
	stop    chan struct{}
	running sync.WaitGroup

	mu    sync.Mutex
	lines []string // of the block, as last painted
}

// NewLive returns a Live on w that shows no block yet.
func NewLive(w io.Writer) *Live {
	return &Live{w: w, repaint: canRepaint(w), stop: make(chan struct{})}
}

// Repaints reports whether there is a terminal to paint a block on.
func (l *Live) Repaints() bool { return l.repaint }

// Show paints the lines that render returns, five times a second until Stop. render is given the
// width of the terminal in columns. Its lines must be narrower than that, since a line that wraps
// cannot be painted over; Cut makes them so. In a pipe Show does nothing.
func (l *Live) Show(render func(width int) []string) {
	l.Every(paintEvery, func() { l.paint(render) })
}

// Every calls f now and then at that interval until Stop, to fetch what the block shows. In a pipe
// it does nothing.
func (l *Live) Every(interval time.Duration, f func()) {
	if !l.repaint {
		return
	}
	l.running.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for f(); ; f() {
			select {
			case <-l.stop:
				return
			case <-ticker.C:
			}
		}
	})
}

// Stop ends the painting and leaves the lines that render returns as the last. Call it once.
func (l *Live) Stop(render func(width int) []string) {
	close(l.stop)
	l.running.Wait()
	if l.repaint {
		l.paint(render)
	}
}

// paint puts the block where it was before, in one write so that nothing flickers. It ignores a
// failed write: work goes on when the screen is gone.
func (l *Live) paint(render func(width int) []string) {
	lines := render(Width(l.w))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w.Write(append(l.erase(), join(lines)...))
	l.lines = lines
}

// erase returns what takes the block off the screen.
func (l *Live) erase() []byte {
	if len(l.lines) == 0 {
		return nil
	}
	return fmt.Appendf(nil, "\x1b[%dA\x1b[J", len(l.lines))
}

// Write prints whole lines above the block.
func (l *Live) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 0 {
		return l.w.Write(text)
	}
	below := append(l.erase(), text...)
	_, err := l.w.Write(append(below, join(l.lines)...))
	return len(text), err
}

func join(lines []string) string { return strings.Join(lines, "\n") + "\n" }

// Bar is a bar of that many columns, full as far as n is of total.
func Bar(n, total, columns int) string {
	full := 0
	if total > 0 {
		full = columns * n / total
	}
	return strings.Repeat("█", full) + strings.Repeat("░", columns-full)
}

// Cut returns line with at most width characters; where it cuts, the last is an ellipsis.
func Cut(line string, width int) string {
	if runes := []rune(line); len(runes) > width {
		return string(runes[:max(width-1, 0)]) + "…"
	}
	return line
}
