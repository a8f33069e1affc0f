// Package terminal prints for people: tables that fit the screen, and a block of lines that is
// painted over and over while work goes on.
//
// It knows screens and nothing of queues or databases, so every program can print the same way. In
// a pipe or a file it writes plain lines. It imports nothing of the project.
package terminal

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// defaultWidth is the width in columns of what is not a terminal, or does not tell.
const defaultWidth = 80

// narrowest is the width in columns below which a terminal is taken to be wrong about its width.
const narrowest = 20

// Width returns how many columns a line written to w may have: those of the terminal, or 80 where w
// is not a terminal.
func Width(w io.Writer) int {
	f, ok := file(w)
	if !ok {
		return defaultWidth
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < narrowest {
		return defaultWidth
	}
	return width
}

// IsTerminal reports whether a reader or writer is a terminal.
func IsTerminal(stream any) bool {
	f, ok := file(stream)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Unread reports whether something waits on a pipe or in a file. Somebody meant it to be read.
func Unread(in io.Reader) bool {
	f, ok := file(in)
	if !ok {
		return false
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return false
	case info.Mode().IsRegular():
		return info.Size() > 0
	case info.Mode()&os.ModeNamedPipe == 0:
		return false
	}
	waiting := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
	_, err = unix.Poll(waiting, 0)
	return err == nil && waiting[0].Revents&unix.POLLIN != 0
}
