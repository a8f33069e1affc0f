package terminal_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

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
	if !live.Repaints() {
		t.Fatal("does not repaint on a terminal")
	}
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
	live.Show(func(width int) []string { return []string{fmt.Sprint("width ", width), "second line"} })
	<-painted
	fmt.Fprintln(live, "a warning")
	live.Stop(func(int) []string { return []string{"the end"} })
	<-done
	const erase = "\x1b[2A\x1b[J"
	for _, want := range []string{"width 60\nsecond line\n", erase + "a warning\nwidth 60\nsecond line\n", erase + "the end\n"} {
		if !strings.Contains(seen.String(), want) {
			t.Errorf("the terminal got %q, which lacks %q", seen.String(), want)
		}
	}
}

func TestLiveHasNoBlockInAPipe(t *testing.T) {
	t.Parallel()
	var pipe strings.Builder
	live := terminal.NewLive(&pipe)
	live.Show(func(int) []string { return []string{"a block"} })
	live.Every(time.Millisecond, func() { t.Error("asks for what is not shown") })
	fmt.Fprintln(live, "a warning")
	live.Stop(func(int) []string { return []string{"the end"} })
	if pipe.String() != "a warning\n" {
		t.Errorf("the pipe got %q", pipe.String())
	}
}
