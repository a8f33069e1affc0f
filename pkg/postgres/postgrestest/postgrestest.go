// Package postgrestest gives each test its own migrated Postgres database, in some tens of
// milliseconds. Each test process has one server, each set of tables one template database, each
// test one clone of it.
//
// A test's pool has the same role as the deployed function's and may only write, so every test
// shows a missing privilege. Tests set up and read as the owner.
package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/localpg"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/schema"
)

// Database belongs to one test. Its methods fail the test that they are given if there is an error.
// They are safe for concurrent use.
type Database struct {
	Pool     *postgres.Pool // as the writer
	URL      string         // as the writer, for other processes
	OwnerURL string         // may do everything
}

// Main runs the tests, and stops the servers that they started. Use it as
//
//	func TestMain(m *testing.M) { postgrestest.Main(m) }
//
// With TEST_POOLER=pgbouncer the writers' connections go through a pgbouncer, and with
// TEST_POSTGRES=download the server is the Postgres that package localpg downloads.
//
// The server of tests is not durable; the server of benchmarks is. If DATABASE_URL is set, that
// server is used instead. Its user must be allowed to create databases and roles.
func Main(m *testing.M) {
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "postgrestest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// New makes a database with the tables in it, and drops it when the test ends.
func New(tb testing.TB, tables ...contract.Table) *Database {
	tb.Helper()
	ctx := tb.Context()
	if err := shared.start(ctx); err != nil {
		tb.Fatal("no Postgres for the tests: ", err)
	}
	name, err := shared.clone(ctx, tables)
	if err != nil {
		tb.Fatal("test database: ", err)
	}
	tb.Cleanup(func() { shared.drop(tb, name) })
	db := &Database{URL: shared.writerURL(name), OwnerURL: shared.ownerURL(name)}
	if os.Getenv("TEST_POOLER") != "" {
		db.URL = db.PoolerURL(tb)
	}
	db.Pool = Open(tb, db.URL)
	return db
}

// Open opens a pool that is closed when the test ends.
func Open(tb testing.TB, url string) *postgres.Pool {
	tb.Helper()
	pool, err := postgres.Open(tb.Context(), postgres.Config{URL: url})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// Exec runs statements as the owner. With arguments sql must be a single statement.
func (db *Database) Exec(tb testing.TB, sql string, args ...any) {
	tb.Helper()
	db.as(tb, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, args...)
		return err
	})
}

// Query runs a query as the owner and returns its rows. Each value is as Postgres prints it, and
// NULL is "NULL".
func (db *Database) Query(tb testing.TB, sql string, args ...any) [][]string {
	tb.Helper()
	var all [][]string
	db.as(tb, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sql, append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, args...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var row []string
			for _, value := range rows.RawValues() {
				if value == nil {
					row = append(row, "NULL")
				} else {
					row = append(row, string(value))
				}
			}
			all = append(all, row)
		}
		return rows.Err()
	})
	return all
}

// QueryStrings returns the first column of what Query returns.
func (db *Database) QueryStrings(tb testing.TB, sql string, args ...any) []string {
	tb.Helper()
	var first []string
	for _, row := range db.Query(tb, sql, args...) {
		first = append(first, row[0])
	}
	return first
}

func (db *Database) as(tb testing.TB, do func(context.Context, *pgx.Conn) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute)
	defer cancel()
	if err := withConn(ctx, db.OwnerURL, func(conn *pgx.Conn) error { return do(ctx, conn) }); err != nil {
		tb.Fatal(err)
	}
}

func withConn(ctx context.Context, url string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

// server is shared by all tests of a process.
type server struct {
	mu        sync.Mutex
	local     *localpg.Server // nil if DATABASE_URL is set
	base      string          // the owner's URL of any database
	role      string          // the login of the tests' pools
	password  string
	templates map[string]string // database name by set of tables
	clones    int
	pooler    *Pooler // nil until a test needs it
}

var shared server

// start starts the server, if no test has, and chooses the writer's login.
func (s *server) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.base != "" {
		return nil
	}
	base := os.Getenv("DATABASE_URL")
	if base == "" {
		local, err := localpg.Start(ctx, localpg.Options{Durable: benchmarking(), Download: os.Getenv("TEST_POSTGRES") == "download"})
		if err != nil {
			return err
		}
		s.local, base = local, local.URL("postgres")
	}
	s.base, s.templates = base, map[string]string{}
	s.role, s.password = "sqs2pg_test_"+strings.ToLower(rand.Text()[:8]), rand.Text()
	return nil
}

// benchmarking reports whether benchmarks run. They must measure a server that writes to the disk,
// like a real one.
func benchmarking() bool {
	f := flag.Lookup("test.bench")
	return f != nil && f.Value.String() != ""
}

// clone copies the template of the tables. The first test that asks for these tables makes the
// template.
func (s *server) clone(ctx context.Context, tables []contract.Table) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := fmt.Sprintf("%+v", tables)
	template, ok := s.templates[set]
	if !ok {
		template = fmt.Sprintf("%s_template%d", s.role, len(s.templates))
		if err := s.makeTemplate(ctx, template, tables); err != nil {
			return "", err
		}
		s.templates[set] = template
	}
	s.clones++
	name := fmt.Sprintf("%s_%d", s.role, s.clones)
	return name, s.admin(ctx, "create database "+name+" template "+template)
}

func (s *server) makeTemplate(ctx context.Context, name string, tables []contract.Table) error {
	if err := s.admin(ctx, "create database "+name); err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: s.ownerURL(name)})
	if err != nil {
		return err
	}
	defer pool.Close() // a template must have no connections
	if _, err := schema.Apply(ctx, pool, tables...); err != nil {
		return err
	}
	if len(tables) > 0 { // else the database is not migrated
		if err := registerVaultKey(ctx, pool); err != nil {
			return err
		}
	}
	if len(s.templates) > 0 {
		return nil
	}
	return s.admin(ctx, fmt.Sprintf("create role %s login password '%s' in role sqs2pg_writer", s.role, s.password))
}

func (s *server) admin(ctx context.Context, sql string) error {
	return withConn(ctx, s.base, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql)
		return err
	})
}

func (s *server) drop(tb testing.TB, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 30*time.Second)
	defer cancel()
	if err := s.admin(ctx, "drop database if exists "+name+" with (force)"); err != nil {
		tb.Error("drop test database: ", err)
	}
}

// stop removes the server. From a server that DATABASE_URL names it removes what the tests made.
func (s *server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pooler != nil {
		s.pooler.Stop()
	}
	if s.local != nil {
		return s.local.Stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs []error
	for _, template := range s.templates {
		errs = append(errs, s.admin(ctx, "drop database if exists "+template+" with (force)"))
	}
	if len(s.templates) > 0 {
		errs = append(errs, s.admin(ctx, "drop role if exists "+s.role))
	}
	return errors.Join(errs...)
}

func (s *server) ownerURL(database string) string { return s.url(database, nil) }

func (s *server) writerURL(database string) string {
	return s.url(database, url.UserPassword(s.role, s.password))
}

func (s *server) url(database string, user *url.Userinfo) string {
	u, err := url.Parse(s.base)
	if err != nil {
		panic("postgrestest: DATABASE_URL must be a URL")
	}
	u.Path = "/" + database
	if user != nil {
		u.User = user
	}
	return u.String()
}
