package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
)

// doctorCommand looks at all that invoke needs and changes nothing.
type doctorCommand struct {
	queueFlags   `embed:""`
	databaseFlag `embed:""`
	contractFlag `embed:""`
	keyringFlag  `embed:""`
	Function     string        `placeholder:"FILE" help:"The function's bootstrap; default: ingest/bootstrap beside this program."`
	Timeout      time.Duration `default:"30s" help:"The function's time for a batch, which the queue's visibility timeout must allow for."`
}

// Help is shown below the flags.
func (c *doctorCommand) Help() string {
	return "Prints a line for each thing: ok, or fix and what to do. It exits with 1 if there is something to fix."
}

// examination is one look at everything.
type examination struct {
	s     *streams
	fixes int
}

func (e *examination) ok(what, format string, args ...any) { e.line("ok", what, format, args...) }

func (e *examination) fix(what, format string, args ...any) {
	e.fixes++
	e.line("fix", what, format, args...)
}

func (e *examination) line(verdict, what, format string, args ...any) {
	fmt.Fprintf(e.s.out, "%-4s %-12s %s\n", verdict, what, fmt.Sprintf(format, args...))
}

func (c *doctorCommand) Run(ctx context.Context, s *streams) error {
	e := &examination{s: s}
	loaded := c.examineContract(e)
	c.examineKeyring(e)
	c.examineFunction(e)
	c.examineQueue(ctx, e)
	if loaded != nil {
		c.examineDatabase(ctx, e, loaded.Table())
	}
	if e.fixes > 0 {
		return fmt.Errorf("%d to fix", e.fixes)
	}
	return nil
}

func (c *doctorCommand) examineContract(e *examination) *contract.Contract {
	loaded, err := c.load()
	if err != nil {
		e.fix("contract", "%v", err)
		return nil
	}
	e.ok("contract", "%s: %d columns of %s.%s", loaded.Name(), len(loaded.Table().Columns), loaded.Table().Schema, loaded.Table().Name)
	for _, w := range loaded.Warnings() {
		e.line("note", "contract", "%s", w)
	}
	return loaded
}

func (c *doctorCommand) examineKeyring(e *examination) {
	path := filepath.Join(e.s.dir, stateDir, "keyring.json")
	text, from := []byte(c.Keyring), "MASK_KEYRING"
	switch {
	case anySet("MASK_SECRET_ID"):
		e.ok("keyring", "the function reads the secret %s", os.Getenv("MASK_SECRET_ID"))
		return
	case c.Keyring == "":
		var err error
		if text, err = os.ReadFile(path); os.IsNotExist(err) {
			e.ok("keyring", "none yet: the first invoke makes one in %s", path)
			return
		} else if err != nil {
			e.fix("keyring", "%v", err)
			return
		}
		from = path
	}
	if _, err := mask.ParseKeyring(text); err != nil {
		e.fix("keyring", "%s: %v", from, err)
		return
	}
	e.ok("keyring", "%s", from)
}

func (c *doctorCommand) examineFunction(e *examination) {
	f := functionFlags{Function: c.Function}
	path, err := f.bootstrap()
	if err != nil {
		e.fix("function", "%v", err)
		return
	}
	switch info, err := os.Stat(path); {
	case err != nil || info.IsDir():
		e.fix("function", "there is none at %s: build it with make build, or name it by --function", path)
	case info.Mode()&0o111 == 0:
		e.fix("function", "%s is not executable: chmod +x it", path)
	default:
		e.ok("function", "%s", path)
	}
}

func (c *doctorCommand) examineQueue(ctx context.Context, e *examination) {
	client, queueURL, err := c.queueFlags.open(ctx)
	if err != nil {
		e.fix("queue", "%v", err)
		return
	}
	queue, err := attributes(ctx, client, queueURL)
	if err != nil {
		e.fix("queue", "%s at %s: %v", c.Queue, c.endpoint(), lastCause(err))
		return
	}
	e.ok("queue", "%s at %s: %s messages, %s in flight", c.Queue, c.endpoint(), queue["ApproximateNumberOfMessages"], queue["ApproximateNumberOfMessagesNotVisible"])
	want := 6 * int(c.Timeout/time.Second)
	if have := atoi(queue["VisibilityTimeout"]); have < want {
		e.fix("visibility", "%d s is less than 6 times the function's %s: set VisibilityTimeout=%d on %s, by aws sqs set-queue-attributes", have, c.Timeout, want, c.Queue)
	} else {
		e.ok("visibility", "%d s, at least 6 times the function's %s", have, c.Timeout)
	}
	c.examineRedrive(ctx, e, client, queue)
}

func (c *doctorCommand) examineRedrive(ctx context.Context, e *examination, client *sqs.Client, queue map[string]string) {
	if deadLetterARN(queue) == "" {
		e.fix("redrive", "%s has no redrive policy: a bad message comes back until it expires; give it a dead-letter queue and maxReceiveCount 5", c.Queue)
		return
	}
	if n := maxReceiveCount(queue); n < 5 {
		e.fix("redrive", "maxReceiveCount is %d: an outage of the database kills good messages; AWS advises 5 or more", n)
	} else {
		e.ok("redrive", "dead after %d receives", n)
	}
	dead, err := c.openDead(ctx)
	if err != nil {
		e.fix("dead letters", "%v", err)
		return
	}
	a, err := attributes(ctx, client, dead.url)
	keeps, lives := atoi(a["MessageRetentionPeriod"]), atoi(queue["MessageRetentionPeriod"])
	switch {
	case err != nil:
		e.fix("dead letters", "%s: %v", dead.name, lastCause(err))
	case keeps <= lives && keeps < 1_209_600:
		e.fix("dead letters", "%s keeps messages for %d s, no longer than %s does, and the time counts from their first sending: set MessageRetentionPeriod=1209600", dead.name, keeps, c.Queue)
	case dead.depth > 0:
		e.fix("dead letters", "%d in %s: see sqs2pg dlq list --queue %s", dead.depth, dead.name, c.Queue)
	default:
		e.ok("dead letters", "none in %s", dead.name)
	}
}

func (c *doctorCommand) examineDatabase(ctx context.Context, e *examination, table contract.Table) {
	pool, err := c.databaseFlag.open(ctx)
	if err != nil {
		e.fix("database", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	defer pool.Close()
	state, err := schema.Inspect(ctx, pool, table)
	if err != nil {
		e.fix("database", "%v", err)
		return
	}
	e.ok("database", "reached as %s", state.User)
	name := table.Schema + "." + table.Name
	if err := registry.Refusal(state.Database.Compare(table)); err != nil {
		e.fix("table", "%s: %s", name, strings.ReplaceAll(err.Error(), "\n", "; "))
	} else {
		e.ok("table", "%s is as the contract says", name)
	}
	if state.Database.Found == nil {
		return
	}
	if state.MayInsert && state.MayExtend {
		e.ok("privileges", "%s may write", state.User)
	} else {
		e.fix("privileges", "%s may not write: grant sqs2pg_writer to %[1]s", state.User)
	}
	if table.Mode == contract.Upsert {
		return
	}
	if state.DaysAhead < 1 {
		e.fix("partitions", "there are none for tomorrow: run sqs2pg maintain, and see that the maintain function runs")
	} else {
		e.ok("partitions", "made for %d days ahead", state.DaysAhead)
	}
}
