// Package postgres is the way of masked rows into Postgres: one statement per batch whatever its size (a COPY that falls
// back to it, where that is faster), an outcome per event, and no personal value in any error.
//
// It is the only package that knows pgx, SQLSTATEs and SQL. Callers hand it rows that only pkg/contract can build, so what
// has not been masked cannot be written, and they get back which events were refused and whether the database is there.
// The error texts of Postgres are never passed on: they quote keys, rows and parameters (see [Unavailable] and [Failure]).
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	applicationName = "sqs2pg"

	// maxConns: an environment of a Lambda function works on one batch at a time, and a database has few connections for
	// hundreds of environments. The second one lets a new connection be made while a lost one is still being closed.
	maxConns       = 2
	connectTimeout = 5 * time.Second
	pingTimeout    = 2 * time.Second
)

// ErrConfig is in every error of Open: the settings are wrong, and trying again is of no use.
var ErrConfig = errors.New("database settings")

// Config says which database, as whom.
type Config struct {
	// URL is postgres://user:password@host:port/database?sslmode=verify-full, or the keyword form of libpq. Required.
	// pgxpool's and pgx's own parameters are honoured: pool_max_conns (default 2), connect_timeout (default 5 s),
	// default_query_exec_mode (cache_describe avoids prepared statements). For hosts of RDS the default is sslmode=verify-full with RDS's
	// own roots trusted, and for RDS Proxy cache_describe.
	URL string
	// Credentials, if set, is asked before every new connection and replaces the URL's user and password: for secrets that
	// rotate and tokens that expire. It must be safe for concurrent use.
	Credentials func(ctx context.Context) (user, password string, err error)
	// Refresh, if set, is called when the server has refused what Credentials gave, so that it gives what holds now, and tells
	// whether that is something else. While ctx allows, the connection is tried again in either case: in the middle of a rotation the
	// server has the new password before its secret does.
	Refresh func(ctx context.Context) (changed bool, err error)
}

// Pool holds the connections of one process. It is safe for concurrent use.
type Pool struct {
	pgx     *pgxpool.Pool
	refresh func(context.Context) (changed bool, err error)
}

// Open checks the settings and returns a pool that connects when it is first used; see [Pool.Ping]. Its errors wrap
// ErrConfig, fit on a line and never show the URL, which holds a password.
func Open(ctx context.Context, cfg Config) (*Pool, error) {
	config, err := parse(cfg)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("%w: the pool's parameters in the URL contradict each other", ErrConfig)
	}
	return &Pool{pgx: pool, refresh: cfg.Refresh}, nil
}

func parse(cfg Config) (*pgxpool.Config, error) {
	if strings.TrimSpace(cfg.URL) == "" {
		return nil, fmt.Errorf("%w: the URL is empty: set DATABASE_URL to postgres://user:password@host:5432/database", ErrConfig)
	}
	config, err := parseURL(cfg.URL)
	if err != nil { // its text repeats most of the URL
		return nil, fmt.Errorf("%w: the URL cannot be read: it should look like postgres://user:password@host:5432/database?sslmode=verify-full, "+
			"with special characters of the password percent-encoded", ErrConfig)
	}
	if !sets(cfg.URL, "pool_max_conns") {
		config.MaxConns = maxConns
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	// RDS Proxy refuses statement_timeout and options among the start-up parameters, so there is none but the name.
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = applicationName
	}
	// A sandbox that was frozen between two invocations cannot tell how long: its clock stood still. So every connection is
	// tried before it is used, which is once a batch.
	config.PingTimeout = pingTimeout
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true }
	if cfg.Credentials != nil {
		config.BeforeConnect = func(ctx context.Context, c *pgx.ConnConfig) (err error) {
			c.User, c.Password, err = cfg.Credentials(ctx)
			return err
		}
	}
	return config, nil
}

// Ping makes sure of a connection, without patience: only refused credentials are refreshed and, if they have changed, tried once more.
// Its error is an *Unavailable that says what to do.
func (p *Pool) Ping(ctx context.Context) error {
	err := p.pgx.Ping(ctx)
	if _, changed := p.refreshed(ctx, err); changed {
		err = p.pgx.Ping(ctx)
	}
	if err != nil {
		return unavailable(err)
	}
	return nil
}

// refreshed asks for new credentials if err is a refusal of the old. asked tells whether that was done.
func (p *Pool) refreshed(ctx context.Context, err error) (asked, changed bool) {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || p.refresh == nil || (refused.Code != "28P01" && refused.Code != "28000") {
		return false, false
	}
	changed, err = p.refresh(ctx)
	return err == nil, changed
}

// Close closes the connections once they are given back, and waits for that: up to 15 s for one whose network has died.
func (p *Pool) Close() { p.pgx.Close() }

// Pgx is the pool underneath, for the packages below this one.
func (p *Pool) Pgx() *pgxpool.Pool { return p.pgx }
