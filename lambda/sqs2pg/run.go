package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/invoker"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/local/sqsserver"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/terminal"
)

// runCommand is the whole product on one machine. It stops everything that it starts. The rows and
// the keyring stay in .sqs2pg.
type runCommand struct {
	keyringFlag `embed:""`
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"Load into this Postgres; default: one started here, its data kept in .sqs2pg."`
	Messages    int    `default:"100" help:"How many messages to send; one in a hundred is not a login."`
	BatchSize   int    `default:"10" help:"Messages per invocation at most."`
	Concurrency int    `default:"2" help:"Batches in flight at a time."`
	Function    string `placeholder:"FILE" help:"The function's bootstrap; default: ingest/bootstrap beside this program, where make build puts it."`
	Stay        bool   `help:"Keep Postgres running at the end, until Ctrl-C."`
}

const (
	runContract = "user_logins"
	runQueue    = "login-queue"
	runReceives = 3 // of a failing message before it is dead-lettered
	rowsShown   = 1 // more would not fit a screen: a row is wider than a terminal
	deadShown   = 3
)

func (c *runCommand) Run(ctx context.Context, s *streams) error {
	for flag, n := range map[string]int{"messages": c.Messages, "batch-size": c.BatchSize, "concurrency": c.Concurrency} {
		if n < 1 {
			return misuse("--%s is %d: it must be 1 or more", flag, n)
		}
	}
	login, err := contract.Load(contracts.Files, runContract)
	if err != nil {
		return err
	}
	db, err := startDatabase(ctx, s, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.stop()
	keyring, err := db.prepare(ctx, s, &c.keyringFlag, login.Table())
	if err != nil {
		return err
	}
	result, dead, err := c.load(ctx, s, map[string]string{
		"DATABASE_URL": db.writer, "MASK_KEYRING": keyring.text, "CONTRACT": runContract, "MASK_SECRET_ID": "",
	})
	if err != nil {
		return err
	}
	if err := db.show(ctx, s, login.Table()); err != nil {
		return err
	}
	showDead(s, dead, result.Log)
	fmt.Fprintf(s.out, "\n%d written, %d dead-lettered in %.1f s\n", result.Log.Written(), len(dead), result.Took.Seconds())
	if c.Stay {
		fmt.Fprintf(s.err, "Postgres stays until Ctrl-C: psql '%s'\n", db.owner)
		<-ctx.Done()
	}
	return nil
}

// load serves a queue, fills it and drains it through the function, which gets those settings. It
// returns the dead letters too.
func (c *runCommand) load(ctx context.Context, s *streams, settings map[string]string) (r invoker.Result, dead []types.Message, err error) {
	endpoint, err := sqsserver.Listen("127.0.0.1:0")
	if err != nil {
		return r, nil, err
	}
	defer endpoint.Close()
	client, err := newSQS(ctx, endpoint.URL)
	if err != nil {
		return r, nil, err
	}
	q, dlq, err := queue.Create(ctx, client, runQueue, queue.Settings{VisibilityTimeout: time.Minute, MaxReceiveCount: runReceives})
	if err != nil {
		return r, nil, err
	}
	sent, err := send(ctx, q, "", sample.Messages(c.Messages, uint64(time.Now().UnixNano())))
	if err != nil {
		return r, nil, err
	}
	fmt.Fprintf(s.err, "sqs       %d messages sent to %s at %s\n", sent, runQueue, endpoint.URL)
	r, err = c.drain(ctx, s, settings, q)
	if err != nil {
		return r, nil, err
	}
	dead, err = receiveAll(ctx, dlq)
	return r, dead, err
}

// drain plays the event source mapping until the queue is silent.
func (c *runCommand) drain(ctx context.Context, s *streams, settings map[string]string, q *queue.Queue) (invoker.Result, error) {
	bootstrap, err := bootstrapPath(c.Function)
	if err != nil {
		return invoker.Result{}, err
	}
	d := invoker.Drain{
		Mapping: eventsource.Mapping{
			Queue: q, BatchSize: c.BatchSize, Concurrency: c.Concurrency,
			IdleTimeout: time.Second, // the queue is on this machine: a second of silence is enough
		},
		Function: invoker.Function{Bootstrap: bootstrap, Timeout: 30 * time.Second, Env: invoker.Environ(os.Getenv, settings)},
		Waiting:  waiting(q), Screen: s.err,
	}
	result, err := d.Run(ctx)
	switch {
	case err != nil:
		return result, asMisuse(err)
	case ctx.Err() != nil:
		return result, fmt.Errorf("stopped: %d of %d messages are written", result.Log.Written(), c.Messages)
	}
	return result, failedBatches(result)
}

// receiveAll receives all visible messages of a queue and leaves them on it.
func receiveAll(ctx context.Context, q *queue.Queue) ([]types.Message, error) {
	var all []types.Message
	for {
		out, err := q.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &q.URL, MaxNumberOfMessages: 10,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
		})
		if err != nil {
			return nil, q.Explain(err)
		}
		if len(out.Messages) == 0 {
			return all, nil
		}
		all = append(all, out.Messages...)
	}
}

// showDead prints some dead letters with the reasons that the function gave. It prints no bodies:
// they may hold anything.
func showDead(s *streams, dead []types.Message, log *invoker.Log) {
	if len(dead) == 0 {
		return
	}
	var rows [][]string
	for _, m := range dead[:min(deadShown, len(dead))] {
		rows = append(rows, []string{*m.MessageId, strconv.Itoa(runReceives), log.Reason(*m.MessageId)})
	}
	fmt.Fprintf(s.out, "\n%s-dlq: %d\n", runQueue, len(dead))
	terminal.Table(s.out, []string{"message id", "receives", "reason"}, rows)
	terminal.More(s.out, len(rows), len(dead))
}
