package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"sqs2pg/pkg/local/eventsource"
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

// replay is one run of the command.
type replay struct {
	*replayCommand
	s        *streams
	function eventsource.Function
	failed   int // files with a failure
}

func (c *replayCommand) Run(ctx context.Context, s *streams) error {
	environ, err := c.environ(ctx, s, c.remote())
	if err != nil {
		return err
	}
	function, err := c.function(ctx, &c.endpointFlags, environ)
	if err != nil {
		return err
	}
	function.Log = invoker.NewLog(s.err)
	opened, err := function.Open(ctx)
	if err != nil {
		return asMisuse(err)
	}
	defer opened.Close()
	r := &replay{replayCommand: c, s: s, function: opened}
	for _, file := range c.Files {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped before %s: replay it and the files after it", file)
		}
		if err := r.invoke(ctx, file); err != nil {
			return err
		}
	}
	if r.failed > 0 {
		return fmt.Errorf("%d of %d files had failures", r.failed, len(c.Files))
	}
	return nil
}

func (r *replay) invoke(ctx context.Context, file string) error {
	payload, err := readFile(file, r.s.in)
	if err != nil {
		return misuse("%v", err)
	}
	var event events.SQSEvent
	if err := json.Unmarshal(payload, &event); err != nil || len(event.Records) == 0 {
		return misuse("%s is not an SQS event: record events with sqs2pg invoke --record, or sqs2pg event", file)
	}
	response, err := r.function.Invoke(context.WithoutCancel(ctx), payload)
	var answer events.SQSEventResponse
	if err == nil && json.Unmarshal(response, &answer) != nil {
		err = errors.New("its response is not a batch response")
	}
	if err != nil || len(answer.BatchItemFailures) > 0 {
		r.failed++
	}
	r.print(file, len(event.Records), response, answer, err)
	return nil
}

func (r *replay) print(file string, messages int, response []byte, answer events.SQSEventResponse, failed error) {
	if r.JSON {
		line := map[string]any{"file": file, "messages": messages}
		if failed != nil {
			line["error"] = failed.Error()
		} else {
			line["response"] = json.RawMessage(response)
		}
		json.NewEncoder(r.s.out).Encode(line)
		return
	}
	switch ids := failedIDs(answer); {
	case failed != nil:
		fmt.Fprintf(r.s.out, "%s: %d messages, all failed: %v\n", file, messages, failed)
	case len(ids) > 0:
		fmt.Fprintf(r.s.out, "%s: %d messages, %d failed: %s\n", file, messages, len(ids), strings.Join(ids, " "))
	default:
		fmt.Fprintf(r.s.out, "%s: %d messages\n", file, messages)
	}
}

func failedIDs(answer events.SQSEventResponse) []string {
	ids := make([]string, len(answer.BatchItemFailures))
	for i, f := range answer.BatchItemFailures {
		ids[i] = f.ItemIdentifier
	}
	return ids
}

func readFile(path string, in io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(path)
}
