package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"sqs2pg/pkg/local/invoker"
	"sqs2pg/pkg/terminal"
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
	environ, err := c.environ(ctx, s, c.remote())
	if err != nil {
		return err
	}
	function, err := c.function(ctx, c.place(), environ)
	if err != nil {
		return err
	}
	function.Log = invoker.NewLog(s.err)
	opened, err := function.Open(ctx)
	if err != nil {
		return asMisuse(err)
	}
	defer opened.Close()
	failed := 0
	for _, file := range c.Files {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped before %s: replay it and the files after it", file)
		}
		payload, err := readFile(file, s.input(file))
		if err != nil {
			return misuse("%v", err)
		}
		r, err := invoker.Replay(ctx, opened, payload)
		if err != nil {
			return misuse("%s is %w: record events with sqs2pg invoke --record, or sqs2pg event", file, err)
		}
		if r.Err != nil || len(r.FailedIDs) > 0 {
			failed++
		}
		c.print(s, file, r)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d files had failures", failed, len(c.Files))
	}
	return nil
}

func (c *replayCommand) print(s *streams, file string, r invoker.Replayed) {
	if c.JSON {
		line := map[string]any{"file": file, "messages": r.Messages}
		if r.Err != nil {
			line["error"] = r.Err.Error()
		} else {
			line["response"] = r.Response
		}
		json.NewEncoder(s.out).Encode(line)
		return
	}
	switch {
	case r.Err != nil:
		fmt.Fprintf(s.out, "%s: %d messages, all failed: %v\n", file, r.Messages, r.Err)
	case len(r.FailedIDs) > 0:
		fmt.Fprintf(s.out, "%s: %d messages, %d failed: %s\n", file, r.Messages, len(r.FailedIDs), strings.Join(r.FailedIDs[:min(listed, len(r.FailedIDs))], " "))
		terminal.More(s.out, listed, len(r.FailedIDs))
	default:
		fmt.Fprintf(s.out, "%s: %d messages\n", file, r.Messages)
	}
}

func readFile(path string, in io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(path)
}
