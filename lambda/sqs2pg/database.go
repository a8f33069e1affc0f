package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/localpg"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/settings"
	"sqs2pg/pkg/terminal"
)

var errNoDatabase = misuse("no database: set DATABASE_URL or --database-url, or try `sqs2pg run`, which starts its own")

// databaseFlag is the database: the URL of its owner for migrate, that of the writer for the
// function.
type databaseFlag struct {
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"Postgres, as postgres://user:password@host:5432/name."`
}

// openDatabase opens it, by the flag or else by DATABASE_SECRET_ID or DATABASE_IAM_AUTH.
func (f *databaseFlag) openDatabase(ctx context.Context) (*postgres.Pool, error) {
	if f.DatabaseURL == "" && !anySet("DATABASE_SECRET_ID", "DATABASE_IAM_AUTH") {
		return nil, errNoDatabase
	}
	env := settings.Environment{Getenv: func(name string) string {
		if name == "DATABASE_URL" {
			return f.DatabaseURL
		}
		return os.Getenv(name)
	}}
	return env.Open(ctx)
}

// runDatabase is the database that run loads into.
type runDatabase struct {
	given         bool   // by --database-url, with the rights that its login has
	owner, writer string // URLs. writer is the function's and is known after migrate
	stop          func()
}

// startDatabase returns the database at url, or starts one whose files are kept in dir.
func startDatabase(ctx context.Context, s *streams, url string) (*runDatabase, error) {
	if url != "" {
		return &runDatabase{owner: url, given: true, stop: func() {}}, nil
	}
	server, err := localpg.Start(ctx, localpg.Options{Dir: filepath.Join(s.dir, stateDir, "postgres")})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.err, "postgres  started, data in %s\n", server.Dir())
	return &runDatabase{owner: server.URL("postgres"), stop: func() {
		if err := server.Stop(); err != nil {
			fmt.Fprintf(s.err, "stop Postgres: %v\n", err)
		}
	}}, nil
}

// prepare creates the table, finds the keyring and compares both with what the database knows.
func (d *runDatabase) prepare(ctx context.Context, s *streams, f *keyringFlag, table contract.Table) (*localKeyring, error) {
	pool, err := postgres.Open(ctx, postgres.Config{URL: d.owner})
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if err := d.migrate(ctx, s, pool, table); err != nil {
		return nil, err
	}
	database, err := registry.Look(ctx, pool, table)
	if err != nil {
		return nil, err
	}
	keyring, err := f.forDatabase(s, pool, database)
	if err != nil {
		return nil, err
	}
	// Keyring and database of an earlier release lie in the same folder, so one made the other's
	// tokens.
	if len(database.Unconfirmed) > 0 && !d.given && keyring.from == f.keyringPath(s) {
		if err := schema.ConfirmKeys(ctx, pool, keyring.Fingerprints()...); err != nil {
			return nil, err
		}
	}
	return keyring, checkRegistry(ctx, s, pool, table, keyring.Keyring)
}

// migrate creates the table. In a server that run has started it also makes the function's login,
// which may only write.
func (d *runDatabase) migrate(ctx context.Context, s *streams, pool *postgres.Pool, table contract.Table) error {
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
	password := rand.Text()
	u.User = url.UserPassword("ingest", password)
	d.writer = u.String()
	return schema.Login(ctx, pool, u.User.Username(), password)
}

// show prints the newest rows.
func (d *runDatabase) show(ctx context.Context, s *streams, table contract.Table) error {
	pool, err := postgres.Open(ctx, postgres.Config{URL: d.owner})
	if err != nil {
		return err
	}
	defer pool.Close()
	columns, rows, err := postgres.Preview(ctx, pool, table, rowsShown)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "select * from %s order by sent_at desc limit %d;\n", table.Name, rowsShown)
	terminal.Table(s.out, columns, rows)
	return nil
}
