package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/schema"
)

// contractFlag names the contract, as it does for the functions.
type contractFlag struct {
	Contract string `default:"user_logins" env:"CONTRACT" placeholder:"NAME|FILE" help:"Contract, by name or file (${default})."`
}

func (f *contractFlag) load() (*contract.Contract, error) {
	c, err := contract.Load(contracts.Files, f.Contract)
	if err != nil {
		return nil, misuse("%v", err)
	}
	return c, nil
}

// contractCommand works with contracts offline: no queue, no database.
type contractCommand struct {
	Check contractCheck `cmd:"" help:"Check a contract and list its columns."`
	Ddl   contractDDL   `cmd:"" help:"Print the SQL that migrate would run for a new table."`
	Try   contractTry   `cmd:"" help:"Try messages against a contract: prints the masked row, or field and rule."`
}

type contractCheck struct {
	contractArgument `embed:""`
}

// contractArgument is the contract as an argument, for the commands that are about nothing else.
type contractArgument struct {
	Contract string `arg:"" optional:"" default:"user_logins" placeholder:"NAME|FILE" help:"Contract: the name of one that comes with sqs2pg, or a file (${default})."`
}

func (a *contractArgument) load() (*contract.Contract, error) {
	return (&contractFlag{a.Contract}).load()
}

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
	printTable(s.out, []string{"column", "type", "null", "from", "mask"}, rows)
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
	File         string `arg:"" optional:"" default:"-" help:"File with one message a line; - is standard input."`
}

func (c *contractTry) Run(s *streams) error {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	keyring, err := c.keyring(s)
	if err != nil {
		return err
	}
	bodies, err := (&sendCommand{File: c.File}).bodies(s.in)
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
		return fmt.Errorf("%d of %d messages are against the contract", refused, tried)
	}
	return nil
}

// rowTexts shows a masked row as name=value. It is the one place that prints values: of messages that the person gave.
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

// stateDir is where the local commands keep what must outlive them: the keyring, and Postgres's files.
const stateDir = ".sqs2pg"

// keyringFlag is the masking keyring of the local commands.
type keyringFlag struct {
	Keyring string `env:"MASK_KEYRING" hidden:"" help:"Masking keyring (JSON); the default is made once and kept in .sqs2pg/keyring.json."`
}

// keyring reads the keyring and checks it. Its JSON is in f.Keyring from then on, for the function's environment.
func (f *keyringFlag) keyring(s *streams) (*mask.Keyring, error) {
	text, err := f.text(s)
	if err != nil {
		return nil, err
	}
	k, err := mask.ParseKeyring([]byte(text))
	if err != nil {
		return nil, misuse("MASK_KEYRING: %v", err)
	}
	f.Keyring = text
	return k, nil
}

// text returns the keyring's JSON, making and keeping one where there is none.
func (f *keyringFlag) text(s *streams) (string, error) {
	if f.Keyring != "" {
		return f.Keyring, nil
	}
	path := filepath.Join(s.dir, stateDir, "keyring.json")
	kept, err := os.ReadFile(path)
	if err == nil {
		return string(kept), nil
	}
	if !os.IsNotExist(err) {
		return "", err
	}
	made := mask.GenerateKeyring()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(path, made, 0o600); err != nil {
		return "", err
	}
	fmt.Fprintf(s.err, "made a masking keyring in %s; tokens stay equal as long as it is kept\n", path)
	return string(made), nil
}
