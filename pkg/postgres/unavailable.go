package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"sqs2pg/pkg/postgres/sqlstate"
)

// Unavailable is the only form in which this package and those below it pass on a database error.
// The database cannot be reached, did not answer in time, or is not set up as it must be. Nothing
// is wrong with the events, and all of them may be delivered again. It does not wrap its cause,
// because Postgres's texts may quote rows.
type Unavailable struct {
	// SQLSTATE is Postgres's code, "" when no answer came at all.
	// See https://www.postgresql.org/docs/current/errcodes-appendix.html.
	SQLSTATE string
	// Reason says in our own words what happened and, where a person can repair it, how.
	Reason string
	// Passing reports whether a retry may succeed without a repair. It is a guess: a wrong host
	// looks like an outage.
	Passing bool
}

// Error returns one line. It holds no value, no statement and no part of the connection string. It
// calls the database unavailable only if waiting may help.
func (u *Unavailable) Error() string {
	text := "database: " + u.Reason
	if u.Passing {
		text = "database unavailable: " + u.Reason
	}
	if u.SQLSTATE != "" {
		text += " (SQLSTATE " + u.SQLSTATE + ")"
	}
	return text
}

// NewUnavailable makes any error of the database, or of the way to it, safe to show. advice
// replaces the reasons that a writer gets: its keys are SQLSTATEs or their classes (the first two
// characters). It may be nil. An error that holds an *Unavailable already is that one.
func NewUnavailable(err error, advice map[string]string) *Unavailable {
	if already, ok := errors.AsType[*Unavailable](err); ok {
		return already
	}
	kind := kindOf(err)
	passing := kind == sqlstate.Transient || kind == sqlstate.Reread
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		u := &Unavailable{SQLSTATE: pgErr.Code, Reason: sqlstate.Reason(pgErr.Code, advice), Passing: passing}
		if passing && refusesCredentials(err) {
			u.Reason = "a pooler refused the connection: check the credentials and the name of the database"
		}
		return u
	}
	dns, unresolved := errors.AsType[*net.DNSError](err)
	return &Unavailable{Reason: reasonWithoutAnswer(err), Passing: passing && !(unresolved && dns.IsNotFound)}
}

func reasonWithoutAnswer(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &dns):
		return "the server's host name does not resolve: check the host"
	case errors.As(err, &certificate):
		return "the server's certificate does not verify: check sslrootcert and the host name"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: check host and port, and that the server runs"
	case errors.Is(err, syscall.ENOENT): // of a socket
		return "no server at its socket: check the host; a URL without a host, or without postgres://, means a local socket"
	case offersNoTLS(err):
		return "the server offers no TLS: set sslmode=disable if that is meant"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return "no answer in time"
	}
	return "the connection was lost"
}

// kindOf says what to do about an error.
func kindOf(err error) sqlstate.Kind {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return sqlstate.SetupFault
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok && offersNoTLS(err) {
		return sqlstate.SetupFault
	}
	if !ok || lostStatement(err) {
		return sqlstate.Transient // also without an answer: the server was not reached, or the connection was lost
	}
	return sqlstate.KindOf(pgErr.Code)
}

// offersNoTLS reports whether the server answered that it has no TLS. pgx has no type for this error.
func offersNoTLS(err error) bool { return strings.Contains(err.Error(), "server refused TLS") }

// outdated reports whether the server says that a table has another epoch than the writer knows.
func outdated(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == sqlstate.Outdated
}
