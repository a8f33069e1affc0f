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

const defaultTimeout = 3 * time.Second // Lambda's default

// Config says which program is the function and how to run it.
type Config struct {
	// Bootstrap is the path of the program. Required.
	Bootstrap string

	// Environments is the number of processes and the highest number of concurrent invocations.
	// Default 1.
	Environments int

	// Timeout is the time limit of one invocation, from its start in the process to the response.
	// Default 3 s, as in Lambda.
	Timeout time.Duration

	// FunctionName is the name that the function sees, also in its ARN. Default "function".
	FunctionName string

	// Env holds "NAME=value" settings, like Environment in the template. They override all other
	// variables except AWS_LAMBDA_RUNTIME_API. Environ describes the other variables.
	Env []string

	// Output receives the lines that the function writes to its standard output and standard error.
	// Each Write is one whole line, and Writes are never concurrent. Default: discarded.
	Output io.Writer

	// Report, if set, is called after every invocation with the values of Lambda's REPORT log line.
	// Calls may be concurrent.
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
		return errors.New("no function named: give the path of its bootstrap program")
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no function at %s: correct the path", given)
	case err != nil:
		return fmt.Errorf("function: %w", err)
	case info.IsDir():
		return fmt.Errorf("%s is a folder: give the path of the bootstrap program in it", given)
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not executable: chmod +x the file", given)
	}
	return nil
}

func explainStart(path string, err error) error {
	if errors.Is(err, syscall.ENOEXEC) {
		return fmt.Errorf("%s is not a program for %s/%s: build it for this machine", path, runtime.GOOS, runtime.GOARCH)
	}
	return fmt.Errorf("start function: %w", err)
}
