// Behave is the function under test. The event tells it what to do.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string `json:"do"`
	Text string `json:"text"`
	Size int    `json:"size"`
}

type typedError struct{ text string }

func (e typedError) Error() string { return e.text }

func handle(ctx context.Context, e event) (any, error) {
	switch e.Do {
	case "":
		return nil, nil
	case "echo":
		return e.Text, nil
	case "error":
		return nil, typedError{e.Text}
	case "panic":
		panic(e.Text)
	case "exit":
		os.Exit(e.Size)
	case "hang":
		select {}
	case "child":
		return nil, exec.Command("sleep", "300").Run()
	case "large":
		return strings.Repeat("a", e.Size), nil
	case "pid":
		return os.Getpid(), nil
	case "environ":
		return os.Environ(), nil
	case "folder":
		return os.Getwd()
	case "context":
		deadline, _ := ctx.Deadline()
		lc, _ := lambdacontext.FromContext(ctx)
		return map[string]any{
			"left_ms": time.Until(deadline).Milliseconds(), "id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn,
			"trace": ctx.Value("x-amzn-trace-id"), "name": lambdacontext.FunctionName,
		}, nil
	case "say":
		for range e.Size {
			fmt.Println("out " + e.Text)
			fmt.Fprintln(os.Stderr, "err "+e.Text)
		}
		fmt.Print("left open")
		return nil, nil
	case "stream":
		return failingReader{strings.NewReader(`"half of the`)}, nil
	}
	return nil, errors.New("unknown event")
}

// failingReader fails after its text has been read, so the runtime sends the error in the trailers.
type failingReader struct{ *strings.Reader }

func (r failingReader) Read(p []byte) (int, error) {
	if r.Len() == 0 {
		return 0, typedError{"interrupted"}
	}
	return r.Reader.Read(p)
}

func note(path string) func() {
	return func() { os.WriteFile(path, []byte("told"), 0o600) }
}

func main() {
	switch mode := os.Getenv("BEHAVE_INIT"); mode {
	case "exit":
		fmt.Fprintln(os.Stderr, "starting")
		fmt.Fprintln(os.Stderr, "no setting DATABASE_URL")
		os.Exit(3)
	case "hang":
		select {}
	case "":
	default: // the name of a file: exit if it exists, so that a test can choose which start fails
		if _, err := os.Stat(mode); err == nil {
			fmt.Fprintln(os.Stderr, "told to fail")
			os.Exit(1)
		}
	}
	if path := os.Getenv("BEHAVE_SIGTERM"); path != "" {
		lambda.StartWithOptions(handle, lambda.WithEnableSIGTERM(note(path)))
	}
	lambda.Start(handle)
}
