package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/deadletter"
	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/home"
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
	BatchSize   int    `default:"10" help:"Messages per invocation at most: 1-10000."`
	Concurrency int    `default:"2" help:"Batches in flight at a time."`
	Function    string `placeholder:"FILE" help:"Another bootstrap for the function; default: this program."`
	Stay        bool   `help:"Keep Postgres, SQS and the function running at the end, until Ctrl-C."`
}

const (
	runContract  = "user_logins"
	runQueue     = "login-queue"
	runReceives  = 3 // of a failing message before it is dead-lettered
	largestBatch = 10_000
	rowsShown    = 1 // a row is wider than a terminal: vertical, more rows would not fit a screen
	deadShown    = 3
)

// check returns the path of the bootstrap, or everything that is wrong with the flags.
func (c *runCommand) check() (bootstrap string, err error) {
	var wrong []string
	for _, n := range []struct {
		flag        string
		value, most int
	}{{"--messages", c.Messages, math.MaxInt}, {"--batch-size", c.BatchSize, largestBatch}, {"--concurrency", c.Concurrency, math.MaxInt}} {
		switch {
		case n.value < 1:
			wrong = append(wrong, fmt.Sprintf("%s is %d: it must be 1 or more", n.flag, n.value))
		case n.value > n.most:
			wrong = append(wrong, fmt.Sprintf("%s is %d: it must be %d or less", n.flag, n.value, n.most))
		}
	}
	bootstrap, err = bootstrapPath(c.Function)
	if err != nil {
		return "", err
	}
	if f := doctor.Function(bootstrap); f.Verdict == doctor.Fix {
		wrong = append(wrong, f.Text)
	}
	if wrong != nil {
		return "", misuse("%s", strings.Join(wrong, "; "))
	}
	return bootstrap, nil
}

func (c *runCommand) Run(ctx context.Context, s *streams) error {
	bootstrap, err := c.check()
	if err != nil {
		return err
	}
	login, err := contract.Load(contracts.Files, runContract)
	if err != nil {
		return err
	}
	db, err := c.database(ctx, s)
	if err != nil {
		return err
	}
	defer func() {
		if err := db.Stop(); err != nil {
			fmt.Fprintln(s.err, err)
		}
	}()
	keyring, tolerated, err := db.Prepare(ctx, login.Table(), c.keyrings(s), s.err)
	printTolerated(s, tolerated)
	if err != nil {
		return asMisuse(err)
	}
	endpoint, err := sqsserver.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer endpoint.Close()
	r := run{c, s, db, endpoint.URL, invoker.Function{
		Bootstrap: bootstrap, Timeout: 30 * time.Second, Env: invoker.Environ(os.Getenv, map[string]string{
			"DATABASE_URL": db.Writer, "DATABASE_SECRET_ID": "", "DATABASE_IAM_AUTH": "",
			"MASK_KEYRING": keyring.Text, "MASK_SECRET_ID": "", "CONTRACT": runContract,
		})}}
	return r.load(ctx, login.Table())
}

// database returns the given database after one connection to it, or starts one.
func (c *runCommand) database(ctx context.Context, s *streams) (*home.Database, error) {
	if c.DatabaseURL == "" {
		return home.Start(ctx, s.dir, s.err)
	}
	pool, err := (&databaseFlag{c.DatabaseURL}).openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	printDatabase(s, pool)
	pool.Close()
	return home.Given(c.DatabaseURL), nil
}

// run is everything that runs on this machine.
type run struct {
	*runCommand
	s        *streams
	db       *home.Database
	endpoint string // of SQS
	function invoker.Function
}

// load fills a queue, drains it through the function, and shows what became of the messages.
func (r *run) load(ctx context.Context, table contract.Table) error {
	client, err := account.Place{URL: r.endpoint}.SQS(ctx)
	if err != nil {
		return err
	}
	q, _, err := queue.Create(ctx, client, runQueue, queue.Settings{VisibilityTimeout: time.Minute, MaxReceiveCount: runReceives})
	if err != nil {
		return err
	}
	sent, err := q.SendBodies(ctx, "", sample.Messages(r.Messages, uint64(time.Now().UnixNano())))
	if err != nil {
		return err
	}
	fmt.Fprintf(r.s.err, "sqs       %d messages sent to %s at %s\n", sent, runQueue, r.endpoint)
	result, err := r.drain(ctx, q, time.Second) // the queue is on this machine: a second of silence is enough
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("stopped: %d of %d messages are written", result.Log.Written(), r.Messages)
	}
	if err != nil {
		return err
	}
	columns, rows, err := r.db.Newest(ctx, table, rowsShown)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.s.out, "select * from %s order by sent_at desc limit %d;\n", table.Name, rowsShown)
	terminal.Table(r.s.out, columns, rows)
	dead, err := deadletter.Open(ctx, q)
	if err != nil {
		return err
	}
	if err := showDead(ctx, r.s, dead, result.Log); err != nil {
		return err
	}
	fmt.Fprintf(r.s.out, "\n%d written, %d dead-lettered in %.1f s\n", result.Log.Written(), dead.Visible, result.Took.Seconds())
	if r.Stay {
		return r.stay(ctx, q)
	}
	return nil
}

// drain plays the event source mapping until the queue is silent for that long; 0 is for ever.
func (r *run) drain(ctx context.Context, q *queue.Queue, idle time.Duration) (invoker.Result, error) {
	d := invoker.Drain{
		Mapping:  eventsource.Mapping{Queue: q, BatchSize: r.BatchSize, Concurrency: r.Concurrency, IdleTimeout: idle},
		Function: r.function, Waiting: waiting(q), Screen: r.s.err,
	}
	result, err := d.Run(ctx)
	if err != nil {
		return result, asMisuse(err)
	}
	if result.FailedBatches > 0 {
		return result, fmt.Errorf("%d batches failed as a whole", result.FailedBatches)
	}
	return result, nil
}

// stay says how to use what runs, and loads what others send until ctx ends.
func (r *run) stay(ctx context.Context, q *queue.Queue) error {
	at := fmt.Sprintf("--queue %s --endpoint-url %s", q.Name(), r.endpoint)
	fmt.Fprintf(r.s.err, `
Postgres, SQS and the function run until Ctrl-C. In another terminal:
  psql '%[1]s'
  %[2]s send %[3]s
  %[2]s dlq list --contract %[4]s %[3]s
  %[2]s dlq redrive --contract %[4]s %[3]s
The queue is %[5]s

`, r.db.Owner, os.Args[0], at, runContract, q.URL)
	_, err := r.drain(ctx, q, 0)
	return err
}

// showDead prints some dead letters with the reasons that the function gave. It prints no bodies:
// they may hold anything.
func showDead(ctx context.Context, s *streams, dead *deadletter.Letters, log *invoker.Log) error {
	if dead.Visible == 0 {
		return nil
	}
	var rows [][]string
	if err := dead.Look(ctx, func(l *deadletter.Letter) bool {
		rows = append(rows, []string{l.ID(), strconv.Itoa(dead.MaxReceiveCount), log.Reason(l.ID())})
		return len(rows) < min(deadShown, dead.Visible)
	}); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "\n%s: %d\n", dead.Queue.Name(), dead.Visible)
	terminal.Table(s.out, []string{"message id", "receives", "reason"}, rows)
	terminal.More(s.out, len(rows), dead.Visible)
	return nil
}
