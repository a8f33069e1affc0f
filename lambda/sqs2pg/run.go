package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/localpg"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/schema"
)

// runCommand is the whole product on one machine. What it starts it stops; the rows and the keyring stay in .sqs2pg.
type runCommand struct {
	keyringFlag `embed:""`
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"Load into this Postgres; default: one started here, its data kept in .sqs2pg."`
	Messages    int    `default:"100" help:"How many logins to make up; one in a hundred is a message of another kind."`
	BatchSize   int    `default:"10" help:"Messages per invocation at most."`
	Concurrency int    `default:"2" help:"Batches in flight at a time."`
	Function    string `placeholder:"FILE" help:"The function's bootstrap; default: ingest/bootstrap beside this program, where make build puts it."`
	Stay        bool   `help:"Keep Postgres running at the end, until Ctrl-C."`
}

const (
	runQueue    = "login-queue"
	runReceives = 3 // of a failing message before it is dead-lettered
	shown       = 3 // rows, and dead letters
)

func (c *runCommand) Run(ctx context.Context, s *streams) error {
	for flag, n := range map[string]int{"messages": c.Messages, "batch-size": c.BatchSize, "concurrency": c.Concurrency} {
		if n < 1 {
			return misuse("--%s is %d; it must be 1 or more", flag, n)
		}
	}
	loaded, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		return err
	}
	if _, err := c.keyring(s); err != nil {
		return err
	}
	db, err := c.database(ctx, s)
	if err != nil {
		return err
	}
	defer db.stop()
	if err := db.migrate(ctx, s, loaded.Table()); err != nil {
		return err
	}
	load, err := c.load(ctx, s, db)
	if err != nil {
		return err
	}
	if err := db.show(ctx, s, loaded.Table()); err != nil {
		return err
	}
	load.showDead(s)
	fmt.Fprintf(s.out, "\n%d written, %d dead-lettered in %.1f s\n", load.log.written, len(load.dead), load.took.Seconds())
	if c.Stay {
		fmt.Fprintf(s.err, "Postgres stays until Ctrl-C: psql '%s'\n", db.owner)
		<-ctx.Done()
	}
	return nil
}

// loaded is what became of the messages of a run.
type loaded struct {
	log  *functionLog
	took time.Duration
	dead []types.Message
}

// load serves a queue, fills it and drains it through the function.
func (c *runCommand) load(ctx context.Context, s *streams, db *database) (*loaded, error) {
	endpoint, stop, err := serveSQS("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer stop()
	client, err := newSQS(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	queueURL, dlqURL, err := createQueues(ctx, client)
	if err != nil {
		return nil, err
	}
	sent, err := send(ctx, client, queueURL, "", logins(c.Messages, uint64(time.Now().UnixNano())))
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.err, "sqs       %d messages sent to %s at %s\n", sent, runQueue, endpoint)
	l := &loaded{log: newFunctionLog(s.err)}
	if l.took, err = c.drain(ctx, s, db, client, queueURL, l.log); err != nil {
		return nil, err
	}
	l.dead, err = receiveAll(ctx, client, dlqURL)
	return l, err
}

// drain plays the event source mapping until the queue is silent, and returns how long there was something to do.
func (c *runCommand) drain(ctx context.Context, s *streams, db *database, client *sqs.Client, queueURL string, log *functionLog) (time.Duration, error) {
	live := newProgress(s.err, depth(ctx, client, queueURL))
	log.passOn = live
	live.show(ctx, client, queueURL, log)
	d := drain{
		mappingFlags: mappingFlags{
			functionFlags: functionFlags{Function: c.Function, Timeout: 30 * time.Second},
			BatchSize:     c.BatchSize, Concurrency: c.Concurrency,
			IdleTimeout: time.Second, // the queue is on this machine: a second of silence is enough
		},
		client: client, queueURL: queueURL, progress: live.observe,
		environ: functionEnviron(map[string]string{"DATABASE_URL": db.writer, "MASK_KEYRING": c.Keyring, "CONTRACT": "user_logins", "MASK_SECRET_ID": ""}),
	}
	summary, err := d.run(ctx, log)
	live.done()
	if err == nil && ctx.Err() != nil {
		return live.took, fmt.Errorf("stopped: %d of %d messages are written", log.written, c.Messages)
	}
	if err == nil && summary.FailedBatches > 0 {
		err = fmt.Errorf("%d batches came back whole, the last because of %s", summary.FailedBatches, summary.LastError)
	}
	return live.took, explainQueue(err)
}

// createQueues makes the queue and its dead-letter queue.
func createQueues(ctx context.Context, client *sqs.Client) (queueURL, dlqURL string, err error) {
	dlq, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(runQueue + "-dlq")})
	if err != nil {
		return "", "", fmt.Errorf("create dead-letter queue: %w", err)
	}
	got, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: dlq.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", "", fmt.Errorf("dead-letter queue: %w", err)
	}
	policy, _ := json.Marshal(map[string]string{ // strings only: cannot fail
		"deadLetterTargetArn": got.Attributes["QueueArn"],
		"maxReceiveCount":     strconv.Itoa(runReceives),
	})
	queue, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName:  aws.String(runQueue),
		Attributes: map[string]string{"RedrivePolicy": string(policy), "VisibilityTimeout": "60"},
	})
	if err != nil {
		return "", "", fmt.Errorf("create queue: %w", err)
	}
	return *queue.QueueUrl, *dlq.QueueUrl, nil
}

// receiveAll takes what is on a queue now, leaving it there.
func receiveAll(ctx context.Context, client *sqs.Client, queueURL string) ([]types.Message, error) {
	var all []types.Message
	for {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &queueURL, MaxNumberOfMessages: 10,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
		})
		if err != nil {
			return nil, fmt.Errorf("dead-letter queue: %w", err)
		}
		if len(out.Messages) == 0 {
			return all, nil
		}
		all = append(all, out.Messages...)
	}
}

// showDead prints some dead letters with the reason that the function gave. Bodies stay in the queue: they may hold anything.
func (l *loaded) showDead(s *streams) {
	var rows [][]string
	for _, m := range l.dead[:min(shown, len(l.dead))] {
		rows = append(rows, []string{*m.MessageId, strconv.Itoa(runReceives), l.log.reasons[*m.MessageId]})
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(s.out, "\n%s-dlq: %d\n", runQueue, len(l.dead))
	printTable(s.out, []string{"message id", "receives", "reason"}, rows)
}

// database is where run loads into.
type database struct {
	given         bool   // by the person, with whatever rights it has
	owner, writer string // URLs; writer is the function's, known after migrate
	stop          func()
}

// database returns the given one, or starts one.
func (c *runCommand) database(ctx context.Context, s *streams) (*database, error) {
	if c.DatabaseURL != "" {
		return &database{owner: c.DatabaseURL, given: true, stop: func() {}}, nil
	}
	server, err := localpg.Start(ctx, localpg.Options{Dir: filepath.Join(s.dir, stateDir, "postgres")})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.err, "postgres  started, data in %s\n", server.Dir())
	owner := server.URL("postgres")
	return &database{owner: owner, stop: func() {
		if err := server.Stop(); err != nil {
			fmt.Fprintf(s.err, "stop Postgres: %v\n", err)
		}
	}}, nil
}

// migrate makes the table, and in a server of our own the login that the function uses, which may write and no more.
func (d *database) migrate(ctx context.Context, s *streams, table contract.Table) error {
	pool, err := postgres.Open(ctx, postgres.Config{URL: d.owner})
	if err != nil {
		return err
	}
	defer pool.Close()
	report, err := schema.Apply(ctx, pool, table)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "table     %s\n", strings.ReplaceAll(report.String(), "\n", "\n          "))
	if d.given {
		d.writer = d.owner
		return nil
	}
	u, err := url.Parse(d.owner)
	if err != nil {
		return err
	}
	u.User = url.UserPassword("ingest", rand.Text())
	d.writer = u.String()
	password, _ := u.User.Password()
	return schema.Login(ctx, pool, u.User.Username(), password)
}

// show prints the newest rows.
func (d *database) show(ctx context.Context, s *streams, table contract.Table) error {
	pool, err := postgres.Open(ctx, postgres.Config{URL: d.owner})
	if err != nil {
		return err
	}
	defer pool.Close()
	columns, rows, err := postgres.Preview(ctx, pool, table, shown)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "select * from %s order by sent_at desc limit %d;\n", table.Name, shown)
	printTable(s.out, columns, rows)
	return nil
}
