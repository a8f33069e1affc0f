package main

import (
	"context"
	"fmt"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/mask"
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
	keyring, finding := c.examineKeyring(ctx, s)
	found = append(found, finding, c.examineFunction())
	found = append(found, c.examineQueue(ctx)...)
	if loaded != nil {
		found = append(found, c.examineDatabase(ctx, loaded.Table(), keyring)...)
	}
	return found
}

// examineKeyring returns the keyring that invoke would use, nil if there is none yet.
func (c *doctorCommand) examineKeyring(ctx context.Context, s *streams) (*mask.Keyring, doctor.Finding) {
	if anySet("MASK_SECRET_ID") {
		k, err := secretKeyring(ctx)
		if err != nil {
			return nil, doctor.Failed("keyring", err)
		}
		return k.Keyring, doctor.Keyring(k.Keyring, k.from)
	}
	k, err := c.existing(s)
	switch {
	case err != nil:
		return nil, doctor.Failed("keyring", err)
	case k == nil:
		return nil, doctor.Finding{Verdict: doctor.OK, Subject: "keyring", Text: "no keyring yet: the first invoke makes one in " + c.keyringPath(s) + " if the database holds no tokens"}
	}
	return k.Keyring, doctor.Keyring(k.Keyring, k.from)
}

func (c *doctorCommand) examineFunction() doctor.Finding {
	path, err := bootstrapPath(c.Function)
	if err != nil {
		return doctor.Failed("function", err)
	}
	return doctor.Function(path)
}

func (c *doctorCommand) examineDatabase(ctx context.Context, table contract.Table, keyring *mask.Keyring) []doctor.Finding {
	pool, err := c.openDatabase(ctx)
	if err != nil {
		return []doctor.Finding{doctor.Failed("database", err)}
	}
	defer pool.Close()
	return doctor.Database(ctx, pool, table, keyring)
}

func (c *doctorCommand) examineQueue(ctx context.Context) []doctor.Finding {
	q, err := c.open(ctx)
	if err != nil {
		return []doctor.Finding{doctor.Failed("queue", err)}
	}
	return doctor.Queue(ctx, q, c.Timeout)
}
