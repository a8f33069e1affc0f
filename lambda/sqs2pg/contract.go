package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/contract/trial"
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/queue/bodies"
	"sqs2pg/pkg/terminal"
	"sqs2pg/pkg/terminal/variables"
)

// contractCommand works with contracts alone: without a queue or a database.
type contractCommand struct {
	Check contractCheck `cmd:"" help:"Check a contract and list its columns."`
	Ddl   contractDDL   `cmd:"" help:"Print the SQL that migrate would run for a new table."`
	Diff  contractDiff  `cmd:"" help:"Compare two versions of a contract: the table, and the messages that they accept."`
	Try   contractTry   `cmd:"" help:"Try messages against a contract: prints the masked row, or field and rule."`
}

type contractCheck struct {
	contractArgument `embed:""`
	jsonFlag         `embed:""`
}

// contractArgument is the contract as an argument, or by its flag or variable.
type contractArgument struct {
	contractFlag `embed:""`
	Argument     string `arg:"" name:"contract" optional:"" help:"The same as --contract."`
}

func (a *contractArgument) LoadAll() ([]*contract.Contract, error) {
	if a.Argument == "" {
		return a.contractFlag.LoadAll()
	}
	if from := variables.Source("--contract", a.Contract, "CONTRACT"); a.Contract != "" && from == "--contract" && a.Contract != a.Argument {
		return nil, misuse("two contracts: %s and --contract %s: name one", a.Argument, a.Contract)
	}
	all, err := routes.Read(contracts.Folder(), a.Argument)
	if err != nil {
		return nil, misuse("%w", err)
	}
	return all, nil
}

func (c *contractCheck) Help() string {
	return "It names all mistakes at once, with line and column, and fails. It only warns of what is unwise, such as a property that looks personal and has no mask."
}

func (c *contractCheck) Run(s *streams) error {
	all, err := c.LoadAll()
	if err != nil {
		return err
	}
	for _, loaded := range all {
		if err := c.check(s, loaded); err != nil {
			return err
		}
	}
	return nil
}

// check prints the columns and the warnings of one contract.
func (c *contractCheck) check(s *streams, loaded *contract.Contract) error {
	warnings := append(loaded.Warnings(), loaded.Personal()...)
	for _, w := range warnings {
		fmt.Fprintf(s.Err, "warning: %s\n", w)
	}
	table := loaded.Table()
	header, rows := table.Listing()
	if c.JSON {
		return encode(s, map[string]any{"contract": loaded.Name(), "table": table.FullName(), "columns": terminal.Objects(header, rows), "warnings": warnings})
	}
	fmt.Fprintf(s.Out, "%s: table %s.%s\n", loaded.Name(), table.Schema, table.Name)
	terminal.Table(s.Out, header, rows)
	return nil
}

type contractDDL struct {
	contractArgument `embed:""`
}

func (c *contractDDL) Run(s *streams) error {
	all, err := c.LoadAll()
	if err != nil {
		return err
	}
	for _, loaded := range all {
		fmt.Fprintln(s.Out, schema.DDL(loaded.Table()))
	}
	return nil
}

type contractTry struct {
	contractArgument `embed:""`
	keyringFlag      `embed:""`
	JSON             bool   `name:"json" help:"Print one JSON object per message instead."`
	Messages         string `arg:"" optional:"" help:"File with one message per line; the default, -, is standard input."`
}

func (c *contractTry) Run(ctx context.Context, s *streams) error {
	c.arrange()
	all, err := c.LoadAll()
	if err != nil {
		return err
	}
	set, err := routes.New(all...)
	if err != nil {
		return misuse("%w", err)
	}
	keyring, err := c.Keyrings(s).ForTrial()
	if err != nil {
		return flags.AsMisuse(err)
	}
	text, err := bodies.OpenFile(ctx, cmp.Or(c.Messages, "-"), s.Input(cmp.Or(c.Messages, "-")), bodies.Options{Unchecked: true})
	if err != nil {
		return unreadable(ctx, err)
	}
	defer text.Close()
	if text.Form != bodies.Lines || text.Mark {
		fmt.Fprintln(s.Err, text)
	}
	return trial.Run(s.Out, set, keyring, text, c.JSON)
}

// arrange makes a single argument the messages if the contract is named otherwise and the argument
// is not a contract itself. A contract with mistakes is one, too.
func (c *contractTry) arrange() {
	if c.Argument == "" || c.Messages != "" || c.Contract == "" {
		return
	}
	text, _ := os.ReadFile(c.Argument)
	if _, err := routes.Read(contracts.Folder(), c.Argument); err != nil && !bytes.Contains(text, []byte(`"x-table"`)) {
		c.Argument, c.Messages = "", c.Argument
	}
}
