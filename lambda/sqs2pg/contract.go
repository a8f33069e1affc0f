package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/contract/trial"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/queue/bodies"
	"sqs2pg/pkg/terminal"
	"sqs2pg/pkg/terminal/variables"
)

// contractFlag names contracts, as CONTRACT does for the functions.
type contractFlag struct {
	Contract string `env:"CONTRACT" placeholder:"NAME|FILE|FOLDER" help:"Contracts, separated by commas: names of those that come with sqs2pg, files, or folders."`
}

// load loads the contracts of one function.
func (f *contractFlag) load() (*routes.Set, error) {
	all, err := f.loadAll()
	if err != nil {
		return nil, err
	}
	set, err := routes.New(all...)
	if err != nil {
		return nil, misuse("%s: %w", variables.Source("--contract", f.Contract, "CONTRACT"), err)
	}
	return set, nil
}

// loadAll loads contracts that may be those of several functions.
func (f *contractFlag) loadAll() ([]*contract.Contract, error) {
	return loadContracts(variables.Source("--contract", f.Contract, "CONTRACT"), f.Contract)
}

// loadContracts loads the contracts that source names. There is no default: a forgotten contract
// would spend good messages on another one.
func loadContracts(source, names string) ([]*contract.Contract, error) {
	if names == "" {
		return nil, misuse("no contract: set --contract or CONTRACT to %s, a file or a folder", strings.Join(contract.Names(contracts.Folder()), ", "))
	}
	all, err := routes.Read(contracts.Folder(), names)
	if err != nil {
		return nil, misuse("%s: %w", source, err)
	}
	return all, nil
}

// loadContract loads one contract.
func loadContract(source, name string) (*contract.Contract, error) {
	all, err := loadContracts(source, name)
	if err == nil && len(all) != 1 {
		return nil, misuse("%s: %d contracts: name one", source, len(all))
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

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

func (a *contractArgument) loadAll() ([]*contract.Contract, error) {
	if a.Argument == "" {
		return a.contractFlag.loadAll()
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
	all, err := c.loadAll()
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
		fmt.Fprintf(s.err, "warning: %s\n", w)
	}
	table := loaded.Table()
	header, rows := table.Listing()
	if c.JSON {
		return encode(s, map[string]any{"contract": loaded.Name(), "table": table.FullName(), "columns": terminal.Objects(header, rows), "warnings": warnings})
	}
	fmt.Fprintf(s.out, "%s: table %s.%s\n", loaded.Name(), table.Schema, table.Name)
	terminal.Table(s.out, header, rows)
	return nil
}

type contractDDL struct {
	contractArgument `embed:""`
}

func (c *contractDDL) Run(s *streams) error {
	all, err := c.loadAll()
	if err != nil {
		return err
	}
	for _, loaded := range all {
		fmt.Fprintln(s.out, schema.DDL(loaded.Table()))
	}
	return nil
}

type contractTry struct {
	contractArgument `embed:""`
	keyringFlag      `embed:""`
	Messages         string `arg:"" optional:"" help:"File with one message per line; the default, -, is standard input."`
}

func (c *contractTry) Run(ctx context.Context, s *streams) error {
	c.arrange()
	all, err := c.loadAll()
	if err != nil {
		return err
	}
	set, err := routes.New(all...)
	if err != nil {
		return misuse("%w", err)
	}
	keyring, err := c.keyrings(s).ForTrial()
	if err != nil {
		return asMisuse(err)
	}
	text, err := bodies.OpenFile(ctx, cmp.Or(c.Messages, "-"), s.input(cmp.Or(c.Messages, "-")), bodies.Options{Unchecked: true})
	if err != nil {
		return unreadable(ctx, err)
	}
	defer text.Close()
	if text.Form != bodies.Lines || text.Mark {
		fmt.Fprintln(s.err, text)
	}
	if text.Count == 0 {
		fmt.Fprintln(s.err, "there was no message")
	}
	return trial.Run(s.out, set, keyring, text)
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
