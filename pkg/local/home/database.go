package home

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/localpg"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/login"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/vault"
)

// Database is the Postgres that run loads into.
type Database struct {
	Owner  string // URL of the login that may do everything
	Writer string // URL of the function's login; set by Prepare

	server *localpg.Server // nil: a person has named the database
	log    *os.File        // of the server
}

// Given is a database that a person has named. Its login is used for everything.
func Given(url string) *Database { return &Database{Owner: url} }

// terse keeps rows and statements, which may hold personal values, out of the server's log.
var terse = []string{"log_error_verbosity=terse", "log_min_error_statement=panic"}

// Start starts a Postgres whose files stay in Dir in the folder parent, and says so. The server's log,
// a few lines a start, is beside them. Stop it after use.
func Start(ctx context.Context, parent string, talk io.Writer) (*Database, error) {
	dir := filepath.Join(parent, Dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, "postgres.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	server, err := localpg.Start(ctx, localpg.Options{Dir: filepath.Join(dir, "postgres"), Log: log, Settings: terse})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	fmt.Fprintf(talk, "postgres  started, data in %s\n", server.Dir())
	return &Database{Owner: server.URL("postgres"), server: server, log: log}, nil
}

// WhileUp returns a context that ends when the server that Start has started ends by itself, or when
// ctx ends or cancel is called. [context.Cause] then says what has ended, and what to do.
func (d *Database) WhileUp(ctx context.Context) (up context.Context, cancel func()) {
	up, stop := context.WithCancelCause(ctx)
	if d.server != nil {
		go func() {
			select {
			case <-d.server.Ended():
				stop(fmt.Errorf("the local Postgres has ended by itself: see its log, %s, and start again; the rows are kept", d.log.Name()))
			case <-up.Done():
			}
		}()
	}
	return up, func() { stop(nil) }
}

// Stop stops the server that Start has started.
func (d *Database) Stop() error {
	if d.server == nil {
		return nil
	}
	defer d.log.Close()
	if err := d.server.Stop(); err != nil {
		return fmt.Errorf("stop Postgres: %w", err)
	}
	return nil
}

// Prepare creates or updates the table, finds keyring and vault key or makes them, and compares
// contract and keyring with what the database knows, as Check does. It says what it changes.
func (d *Database) Prepare(ctx context.Context, table contract.Table, keyrings *Keyrings, vaults *Vault, talk io.Writer) (*Keyring, vault.PublicKey, error) {
	pool, err := postgres.Open(ctx, postgres.Config{URL: d.Owner})
	if err != nil {
		return nil, vault.PublicKey{}, err
	}
	defer pool.Close()
	key, err := d.migrate(ctx, pool, table, vaults, talk)
	if err != nil {
		return nil, key, err
	}
	known, err := registry.Look(ctx, pool, table)
	if err != nil {
		return nil, key, err
	}
	keyring, err := keyrings.ForDatabase(pool, known)
	if err != nil {
		return nil, key, err
	}
	// Keyring and database of an earlier release lie in the same folder, so one made the other's
	// tokens.
	if d.server != nil && keyring.From == keyrings.Path {
		if err := schema.ConfirmKeys(ctx, pool, known.ToConfirm(keyring.Keyring)...); err != nil {
			return nil, key, err
		}
	}
	return keyring, key, Check(ctx, pool, table, keyring, talk)
}

// migrate creates or updates the table, and what signs in to it. It returns the key to seal for.
func (d *Database) migrate(ctx context.Context, pool *postgres.Pool, table contract.Table, vaults *Vault, talk io.Writer) (vault.PublicKey, error) {
	key, err := vaults.Find(ctx, pool, table)
	if err != nil {
		return key, err
	}
	report, err := schema.Apply(ctx, pool, table)
	if err != nil {
		return key, err
	}
	fmt.Fprintf(talk, "table     %s\n", strings.ReplaceAll(report.String(), "\n", "\n          "))
	if err := vaults.Register(ctx, pool, key); err != nil {
		return key, err
	}
	if _, err := vaults.Named(ctx, pool, table); err != nil { // the file of the key that the database knows is lost
		return key, err
	}
	return key, d.makeWriter(ctx, pool)
}

// Check compares a table and a keyring with what the database knows. It tells talk of the differences
// that do no harm; the error, that of [registry.Check], has the others.
func Check(ctx context.Context, pool *postgres.Pool, table contract.Table, keyring *Keyring, talk io.Writer) error {
	tolerated, err := registry.Check(ctx, pool, table, keyring.Keyring)
	for _, d := range tolerated {
		fmt.Fprintf(talk, "note: %s\n", d)
	}
	return err
}

// makeWriter makes a login that may only write, in a server that Start has started.
func (d *Database) makeWriter(ctx context.Context, pool *postgres.Pool) error {
	if d.server == nil {
		d.Writer = d.Owner
		return nil
	}
	u, err := url.Parse(d.Owner)
	if err != nil {
		return err
	}
	password := rand.Text()
	u.User = url.UserPassword("ingest", password)
	d.Writer = u.String()
	return login.WithPassword(ctx, pool, u.User.Username(), password)
}

// Kept reports whether a Postgres that run has filled is kept in the folder parent.
func Kept(parent string) bool { return localpg.Kept(filepath.Join(parent, Dir, "postgres")) }

// OpenKept starts the Postgres that is kept in parent and opens it: as a login that may reveal, or as
// the owner. Call stop after use.
func OpenKept(ctx context.Context, parent string, reveals bool, talk io.Writer) (pool *postgres.Pool, stop func(), err error) {
	d, err := Start(ctx, parent, talk)
	if err != nil {
		return nil, nil, err
	}
	if pool, err = postgres.Open(ctx, postgres.Config{URL: d.Owner}); err == nil && reveals {
		defer pool.Close()
		var url string
		if url, err = d.revealer(ctx, pool); err == nil {
			pool, err = postgres.Open(ctx, postgres.Config{URL: url})
		}
	}
	if err != nil {
		return nil, nil, errors.Join(err, d.Stop())
	}
	return pool, func() { pool.Close(); _ = d.Stop() }, nil
}

// revealer makes the login of the person at this machine.
func (d *Database) revealer(ctx context.Context, owner *postgres.Pool) (string, error) {
	u, err := url.Parse(d.Owner)
	if err != nil {
		return "", err
	}
	u.User = url.UserPassword("reveal", rand.Text())
	password, _ := u.User.Password()
	return u.String(), login.ToReveal(ctx, owner, u.User.Username(), password)
}

// Newest returns the newest n rows of the table, as schema.Preview does.
func (d *Database) Newest(ctx context.Context, table contract.Table, n int) (columns []string, rows [][]string, err error) {
	pool, err := postgres.Open(ctx, postgres.Config{URL: d.Owner})
	if err != nil {
		return nil, nil, err
	}
	defer pool.Close()
	return schema.Preview(ctx, pool, table, n)
}
