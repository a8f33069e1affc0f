package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sqs2pg/pkg/local/sample"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"
)

// sendCommand fills a queue.
type sendCommand struct {
	queueFlags `embed:""`
	Count      int    `default:"100" help:"How many logins to make up; one in a hundred is a message of another kind."`
	Group      string `default:"1" help:"Message group of the messages on a FIFO queue."`
	Seed       uint64 `help:"Makes the same logins again; default: others every time."`
	File       string `arg:"" optional:"" help:"Send the lines of this file instead, - for standard input; one message a line."`
}

func (c *sendCommand) Run(ctx context.Context, s *streams) error {
	bodies, err := c.bodies(s.in)
	if err != nil {
		return err
	}
	bodies = slices.DeleteFunc(bodies, isEmpty)
	client, queueURL, err := c.open(ctx)
	if err != nil {
		return err
	}
	sent, err := send(ctx, client, queueURL, c.Group, bodies)
	fmt.Fprintf(s.err, "sent %d messages to %s\n", sent, c.Queue)
	return err
}

func (c *sendCommand) bodies(in io.Reader) ([]string, error) {
	if c.File == "" {
		if c.Count < 1 {
			return nil, misuse("--count is %d; it must be 1 or more", c.Count)
		}
		return sample.Messages(c.Count, c.seed()), nil
	}
	return readLines(c.File, in)
}

// readLines reads the messages of a file, one per line; - is in.
func readLines(file string, in io.Reader) ([]string, error) {
	if file == "-" {
		return lines(in)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, misuse("%v", err)
	}
	defer f.Close()
	return lines(f)
}

func (c *sendCommand) seed() uint64 {
	if c.Seed == 0 {
		return uint64(time.Now().UnixNano())
	}
	return c.Seed
}

// maxBody is the size of the largest message that SQS takes.
const maxBody = 1 << 20

// isEmpty tells the lines that are no messages: SQS takes no empty one.
func isEmpty(line string) bool { return line == "" }

// lines reads messages, one a line, the empty lines too.
func lines(in io.Reader) ([]string, error) {
	var bodies []string
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, maxBody+1)
	for scanner.Scan() {
		bodies = append(bodies, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read line %d: %w", len(bodies)+1, err)
	}
	return bodies, nil
}

// send puts bodies on a queue in order, in batches of up to ten that stay within SQS's 1 MiB a call. It returns how many were
// taken. The group is for FIFO queues; on these no two messages count as the same.
func send(ctx context.Context, client *sqs.Client, queueURL, group string, bodies []string) (sent int, err error) {
	for start := 0; start < len(bodies); {
		batch := nextSend(bodies[start:])
		if strings.HasSuffix(queueURL, ".fifo") {
			for i := range batch {
				batch[i].MessageGroupId, batch[i].MessageDeduplicationId = &group, aws.String(uuid.NewString())
			}
		}
		out, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &queueURL, Entries: batch})
		if err != nil {
			return sent, fmt.Errorf("send to %s: %w", queueURL, lastCause(err))
		}
		sent += len(out.Successful)
		if len(out.Failed) > 0 {
			f := out.Failed[0]
			return sent, fmt.Errorf("SQS refused %d messages, the first, message %d, with %s", len(out.Failed), start+atoi(*f.Id)+1, aws.ToString(f.Code))
		}
		start += len(batch)
	}
	return sent, nil
}

// nextSend makes one call's entries of the first bodies.
func nextSend(bodies []string) []types.SendMessageBatchRequestEntry {
	var entries []types.SendMessageBatchRequestEntry
	size := 0
	for i, body := range bodies {
		size += len(body)
		if i == 10 || i > 0 && size > maxBody {
			break
		}
		entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &body})
	}
	return entries
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // an id that nextSend made
	return n
}
