// Package demo shows the whole product on this machine: it fills a queue, loads it through the
// function, and shows rows and dead letters.
//
// The command sqs2pg run starts what a demo needs (a database, SQS) and stops it again. It imports
// the packages that play AWS, and deadletter.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/deadletter"
	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/local/invoker"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/queue/sending"
	"sqs2pg/pkg/terminal"
)

const (
	queueName = "login-queue"
	receives  = 3 // of a failing message before it is dead-lettered
	rowsShown = 1 // a row is wider than a terminal: vertical, more rows would not fit a screen
	deadShown = 3
)

// Demo is one demonstration. All fields are required.
type Demo struct {
	Database *home.Database // prepared for the contract
	Endpoint string         // of an SQS without queues
	Function invoker.Function
	Contract *contract.Contract // of the messages that pkg/local/sample makes

	Messages    int // how many are sent; one in a hundred is not a login
	BatchSize   int
	Concurrency int

	Program   string // how the command is called, for the commands that Stay prints
	Out, Talk io.Writer

	queue  *queue.Queue // set by Load
	newest string       // event_id of the newest row, set by Load
}

// Load sends the messages, loads them, and shows what became of them. Errors are those of
// invoker.Drain.Run, or say that ctx ended, or that batches failed.
func (d *Demo) Load(ctx context.Context) error {
	if err := d.fill(ctx); err != nil {
		return err
	}
	result, err := d.drain(ctx, time.Second) // the queue is on this machine: a second of silence is enough
	if err == nil && ctx.Err() != nil {
		err = errors.New(result.Stopped(queueName))
	}
	if err != nil {
		return err
	}
	return d.show(ctx, result)
}

// fill makes the queue and sends the messages.
func (d *Demo) fill(ctx context.Context) error {
	client, err := account.Place{URL: d.Endpoint}.SQS(ctx)
	if err != nil {
		return err
	}
	created, err := queue.Create(ctx, client, queueName, queue.Settings{VisibilityTimeout: time.Minute, MaxReceiveCount: receives})
	if err != nil {
		return err
	}
	d.queue = created.Queue
	bodies := sending.Slice(sample.Messages(d.Messages, uint64(time.Now().UnixNano())))
	job := sending.Job{Queue: d.queue, Bodies: bodies, Total: d.Messages, Screen: d.Talk}
	sent, err := job.Run(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.Talk, "sqs       %s sent to %s at %s\n", sent, queueName, d.Endpoint)
	return nil
}

// drain plays the event source mapping until the queue is silent for that long; 0 is for ever.
func (d *Demo) drain(ctx context.Context, idle time.Duration) (invoker.Result, error) {
	drain := invoker.Drain{
		Mapping:  eventsource.Mapping{Queue: d.queue, BatchSize: d.BatchSize, Concurrency: d.Concurrency, IdleTimeout: idle},
		Function: d.Function, Screen: d.Talk,
	}
	result, err := drain.Run(ctx)
	if err == nil && result.FailedBatches > 0 {
		err = errors.New(terminal.Plural(result.FailedBatches, "batch", "batches") + " failed as a whole")
	}
	return result, err
}

// show prints the newest row and some dead letters.
func (d *Demo) show(ctx context.Context, result invoker.Result) error {
	table := d.Contract.Table()
	columns, rows, err := d.Database.Newest(ctx, table, rowsShown)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.Out, "select * from %s order by sent_at desc limit %d;\n", table.Name, rowsShown)
	terminal.Table(d.Out, columns, rows)
	if i := slices.Index(columns, contract.EventID); i >= 0 && len(rows) > 0 {
		d.newest = rows[0][i]
	}
	dead, err := deadletter.Open(ctx, d.queue)
	if err != nil {
		return err
	}
	if err := d.showDead(ctx, dead, result.Log); err != nil {
		return err
	}
	fmt.Fprintf(d.Out, "\n%d written, %d dead-lettered in %.1f s\n", result.Log.Written(), dead.Visible, result.Took.Seconds())
	return nil
}

// showDead prints some dead letters with the reasons that the function gave. It prints no bodies:
// they may hold anything.
func (d *Demo) showDead(ctx context.Context, dead *deadletter.Letters, log *invoker.Log) error {
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
	fmt.Fprintf(d.Out, "\n%s: %d\n", dead.Queue.Name(), dead.Visible)
	terminal.Table(d.Out, []string{"message id", "receives", "reason"}, rows)
	terminal.More(d.Out, len(rows), dead.Visible)
	return nil
}

// Hint says how to see what was masked in the newest row. It comes after Load.
func (d *Demo) Hint() {
	if fields := d.Contract.Table().Recover; d.newest != "" && fields != nil {
		fmt.Fprintf(d.Talk, "\nto see what was masked, as one of the few who may:\n%s\n", d.reveal(" \\\n    ")) // so that it fits a terminal of 80 columns
	}
}

// reveal is a command that reveals the newest row, in parts with something between them.
func (d *Demo) reveal(between string) string {
	return "  " + strings.Join([]string{
		d.Program + " vault reveal", "--contract " + d.Contract.Name() + " --fields " + strings.Join(d.Contract.Table().Recover, ","),
		"--purpose support --ticket DEMO-1", "--event " + d.newest,
	}, between)
}

// Stay says how to use what runs, and loads what others send until ctx ends. It comes after Load. The
// error also says that the database has ended.
func (d *Demo) Stay(ctx context.Context) error {
	at := fmt.Sprintf("--queue %s --endpoint-url %s", queueName, d.Endpoint)
	fmt.Fprintf(d.Talk, `
Postgres, SQS and the function run until Ctrl-C. In another terminal, in this folder:
  psql '%[1]s'
  %[2]s send %[3]s
  %[2]s dlq list --contract %[4]s %[3]s
  %[2]s dlq redrive --dry-run --contract %[4]s %[3]s
%[6]s
The queue is %[5]s

`, d.Database.Owner, d.Program, at, d.Contract.Name(), d.queue.URL, d.reveal(" ")+" --database-url '"+d.Database.Owner+"'")
	up, cancel := d.Database.WhileUp(ctx)
	defer cancel()
	result, err := d.drain(up, 0)
	if stopped := result.Stopped(queueName); stopped != "" && err == nil {
		fmt.Fprintln(d.Talk, stopped)
	}
	if up.Err() != nil && ctx.Err() == nil {
		return context.Cause(up)
	}
	return err
}
