package runtimeapi

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

const defaultTimeout = 3 * time.Second // Lambda's own

// Config says which program is the function and how it is run.
type Config struct {
	// Bootstrap is the path of the program, for example build/ingest/bootstrap. Required.
	Bootstrap string

	// Environments is the number of processes, and so of concurrent invocations. Default 1.
	Environments int

	// Timeout of one invocation, measured from its hand-over to its answer. Default 3 s, as in Lambda.
	Timeout time.Duration

	// FunctionName is what the function sees as its name and in its ARN. Default "function".
	FunctionName string

	// Env holds "NAME=value" settings, as the template's Environment does. They win over everything but
	// AWS_LAMBDA_RUNTIME_API. What else the function sees is described at Environ.
	Env []string

	// Output receives what the function writes to its standard output and error, whole lines at a time, one Write per
	// line, never two at once. Default: discarded.
	Output io.Writer

	// Report, if set, is called after every invocation with the values of Lambda's REPORT log line. Calls may be concurrent.
	Report func(Report)
}

func (c *Config) complete() error {
	path, err := filepath.Abs(c.Bootstrap)
	if err != nil {
		return fmt.Errorf("bootstrap path: %w", err)
	}
	if err := checkProgram(c.Bootstrap, path); err != nil {
		return err
	}
	c.Bootstrap = path
	c.Environments = max(c.Environments, 1)
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.FunctionName == "" {
		c.FunctionName = "function"
	}
	if c.Output == nil {
		c.Output = io.Discard
	}
	return nil
}

func checkProgram(given, path string) error {
	info, err := os.Stat(path)
	switch {
	case given == "":
		return errors.New("no function named: give the path of its bootstrap, such as build/ingest/bootstrap")
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no function at %s: build it with make build", given)
	case err != nil:
		return fmt.Errorf("function: %w", err)
	case info.IsDir():
		return fmt.Errorf("%s is a folder: name the bootstrap in it", given)
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not executable: chmod +x it, or build it again with make build", given)
	}
	return nil
}

func explainStart(path string, err error) error {
	if errors.Is(err, syscall.ENOEXEC) {
		return fmt.Errorf("%s is not a program for %s/%s: build it for this machine with make build", path, runtime.GOOS, runtime.GOARCH)
	}
	return fmt.Errorf("start function: %w", err)
}
