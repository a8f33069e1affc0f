package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/local/demo"
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/local/invoker"
	"sqs2pg/pkg/local/sqsserver"
)

// runCommand is the whole product on one machine. It stops everything that it starts. The rows and
// the keyring stay in .sqs2pg.
type runCommand struct {
	keyringFlag `embed:""`
	vaultFlag   `embed:""`
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"Load into this Postgres; default: one started here, its data kept in .sqs2pg."`
	Messages    int    `default:"100" help:"How many messages to send; one in a hundred is not a login."`
	BatchSize   int    `default:"10" help:"Messages per invocation at most: 1-10000."`
	Concurrency int    `default:"2" help:"Batches in flight at a time."`
	Function    string `placeholder:"FILE" help:"Another bootstrap for the function; default: this program."`
	Stay        bool   `help:"Keep Postgres, SQS and the function running at the end, until Ctrl-C."`
}

const (
	runContract  = "user_logins"
	largestBatch = 10_000
)

// check returns the path of the bootstrap, or everything that is wrong with the flags.
func (c *runCommand) check() (bootstrap string, err error) {
	var wrong []string
	for _, n := range []struct {
		flag        string
		value, most int
	}{{"--messages", c.Messages, math.MaxInt}, {"--batch-size", c.BatchSize, largestBatch}, {"--concurrency", c.Concurrency, math.MaxInt}} {
		switch {
		case n.value < 1:
			wrong = append(wrong, fmt.Sprintf("%s is %d: it must be 1 or more", n.flag, n.value))
		case n.value > n.most:
			wrong = append(wrong, fmt.Sprintf("%s is %d: it must be %d or less", n.flag, n.value, n.most))
		}
	}
	bootstrap, err = flags.BootstrapPath(c.Function)
	if err != nil {
		return "", err
	}
	if f := doctor.Function(bootstrap); f.Verdict == doctor.Fix {
		wrong = append(wrong, f.Text)
	}
	if wrong != nil {
		return "", misuse("%s", strings.Join(wrong, "; "))
	}
	return bootstrap, nil
}

func (c *runCommand) Run(ctx context.Context, s *streams) error {
	bootstrap, err := c.check()
	if err != nil {
		return err
	}
	login, err := contract.Load(contracts.Folder(), runContract)
	if err != nil {
		return err
	}
	db, err := c.database(ctx, s)
	if err != nil {
		return err
	}
	defer func() {
		if err := db.Stop(); err != nil {
			fmt.Fprintln(s.Err, err)
		}
	}()
	keyring, public, err := db.Prepare(ctx, login.Table(), c.Keyrings(s), c.Keys(s), s.Err)
	if err != nil {
		return flags.AsMisuse(err)
	}
	endpoint, err := sqsserver.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer endpoint.Close()
	d := demo.Demo{
		Database: db, Endpoint: endpoint.URL, Contract: login,
		Function: invoker.Function{
			Bootstrap: bootstrap, Timeout: 30 * time.Second, Env: invoker.Environ(os.Getenv, map[string]string{
				"DATABASE_URL": db.Writer, "DATABASE_SECRET_ID": "", "DATABASE_IAM_AUTH": "",
				"MASK_KEYRING": keyring.Text, "MASK_SECRET_ID": "", "CONTRACT": login.Name(), "VAULT_PUBLIC_KEY": public.String(),
			})},
		Messages: c.Messages, BatchSize: c.BatchSize, Concurrency: c.Concurrency, Program: os.Args[0], Out: s.Out, Talk: s.Err,
	}
	if err := d.Load(ctx); err != nil {
		return flags.AsMisuse(err)
	}
	if !c.Stay {
		if c.DatabaseURL == "" { // else the person knows which login may reveal
			d.Hint()
		}
		return nil
	}
	return flags.AsMisuse(d.Stay(ctx))
}

// database returns the given database after one connection to it, or starts one.
func (c *runCommand) database(ctx context.Context, s *streams) (*home.Database, error) {
	if c.DatabaseURL == "" {
		return home.Start(ctx, s.Dir, s.Err)
	}
	pool, err := (&databaseFlag{DatabaseURL: c.DatabaseURL}).OpenDatabase(ctx)
	if err != nil {
		return nil, err
	}
	flags.PrintDatabase(s, pool)
	pool.Close()
	return home.Given(c.DatabaseURL), nil
}
