package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/project"
	"sqs2pg/pkg/stack"
	"sqs2pg/pkg/terminal"
	"sqs2pg/pkg/terminal/variables"
)

// doctorCommand looks at everything that invoke needs and changes nothing.
type doctorCommand struct {
	Queue         string `placeholder:"NAME|URL" help:"Queue name or URL."`
	Stack         string `placeholder:"NAME" help:"A deployed stack instead: its mapping, queue, keys, secrets, database and alarms."`
	endpointFlags `embed:""`
	databaseFlag  `embed:""`
	contractFlag  `embed:""`
	keyringFlag   `embed:""`
	Function      string        `placeholder:"FILE" help:"The function's bootstrap; default: this program."`
	Timeout       time.Duration `default:"30s" help:"Time limit of one invocation, which the queue's visibility timeout must allow for."`
	Window        time.Duration `default:"0s" help:"Batch window of the mapping, which the visibility timeout must allow for too."`
	JSON          bool          `name:"json" help:"Print one JSON object instead."`
}

// Help is shown below the flags.
func (c *doctorCommand) Help() string {
	return "Prints a line for each thing: ok, or fix and what to do. Exits with 1 if there is something to fix."
}

func (c *doctorCommand) Run(ctx context.Context, s *streams) error {
	found, err := c.examine(ctx, s)
	if err != nil {
		return err
	}
	fixes, style := 0, terminal.StyleOf(s.out)
	for i, f := range found {
		if f.Verdict == doctor.Fix {
			fixes++
		}
		found[i].Text = variables.Explain(f.Text)
		if !c.JSON {
			fmt.Fprintf(s.out, "%s %-12s %s\n", coloured(style, f.Verdict), f.Subject, found[i].Text)
		}
	}
	if c.JSON {
		if err := json.NewEncoder(s.out).Encode(map[string]any{"fixes": fixes, "findings": found}); err != nil {
			return err
		}
	}
	if fixes > 0 {
		return fmt.Errorf("%d to fix", fixes)
	}
	return nil
}

// coloured is a verdict in its column.
func coloured(style terminal.Style, v doctor.Verdict) string {
	text := fmt.Sprintf("%-4s", v)
	switch v {
	case doctor.Fix:
		return style.Bad(text)
	case doctor.Note:
		return style.Warn(text)
	}
	return style.Good(text)
}

func (c *doctorCommand) examine(ctx context.Context, s *streams) ([]doctor.Finding, error) {
	if c.Stack != "" {
		cfg, err := c.place().Config(ctx)
		if err != nil {
			return nil, asMisuse(err)
		}
		return stack.Examine(ctx, cfg, c.Stack), nil
	}
	loaded, err := c.load()
	var found []doctor.Finding
	if err != nil {
		found = append(found, doctor.Failed("contract", err))
	} else {
		found = append(found, doctor.Contracts(loaded.Contracts())...)
	}
	keyring, keys := c.examineKeyring(ctx, s)
	queue, kept := c.examineQueue(ctx)
	database, refusal := c.examineDatabase(ctx, s, loaded, keyring, kept)
	if refusal != nil {
		keys = []doctor.Finding{doctor.Failed("keyring", refusal)}
	}
	found = append(found, keys...)
	found = append(append(found, c.examineFunction()), queue...)
	return append(found, database...), nil
}

// examineKeyring reads the keyring where the function will read it. It is nil if it cannot be used.
func (c *doctorCommand) examineKeyring(ctx context.Context, s *streams) (*mask.Keyring, []doctor.Finding) {
	switch {
	case anySet("MASK_SECRET_ID"):
		k, err := secretKeyring(ctx)
		if err != nil {
			return nil, []doctor.Finding{doctor.Failed("keyring", err)}
		}
		return k.Keyring, []doctor.Finding{doctor.UsableKeyring(k.Keyring, "the secret "+os.Getenv("MASK_SECRET_ID"))}
	case c.Keyring != "":
		k, found := doctor.Keyring([]byte(c.Keyring), variables.Source("--keyring", c.Keyring, "MASK_KEYRING"))
		return k, []doctor.Finding{found}
	}
	k := c.keyrings(s)
	return doctor.KeyringFile(k.Path, k.Exists)
}

func (c *doctorCommand) examineFunction() doctor.Finding {
	path, err := bootstrapPath(c.Function)
	if err != nil {
		return doctor.Failed("function", err)
	}
	return doctor.Function(path)
}

// examineDatabase tries to connect, and compares the database with the contract if there is one. The
// error is that of invoke if there is no keyring and the database allows none to be made.
func (c *doctorCommand) examineDatabase(ctx context.Context, s *streams, loaded *routes.Set, keyring *mask.Keyring, kept time.Duration) ([]doctor.Finding, error) {
	pool, err := c.openDatabase(ctx)
	if err != nil {
		return []doctor.Finding{doctor.Failed("database", err)}, nil
	}
	defer pool.Close()
	if loaded == nil {
		return []doctor.Finding{{Verdict: doctor.OK, Subject: "database", Text: "reached"}}, nil
	}
	return doctor.Databases(ctx, pool, loaded.Tables(), keyring, kept), c.keyringRefusal(ctx, s, pool, loaded.Tables()[0])
}

// keyringRefusal says why invoke would make no keyring. It is nil if there is one, usable or not.
func (c *doctorCommand) keyringRefusal(ctx context.Context, s *streams, pool *postgres.Pool, table contract.Table) error {
	keyrings := c.keyrings(s)
	if k, err := keyrings.Existing(); k != nil || err != nil || anySet("MASK_SECRET_ID") {
		return nil
	}
	known, err := registry.Look(ctx, pool, table)
	if err != nil {
		return nil // examineDatabase says so
	}
	return keyrings.Refusal(pool, known)
}

func (c *doctorCommand) examineQueue(ctx context.Context) (found []doctor.Finding, kept time.Duration) {
	if c.Queue == "" {
		return []doctor.Finding{doctor.Failed("queue", errors.New("no queue: set --queue or SQS2PG_QUEUE, or queue in "+project.FileName))}, 0
	}
	q, err := (&queueFlags{c.Queue, c.endpointFlags}).open(ctx)
	if err != nil {
		return []doctor.Finding{doctor.Failed("queue", err)}, 0
	}
	return doctor.Queue(ctx, q, c.Timeout, c.Window)
}
