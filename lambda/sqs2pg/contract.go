package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/terminal"
)

// contractFlag names the contract, as CONTRACT does for the functions.
type contractFlag struct {
	Contract string `default:"user_logins" env:"CONTRACT" placeholder:"NAME|FILE" help:"Contract, by name or file (${default})."`
}

func (f *contractFlag) load() (*contract.Contract, error) { return loadContract(f.Contract) }

func loadContract(name string) (*contract.Contract, error) {
	c, err := contract.Load(contracts.Files, name)
	if err != nil {
		return nil, misuse("%v", err)
	}
	return c, nil
}

// contractCommand works with contracts alone: without a queue or a database.
type contractCommand struct {
	Check contractCheck `cmd:"" help:"Check a contract and list its columns."`
	Ddl   contractDDL   `cmd:"" help:"Print the SQL that migrate would run for a new table."`
	Try   contractTry   `cmd:"" help:"Try messages against a contract: prints the masked row, or field and rule."`
}

type contractCheck struct {
	contractArgument `embed:""`
}

// contractArgument is the contract as an argument.
type contractArgument struct {
	Contract string `arg:"" optional:"" default:"user_logins" placeholder:"NAME|FILE" help:"Contract: the name of one that comes with sqs2pg, or a file (${default})."`
}

func (a *contractArgument) load() (*contract.Contract, error) { return loadContract(a.Contract) }

func (c *contractCheck) Run(s *streams) error {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	for _, w := range loaded.Warnings() {
		fmt.Fprintf(s.err, "warning: %s\n", w)
	}
	table := loaded.Table()
	rows := make([][]string, len(table.Columns))
	for i, col := range table.Columns {
		null := "yes"
		if col.Required {
			null = "no"
		}
		rows[i] = []string{col.Name, col.Type.String(), null, col.Path, col.Mask.String()}
	}
	fmt.Fprintf(s.out, "%s: table %s.%s\n", loaded.Name(), table.Schema, table.Name)
	terminal.Table(s.out, []string{"column", "type", "null", "from", "mask"}, rows)
	return nil
}

type contractDDL struct {
	contractArgument `embed:""`
}

func (c *contractDDL) Run(s *streams) error {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, schema.DDL(loaded.Table()))
	return nil
}

type contractTry struct {
	contractFlag `embed:""`
	keyringFlag  `embed:""`
	File         string `arg:"" optional:"" default:"-" help:"File with one message per line; - is standard input."`
}

func (c *contractTry) Run(s *streams) error {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	keyring, err := c.forTrial(s)
	if err != nil {
		return err
	}
	bodies, err := readLines(c.File, s.in)
	if err != nil {
		return err
	}
	tried, refused := 0, 0
	for i, body := range bodies {
		if isEmpty(body) {
			continue
		}
		tried++
		record, err := loaded.Decode([]byte(body))
		if err != nil {
			refused++
			fmt.Fprintf(s.out, "line %d: refused: %v\n", i+1, err)
			continue
		}
		fmt.Fprintf(s.out, "line %d: %s\n", i+1, strings.Join(rowTexts(loaded, loaded.Mask(keyring, record)), "  "))
	}
	if refused > 0 {
		return fmt.Errorf("the contract refuses %d of %d messages", refused, tried)
	}
	return nil
}

// rowTexts shows a masked row as name=value. Nothing else prints values, and these are of messages
// that the person gave.
func rowTexts(c *contract.Contract, row contract.Row) []string {
	texts := make([]string, row.Len())
	for i, col := range c.Table().Columns {
		texts[i] = col.Name + "=" + valueText(col.Type, row.Value(i))
	}
	return texts
}

func valueText(t contract.Type, v contract.Value) string {
	switch {
	case v.IsNull():
		return "NULL"
	case t == contract.BigInt:
		return fmt.Sprint(v.Int())
	case t == contract.Double:
		return fmt.Sprint(v.Float())
	case t == contract.Boolean:
		return fmt.Sprint(v.Bool())
	case t == contract.UUID:
		return uuid.UUID(v.UUID()).String()
	case t == contract.Date:
		return v.Time().Format(time.DateOnly)
	case t == contract.Timestamptz:
		return v.Time().Format(time.RFC3339Nano)
	default:
		return v.Text()
	}
}
