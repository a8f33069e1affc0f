// Package exit says how a command ends: with which code, and at which signal.
//
// The code is 0 when all is done, 1 when something failed, and 2 when the command was used wrongly.
// It imports nothing of the project.
package exit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// MisuseError is a mistake on the command line or in its variables.
type MisuseError struct{ error }

// Unwrap returns the cause.
func (e MisuseError) Unwrap() error { return e.error }

// Misuse is an error that says what is wrong with the command line and what to type instead. It
// formats as fmt.Errorf does.
func Misuse(format string, args ...any) error { return MisuseError{fmt.Errorf(format, args...)} }

// AsMisuse makes an error a misuse. nil stays nil.
func AsMisuse(err error) error {
	if err == nil {
		return nil
	}
	return MisuseError{err}
}

// IsMisuse reports whether an error, or one that it wraps, is a misuse.
func IsMisuse(err error) bool {
	_, ok := errors.AsType[MisuseError](err)
	return ok
}

// Code returns the exit code for the error of a command.
func Code(err error) int {
	switch {
	case err == nil:
		return 0
	case IsMisuse(err):
		return 2
	}
	return 1
}

// UntilInterrupted returns a context that ends with the first Ctrl-C or SIGTERM. A second one ends
// the process.
//
// It does not give the second signal back to the system, as signal.Stop does: while another
// goroutine starts a process, that crashed both processes ("morestack on gsignal"), 1 time in 20.
func UntilInterrupted() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		fmt.Fprintln(os.Stderr, "\nstopped at once")
		os.Exit(interrupted)
	}()
	return ctx
}

const interrupted = 128 + int(syscall.SIGINT) // as shells have it
