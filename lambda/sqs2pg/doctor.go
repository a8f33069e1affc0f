package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/doctor"
)

// doctorCommand looks at everything that invoke needs and changes nothing.
type doctorCommand struct {
	queueFlags   `embed:""`
	databaseFlag `embed:""`
	contractFlag `embed:""`
	keyringFlag  `embed:""`
	Function     string        `placeholder:"FILE" help:"The function's bootstrap; default: ingest/bootstrap beside this program."`
	Timeout      time.Duration `default:"30s" help:"Time limit of one invocation, which the queue's visibility timeout must allow for."`
}

// Help is shown below the flags.
func (c *doctorCommand) Help() string {
	return "Prints a line for each thing: ok, or fix and what to do. Exits with 1 if there is something to fix."
}

func (c *doctorCommand) Run(ctx context.Context, s *streams) error {
	fixes := 0
	for _, f := range c.examine(ctx, s) {
		if f.Verdict == doctor.Fix {
			fixes++
		}
		fmt.Fprintf(s.out, "%-4s %-12s %s\n", f.Verdict, f.Subject, f.Text)
	}
	if fixes > 0 {
		return fmt.Errorf("%d to fix", fixes)
	}
	return nil
}

func (c *doctorCommand) examine(ctx context.Context, s *streams) []doctor.Finding {
	loaded, err := c.load()
	var found []doctor.Finding
	if err != nil {
		found = append(found, doctor.Failed("contract", err))
	} else {
		found = append(found, doctor.Contract(loaded)...)
	}
	found = append(found, c.examineKeyring(s), c.examineFunction())
	found = append(found, c.examineQueue(ctx)...)
	if loaded != nil {
		found = append(found, c.examineDatabase(ctx, loaded.Table())...)
	}
	return found
}

func (c *doctorCommand) examineKeyring(s *streams) doctor.Finding {
	if id := os.Getenv("MASK_SECRET_ID"); id != "" {
		return doctor.Finding{Verdict: doctor.OK, Subject: "keyring", Text: "the function reads the secret " + id}
	}
	if c.Keyring != "" {
		return doctor.Keyring([]byte(c.Keyring), "MASK_KEYRING")
	}
	path := keyringPath(s)
	text, err := os.ReadFile(path)
	switch {
	case os.IsNotExist(err):
		return doctor.Finding{Verdict: doctor.OK, Subject: "keyring", Text: "no keyring yet: the first invoke makes one in " + path}
	case err != nil:
		return doctor.Failed("keyring", err)
	}
	return doctor.Keyring(text, path)
}

func (c *doctorCommand) examineFunction() doctor.Finding {
	path, err := bootstrapPath(c.Function)
	if err != nil {
		return doctor.Failed("function", err)
	}
	return doctor.Function(path)
}

func (c *doctorCommand) examineDatabase(ctx context.Context, table contract.Table) []doctor.Finding {
	pool, err := c.openDatabase(ctx)
	if err != nil {
		return []doctor.Finding{doctor.Failed("database", err)}
	}
	defer pool.Close()
	return doctor.Database(ctx, pool, table, c.Contract)
}

func finding(v doctor.Verdict, subject, format string, args ...any) doctor.Finding {
	return doctor.Finding{Verdict: v, Subject: subject, Text: fmt.Sprintf(format, args...)}
}

func (c *doctorCommand) examineQueue(ctx context.Context) []doctor.Finding {
	client, queueURL, err := c.open(ctx)
	if err != nil {
		return []doctor.Finding{doctor.Failed("queue", err)}
	}
	queue, err := attributes(ctx, client, queueURL)
	if err != nil {
		return []doctor.Finding{finding(doctor.Fix, "queue", "%s at %s: %v", c.Queue, c.endpoint(), lastCause(err))}
	}
	found := []doctor.Finding{finding(doctor.OK, "queue", "%s at %s: %s messages, %s in flight", c.Queue, c.endpoint(), queue["ApproximateNumberOfMessages"], queue["ApproximateNumberOfMessagesNotVisible"])}
	want := 6 * int(c.Timeout/time.Second)
	if have := atoi(queue["VisibilityTimeout"]); have < want {
		found = append(found, finding(doctor.Fix, "visibility", "%d s is less than 6 times the function's %s: set VisibilityTimeout=%d on %s, by aws sqs set-queue-attributes", have, c.Timeout, want, c.Queue))
	} else {
		found = append(found, finding(doctor.OK, "visibility", "%d s, at least 6 times the function's %s", have, c.Timeout))
	}
	return append(found, c.examineRedrive(ctx, client, queue)...)
}

func (c *doctorCommand) examineRedrive(ctx context.Context, client *sqs.Client, queue map[string]string) (found []doctor.Finding) {
	if deadLetterARN(queue) == "" {
		return []doctor.Finding{finding(doctor.Fix, "redrive", "%s has no redrive policy: a bad message comes back until it expires; give it a dead-letter queue and maxReceiveCount 5", c.Queue)}
	}
	if n := maxReceiveCount(queue); n < 5 {
		found = append(found, finding(doctor.Fix, "redrive", "maxReceiveCount is %d: an outage of the database kills good messages; AWS advises 5 or more", n))
	} else {
		found = append(found, finding(doctor.OK, "redrive", "dead after %d receives", n))
	}
	dead, err := c.openDead(ctx)
	if err != nil {
		return append(found, doctor.Failed("dead letters", err))
	}
	a, err := attributes(ctx, client, dead.url)
	keeps, lives := atoi(a["MessageRetentionPeriod"]), atoi(queue["MessageRetentionPeriod"])
	switch {
	case err != nil:
		return append(found, finding(doctor.Fix, "dead letters", "%s: %v", dead.name, lastCause(err)))
	case keeps <= lives && keeps < 1_209_600:
		return append(found, finding(doctor.Fix, "dead letters", "%s keeps messages for %d s, no longer than %s does, and the time counts from their first sending: set MessageRetentionPeriod=1209600", dead.name, keeps, c.Queue))
	case dead.depth > 0:
		return append(found, finding(doctor.Fix, "dead letters", "%d in %s: see sqs2pg dlq list --queue %s", dead.depth, dead.name, c.Queue))
	}
	return append(found, finding(doctor.OK, "dead letters", "none in %s", dead.name))
}
