package main

import (
	"context"
	"fmt"
	"os"
	"time"

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
	return doctor.Database(ctx, pool, table)
}

func (c *doctorCommand) examineQueue(ctx context.Context) []doctor.Finding {
	q, err := c.open(ctx)
	if err != nil {
		return []doctor.Finding{doctor.Failed("queue", err)}
	}
	return doctor.Queue(ctx, q, c.Timeout)
}
