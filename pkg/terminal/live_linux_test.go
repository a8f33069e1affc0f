package terminal_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"sqs2pg/pkg/terminal"
)

// pseudoTerminal returns both ends of a terminal of 60 columns.
func pseudoTerminal(t *testing.T) (screen, program *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	fd := int(screen.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	if err := unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 60}); err != nil {
		t.Fatal(err)
	}
	return screen, program
}

// It is not parallel, because it changes the environment.
func TestLiveBlockStaysBelowWhatIsWritten(t *testing.T) {
	t.Setenv("TERM", "xterm")
	screen, program := pseudoTerminal(t)
	live := terminal.NewLive(program)
	var seen strings.Builder
	painted, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(screen)
		paint := sync.OnceFunc(func() { close(painted) })
		for lines.Scan() && !strings.Contains(lines.Text(), "the end") {
			fmt.Fprintln(&seen, strings.TrimSuffix(lines.Text(), "\r"))
			if strings.Contains(lines.Text(), "second line") {
				paint()
			}
		}
		fmt.Fprintln(&seen, strings.TrimSuffix(lines.Text(), "\r"))
	}()
	var ended atomic.Bool
	live.Show(terminal.View{Block: func(width int) []string {
		if ended.Load() {
			return []string{"the end"}
		}
		return []string{fmt.Sprint("width ", width), "second line"}
	}})
	<-painted
	fmt.Fprintln(live, "a warning")
	ended.Store(true)
	live.Stop()
	<-done
	const erase = "\x1b[2A\x1b[J"
	for _, want := range []string{"width 60\nsecond line\n", erase + "a warning\nwidth 60\nsecond line\n", erase + "the end\n"} {
		if !strings.Contains(seen.String(), want) {
			t.Errorf("the terminal got %q, which lacks %q", seen.String(), want)
		}
	}
}

// It is not parallel, because it changes the environment.
func TestColourIsForTerminals(t *testing.T) {
	_, program := pseudoTerminal(t)
	table := func(w io.Writer) { terminal.Table(w, []string{"a", "b"}, [][]string{{"1", "2"}}) }
	for name, tt := range map[string]struct {
		term, noColor string
		want          string
	}{
		"a terminal":       {"xterm", "", "\x1b[1mA  B\x1b[0m\n1  2\n"},
		"NO_COLOR":         {"xterm", "1", "A  B\n1  2\n"},
		"a dumb terminal":  {"dumb", "", "A  B\n1  2\n"},
		"no terminal type": {"", "", "\x1b[1mA  B\x1b[0m\n1  2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TERM", tt.term)
			t.Setenv("NO_COLOR", tt.noColor)
			screen, program := pseudoTerminal(t)
			table(program)
			var got strings.Builder
			for lines := bufio.NewReader(screen); strings.Count(got.String(), "\n") < 2; {
				line, err := lines.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString(strings.ReplaceAll(line, "\r", ""))
			}
			if got.String() != tt.want {
				t.Errorf("prints %q, want %q", got.String(), tt.want)
			}
			var pipe strings.Builder
			if table(&pipe); pipe.String() != "A  B\n1  2\n" {
				t.Errorf("a pipe gets %q", pipe.String())
			}
		})
	}
	if terminal.Width(program) != 60 {
		t.Errorf("the terminal has %d columns", terminal.Width(program))
	}
}
