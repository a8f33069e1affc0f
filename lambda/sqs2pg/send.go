package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/queue"
)

// sendCommand fills a queue.
type sendCommand struct {
	queueFlags `embed:""`
	Count      int    `default:"100" help:"How many logins to generate; one in a hundred is a message of another kind."`
	Group      string `default:"1" help:"Message group of the messages on a FIFO queue."`
	Seed       uint64 `help:"Seed for generated messages; the default is random."`
	File       string `arg:"" optional:"" help:"Send the lines of this file instead, - for standard input; one message per line."`
}

func (c *sendCommand) Run(ctx context.Context, s *streams) error {
	bodies, err := c.bodies(s.in)
	if err != nil {
		return err
	}
	bodies = slices.DeleteFunc(bodies, isEmpty)
	q, err := c.open(ctx)
	if err != nil {
		return err
	}
	printWhere(s, q)
	sent, err := q.SendBodies(ctx, c.Group, bodies)
	fmt.Fprintf(s.err, "sent %d messages to %s\n", sent, c.Queue)
	return err
}

func (c *sendCommand) bodies(in io.Reader) ([]string, error) {
	if c.File == "" {
		if c.Count < 1 {
			return nil, misuse("--count is %d: it must be 1 or more", c.Count)
		}
		return sample.Messages(c.Count, c.seed()), nil
	}
	return readLines(c.File, in)
}

// readLines reads the messages of a file, one per line; - is in.
func readLines(file string, in io.Reader) ([]string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, misuse("%v", err)
		}
		defer f.Close()
		in = f
	}
	bodies, err := lines(in)
	if err != nil {
		return nil, err
	}
	return bodies, checkLines(bodies)
}

// checkLines refuses a file that is plainly not one message per line. The first line of such a file
// is either half a document, or a whole list of messages.
func checkLines(lines []string) error {
	first := slices.IndexFunc(lines, func(line string) bool { return !isEmpty(line) })
	switch {
	case first < 0:
		return nil
	case strings.HasPrefix(lines[0], "\ufeff"):
		return misuse("the file begins with a byte order mark (BOM): save it as UTF-8 without one")
	}
	text := lines[first]
	if json.Valid([]byte(text)) && !strings.HasPrefix(strings.TrimSpace(text), "[") {
		return nil
	}
	if whole := strings.Join(lines, "\n"); json.Valid([]byte(whole)) {
		return misuse("the file is one JSON document: one message a line")
	}
	return nil
}

func (c *sendCommand) seed() uint64 {
	if c.Seed == 0 {
		return uint64(time.Now().UnixNano())
	}
	return c.Seed
}

// isEmpty finds lines that are not messages: SQS takes no empty message.
func isEmpty(line string) bool { return line == "" }

// lines reads one message per line. Empty lines are messages here too.
func lines(in io.Reader) ([]string, error) {
	var bodies []string
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, queue.MaxSize+1)
	for scanner.Scan() {
		bodies = append(bodies, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read line %d: %w", len(bodies)+1, err)
	}
	return bodies, nil
}
