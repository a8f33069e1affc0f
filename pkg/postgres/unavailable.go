package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
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

// Error returns one line. It holds no value, no statement and no part of the connection string.
func (u *Unavailable) Error() string {
	if u.SQLSTATE == "" {
		return "database unavailable: " + u.Reason
	}
	return "database unavailable: " + u.Reason + " (SQLSTATE " + u.SQLSTATE + ")"
}

// reasons are looked up by SQLSTATE, then by its class.
var reasons = map[string]string{
	"08":    "the connection was lost",
	"26000": "a pooler lost a prepared statement",
	"42P05": "a pooler lost a prepared statement",
	"28":    "user or password refused: check the credentials",
	"3D000": "no such database: create it, or correct the name",
	"40":    "the transaction was rolled back",
	"42501": "the role may not do this: run sqs2pg migrate, make the role a member of sqs2pg_writer, and check the table's row-level security",
	"42704": "the server does not know a parameter of the connection: check what follows the ? in the URL",
	"42703": "a column is missing: run sqs2pg migrate",
	"42883": "a function is missing: run sqs2pg migrate, and check the table's triggers",
	"42P01": "the table is missing: run sqs2pg migrate",
	"42P10": "the table does not have the key of its contract: run sqs2pg migrate",
	"3F000": "the schema is missing: run sqs2pg migrate",
	"42":    "the table differs from its contract: run sqs2pg migrate",
	"25006": "the server is read-only: it may be a replica, or failing over",
	"53":    "the server is out of resources",
	"53100": "the server's disk is full",
	"53300": "the server has no connection left: lower the concurrency, or raise max_connections",
	"55P03": "a lock was not free in time",
	"57":    "the server ended the work",
	"57014": "the server's statement timeout ended the work",
	"57P03": "the server is not ready for connections yet",
}

// NewUnavailable makes any error of the database, or of the way to it, safe to show. advice
// replaces the reasons that a writer gets: its keys are SQLSTATEs or their classes (the first two
// characters). It may be nil. An error that holds an *Unavailable already is that one.
func NewUnavailable(err error, advice map[string]string) *Unavailable {
	if already, ok := errors.AsType[*Unavailable](err); ok {
		return already
	}
	passing := kindOf(err) == transient
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		u := &Unavailable{SQLSTATE: pgErr.Code, Reason: reasonOf(pgErr.Code, advice), Passing: passing}
		if passing && refusesCredentials(err) {
			u.Reason = "a pooler refused the connection: check the credentials and the name of the database"
		}
		return u
	}
	dns, unresolved := errors.AsType[*net.DNSError](err)
	return &Unavailable{Reason: reasonWithoutAnswer(err), Passing: passing && !(unresolved && dns.IsNotFound)}
}

func reasonOf(code string, advice map[string]string) string {
	for _, known := range []map[string]string{advice, reasons} {
		for _, key := range []string{code, classOf(code)} {
			if reason, ok := known[key]; ok {
				return reason
			}
		}
	}
	return "the server refused the work"
}

func classOf(code string) string { return code[:min(2, len(code))] }

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
	case strings.Contains(err.Error(), "server refused TLS"):
		return "the server offers no TLS: set sslmode=disable if that is meant"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return "no answer in time"
	}
	return "the connection was lost"
}

// errorKind says what to do about an error.
type errorKind uint8

const (
	setupFault errorKind = iota // a person has to repair something; until then no row can be written
	transient                   // a retry may succeed
	rowRefused                  // at least one row was refused; others may be written
)

// kinds by SQLSTATE or class; all others are a setupFault. 21 is a key twice in one statement. 54
// is a value that is too large for an index, or nested too deeply. P0 comes from triggers that
// people write to refuse rows.
var kinds = map[string]errorKind{
	"21": rowRefused, "22": rowRefused, "23": rowRefused, "44": rowRefused, "54": rowRefused, "P0": rowRefused,
	"08": transient, "40": transient, "53": transient, "57": transient, "25006": transient, "55P03": transient,
}

func kindOf(err error) errorKind {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return setupFault
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return transient // no answer: the server was not reached, or the connection was lost
	}
	if lostStatement(err) {
		return transient
	}
	if kind, ok := kinds[pgErr.Code]; ok {
		return kind
	}
	return kinds[classOf(pgErr.Code)]
}
