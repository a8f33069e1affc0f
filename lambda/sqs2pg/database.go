package main

import (
	"context"
	"crypto/rand"
	"errors"
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

// settings returns the DATABASE_* settings that the flag replaces. A flag wins over all of them;
// without one it returns an error if there is no database at all.
func (f *databaseFlag) settings() (map[string]string, error) {
	if f.DatabaseURL == "" && !anySet("DATABASE_SECRET_ID", "DATABASE_IAM_AUTH") {
		return nil, errNoDatabase
	}
	given := map[string]string{"DATABASE_URL": f.DatabaseURL}
	if f.source() == "--database-url" {
		given["DATABASE_SECRET_ID"], given["DATABASE_IAM_AUTH"] = "", ""
	}
	return given, nil
}

func (f *databaseFlag) source() string {
	if f.DatabaseURL == "" {
		return ""
	}
	return source("--database-url", f.DatabaseURL, "DATABASE_URL")
}

// openDatabase opens the database of the flag or of DATABASE_SECRET_ID or DATABASE_IAM_AUTH, and
// tries one connection. Its error names the flag or the variable.
func (f *databaseFlag) openDatabase(ctx context.Context) (*postgres.Pool, error) {
	given, err := f.settings()
	if err != nil {
		return nil, err
	}
	env := settings.Environment{Getenv: func(name string) string {
		if value, ok := given[name]; ok {
			return value
		}
		return os.Getenv(name)
	}}
	pool, err := env.Open(ctx)
	if inner := errors.Unwrap(err); inner != nil && f.source() == "--database-url" {
		return nil, fmt.Errorf("--database-url: %w", inner) // and not DATABASE_URL
	}
	return pool, err
}

// runDatabase is the database that run loads into.
type runDatabase struct {
	given         bool   // by --database-url, with the rights that its login has
	owner, writer string // URLs. writer is the function's and is known after migrate
	stop          func()
}

// startDatabase returns the database of the flag, or starts one whose files stay in .sqs2pg.
func startDatabase(ctx context.Context, s *streams, flag databaseFlag) (*runDatabase, error) {
	if flag.DatabaseURL != "" {
		pool, err := flag.openDatabase(ctx)
		if err != nil {
			return nil, err
		}
		pool.Close()
		return &runDatabase{owner: flag.DatabaseURL, given: true, stop: func() {}}, nil
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
