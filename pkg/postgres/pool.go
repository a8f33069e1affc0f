// Package postgres writes masked rows into Postgres. A batch of any size is one statement; a large
// batch is a COPY where that is faster. The caller learns the outcome of each event, and no error
// holds a personal value.
//
// Only this package and those below it know pgx, SQLSTATEs and SQL. The rows come from
// pkg/contract, and nothing else can build one, so unmasked values cannot be written. Postgres's
// error texts quote keys, rows and parameters, so they are never passed on: see [Unavailable] and
// [Failure].
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/postgres/dsn"
	"sqs2pg/pkg/postgres/heard"
)

const (
	applicationName = "sqs2pg"

	// maxConns is small because an environment of a Lambda function works on one batch at a time,
	// and hundreds of environments share the few connections of a database. A batch uses two at
	// most, for two tables. Two more can be opened while lost ones are being closed: a connection
	// that nobody answers keeps its place in the pool for 15 s.
	maxConns       = 4
	connectTimeout = 5 * time.Second
)

// ErrConfig is in every error of Open: the settings are wrong, and trying again does not help.
var ErrConfig = errors.New("database settings")

// Config says which database to use, and as which user.
type Config struct {
	// URL is postgres://user:password@host:port/database?sslmode=verify-full, or the keyword form
	// of libpq. Required. The parameters of pgxpool and pgx may be used: pool_max_conns (default
	// 4), connect_timeout (default 5 s), default_query_exec_mode. sslmode is verify-full by
	// default, except for a server on this machine, and RDS's own roots are trusted for hosts of
	// RDS. By default the writer's statement is prepared on direct connections, and no statement is
	// prepared behind a pooler.
	URL string
	// Credentials, if set, is called before every new connection and replaces the URL's user and
	// password. It serves secrets that rotate and tokens that expire. It must be safe for
	// concurrent use.
	Credentials func(ctx context.Context) (user, password string, err error)
	// Refresh, if set, is called when the server or its pooler has refused what Credentials gave.
	// It makes Credentials give the current values, and reports whether they have changed. The
	// connection is tried again in both cases while ctx allows: during a rotation the server has
	// the new password before the secret.
	Refresh func(ctx context.Context) (changed bool, err error)
}

// Pool holds the connections of one process. It is safe for concurrent use.
type Pool struct {
	pgx        *pgxpool.Pool
	mode       pgx.QueryExecMode // what the URL says; 0 if it says nothing
	refresh    func(context.Context) (changed bool, err error)
	tokens     bool        // each connection gets new credentials
	unprepared atomic.Bool // prepared statements were lost more than once
}

// Open checks the settings and returns a pool that connects when it is first used; see [Pool.Ping].
// Its errors wrap ErrConfig, are one line long and never show the URL, which holds a password.
func Open(ctx context.Context, cfg Config) (*Pool, error) {
	config, mode, err := parse(cfg)
	if err != nil {
		return nil, err
	}
	pgxPool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("%w: the pool parameters in the URL contradict each other: correct or remove those that begin with pool_", ErrConfig)
	}
	return &Pool{pgx: pgxPool, mode: mode, refresh: cfg.Refresh, tokens: cfg.Credentials != nil && cfg.Refresh == nil}, nil
}

// parse returns the pool's configuration, and the exec mode that the URL chooses, 0 for none.
func parse(cfg Config) (*pgxpool.Config, pgx.QueryExecMode, error) {
	if strings.TrimSpace(cfg.URL) == "" {
		return nil, 0, fmt.Errorf("%w: the URL is empty: set DATABASE_URL to postgres://user:password@host:5432/database", ErrConfig)
	}
	config, mode, err := dsn.Parse(cfg.URL)
	if err != nil { // err's text repeats most of the URL
		return nil, 0, fmt.Errorf("%w: the URL cannot be read: it should look like postgres://user:password@host:5432/database?sslmode=verify-full, "+
			"with special characters of the password percent-encoded", ErrConfig)
	}
	if !dsn.Sets(cfg.URL, "pool_max_conns") {
		config.MaxConns = maxConns
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	// RDS Proxy refuses the start-up parameters statement_timeout and options, so only the name is
	// sent.
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = applicationName
	}
	// A sandbox that was frozen between two invocations cannot tell for how long: its clock stood
	// still. So every connection is tested before it is used, unless its user does that.
	config.ConnConfig.DialFunc = heard.Dial(config.ConnConfig.DialFunc)
	config.PingTimeout = heard.Timeout
	config.ShouldPing = func(ctx context.Context, _ pgxpool.ShouldPingParams) bool { return ctx.Value(unpinged{}) == nil }
	if mode == 0 {
		// Behind a pooler a named prepared statement is soon missing or in the way. Descriptions of
		// statements, which the client keeps, work everywhere.
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		config.AfterConnect = findPooler
	}
	if cfg.Credentials != nil {
		config.BeforeConnect = func(ctx context.Context, c *pgx.ConnConfig) (err error) {
			c.User, c.Password, err = cfg.Credentials(ctx)
			return err
		}
	}
	return config, mode, nil
}

// Ping checks that the database can be reached. It does not wait for a database that is down.
// Refused credentials are refreshed and, if they have changed, tried once more. Its error is an
// *Unavailable that says what to do.
func (p *Pool) Ping(ctx context.Context) error {
	err := p.pgx.Ping(ctx)
	if asked, changed := p.refreshed(ctx, err); changed || asked && p.tokens {
		err = p.pgx.Ping(ctx)
	}
	if err != nil {
		return p.unavailable(err)
	}
	return nil
}

// refreshed fetches new credentials if err says that the server refused the old ones. asked reports
// whether it did, changed whether the new ones are known to differ. Tokens need not be fetched: the
// next connection gets a new one.
func (p *Pool) refreshed(ctx context.Context, err error) (asked, changed bool) {
	switch {
	case !refusesCredentials(err):
		return false, false
	case p.refresh == nil:
		return p.tokens, false
	}
	changed, err = p.refresh(ctx)
	return err == nil, changed
}

// unavailable is NewUnavailable, except that the refusal of a token may pass.
func (p *Pool) unavailable(err error) *Unavailable {
	u := NewUnavailable(err, nil)
	if p.tokens && refusesCredentials(err) {
		u.Passing = true
	}
	return u
}

// Where says which database it is: "NAME at HOST:PORT". It holds no user and no password, and does
// not connect.
func (p *Pool) Where() string {
	c := p.pgx.Config().ConnConfig
	return fmt.Sprintf("%s at %s", cmp.Or(c.Database, "(default)"), net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))))
}

// Close waits until all connections have been returned, then closes them. One whose network is dead
// takes up to 15 s.
func (p *Pool) Close() { p.pgx.Close() }

// Pgx is the pool underneath. Only the packages below this one use it, and a test makes sure of
// that.
func (p *Pool) Pgx() *pgxpool.Pool { return p.pgx }
