package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// How often a live block is painted, and how often there may be a line in a pipe.
const (
	paintEvery = 200 * time.Millisecond
	lineEvery  = time.Second
)

// View is what Live shows.
type View struct {
	// Block returns lines for a terminal of that width in columns. They must be narrower than that,
	// since a line that wraps cannot be painted over; Style.Cut makes them so.
	Block func(width int) []string
	// Line returns the same as one line, for a pipe. "" prints nothing.
	Line func() string
}

// Live is a block of lines at the end of a terminal that is painted over and over. What is written
// to Live comes out above the block, whole. In a pipe there is no block: what is written goes
// straight through, and a line comes every second in which something has changed. Its methods are
// safe for concurrent use.
type Live struct {
	w       io.Writer
	repaint bool // w is a terminal
	view    View
	stop    chan struct{}
	running sync.WaitGroup

	mu    sync.Mutex
	lines []string // of the block, as last painted
	line  string   // the last in a pipe
}

// NewLive returns a Live on w that shows nothing yet.
func NewLive(w io.Writer) *Live {
	return &Live{w: w, repaint: canRepaint(w), stop: make(chan struct{})}
}

// Show shows the view until Stop: five times a second on a terminal, once a second in a pipe. Call
// it once.
func (l *Live) Show(v View) {
	l.view = v
	if l.repaint {
		l.every(0, paintEvery, l.paint)
	} else {
		l.every(lineEvery, lineEvery, l.printLine)
	}
}

// Every calls f now and then at that interval until Stop, to fetch what the view shows.
func (l *Live) Every(interval time.Duration, f func()) { l.every(0, interval, f) }

func (l *Live) every(first, interval time.Duration, f func()) {
	l.running.Go(func() {
		timer := time.NewTimer(first)
		defer timer.Stop()
		for {
			select {
			case <-l.stop:
				return
			case <-timer.C:
				f()
				timer.Reset(interval)
			}
		}
	})
}

// Stop ends the painting and leaves the last state. Call it once, after Show.
func (l *Live) Stop() {
	close(l.stop)
	l.running.Wait()
	if l.repaint {
		l.paint()
	} else {
		l.printLine()
	}
}

// printLine prints a line in a pipe if it is not the last one again.
func (l *Live) printLine() {
	line := l.view.Line()
	l.mu.Lock()
	defer l.mu.Unlock()
	if line != "" && line != l.line {
		l.line = line
		fmt.Fprintln(l.w, line)
	}
}

// paint puts the block where it was before, in one write so that nothing flickers. It ignores a
// failed write: work goes on when the screen is gone.
func (l *Live) paint() {
	lines := l.view.Block(Width(l.w))
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

func join(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
