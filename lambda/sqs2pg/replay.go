package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/local/invoker"
)

// replayCommand invokes the function with events from files.
type replayCommand struct {
	functionFlags `embed:""`
	settingsFlags `embed:""`
	endpointFlags `embed:""`
	JSON          bool     `name:"json" help:"Print the function's response to each file, one per line."`
	Files         []string `arg:"" name:"file" help:"Events that invoke --record or event wrote; - is standard input."`
}

// Help is shown below the flags.
func (c *replayCommand) Help() string {
	return "Prints for each file the ids of the messages that failed, and exits with 1 if a message failed. A message that is in the table already adds no row."
}

func (c *replayCommand) Run(ctx context.Context, s *streams) error {
	environ, err := c.Environ(ctx, s, c.Remote())
	if err != nil {
		return err
	}
	function, err := c.FunctionAt(ctx, c.Place(), environ)
	if err != nil {
		return err
	}
	function.Log = invoker.NewLog(s.Err)
	opened, err := function.Open(ctx)
	if err != nil {
		return flags.AsMisuse(err)
	}
	defer opened.Close()
	failed := 0
	for _, file := range c.Files {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped before %s: replay it and the files after it", file)
		}
		payload, err := readFile(file, s.Input(file))
		if err != nil {
			if info, _ := os.Stat(file); info != nil && info.IsDir() {
				return misuse("%s is a folder: name its files, such as %s/*.json", file, file)
			}
			return misuse("%v", err)
		}
		r, err := invoker.Replay(ctx, opened, payload)
		if err != nil {
			return misuse("%s is %w: record events with sqs2pg invoke --record, or sqs2pg event", file, err)
		}
		if r.Err != nil || len(r.FailedIDs) > 0 {
			failed++
		}
		if c.JSON {
			encode(s, r.Report(file))
		} else {
			r.Print(s.Out, file)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d files had failures", failed, len(c.Files))
	}
	return nil
}

func readFile(path string, in io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(path)
}
