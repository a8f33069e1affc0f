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

// Unavailable means that the database did not do its part: it cannot be reached, did not answer in time, or is not set up
// as it must be. Nothing is wrong with the events, and all of them may be delivered again. It does not wrap its cause,
// since that one's text may hold what was to be written.
type Unavailable struct {
	// SQLSTATE is Postgres's code, "" when no answer came at all.
	// See https://www.postgresql.org/docs/current/errcodes-appendix.html.
	SQLSTATE string
	// Reason says in a few words of ours what happened and, where somebody can do something, what.
	Reason string
	// Passing tells whether the same may succeed later without anybody's doing. Settings that nothing answers to may be wrong all the same.
	Passing bool
}

// Error holds no value, no statement and nothing of the connection string.
func (u *Unavailable) Error() string {
	if u.SQLSTATE == "" {
		return "database unavailable: " + u.Reason
	}
	return "database unavailable: " + u.Reason + " (SQLSTATE " + u.SQLSTATE + ")"
}

// reasons by SQLSTATE, then by class.
var reasons = map[string]string{
	"08":    "the connection was lost",
	"28":    "user or password refused: check the credentials",
	"3D000": "no such database: create it, or correct the name",
	"40":    "the transaction was rolled back",
	"42501": "the role may not do this: run sqs2pg migrate, and make the role a member of sqs2pg_writer",
	"42703": "a column is missing: run sqs2pg migrate",
	"42883": "sqs2pg.ensure_partition is missing: run sqs2pg migrate",
	"42P01": "the table is missing: run sqs2pg migrate",
	"42P10": "the table is not keyed as its contract says: run sqs2pg migrate",
	"3F000": "the schema is missing: run sqs2pg migrate",
	"42":    "the table is not as its contract says: run sqs2pg migrate",
	"25006": "the server is read-only: it may be a replica, or failing over",
	"53":    "the server is out of resources",
	"53100": "the server's disk is full",
	"53300": "the server has no connection left: lower the concurrency, or raise max_connections",
	"55P03": "a lock was not free in time",
	"57":    "the server ended the work",
	"57014": "the server's statement timeout ended the work",
	"57P03": "the server is not ready for connections yet",
}

func unavailable(err error) *Unavailable {
	if already, ok := errors.AsType[*Unavailable](err); ok {
		return already
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return &Unavailable{SQLSTATE: pgErr.Code, Reason: reasonOf(pgErr.Code), Passing: judge(err) == transient}
	}
	dns, unresolved := errors.AsType[*net.DNSError](err)
	return &Unavailable{Reason: reasonWithoutAnswer(err), Passing: judge(err) == transient && !(unresolved && dns.IsNotFound)}
}

func reasonOf(code string) string {
	if reason, ok := reasons[code]; ok {
		return reason
	}
	if len(code) == 5 {
		if reason, ok := reasons[code[:2]]; ok {
			return reason
		}
	}
	return "the server refused the work"
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
		return "no server at its socket: check the host; without one, or without postgres:// before it, a local socket is meant"
	case strings.Contains(err.Error(), "server refused TLS"):
		return "the server offers no TLS: set sslmode=disable if that is meant"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return "no answer in time"
	}
	return "the connection was lost"
}

// verdict is what an error asks for.
type verdict uint8

const (
	fault     verdict = iota // somebody has to repair something: neither this nor another row can be written
	transient                // the same again may succeed
	refusal                  // of a row or more: others may be written
)

// classes of SQLSTATE that say something about rows or about the moment. Everything else is a fault.
// 21 is a key twice in one statement; P0 is raised by triggers that people write to refuse rows; 54 is a value too large for
// an index, or too deep.
var classes = map[string]verdict{
	"21": refusal, "22": refusal, "23": refusal, "44": refusal, "54": refusal, "P0": refusal,
	"08": transient, "40": transient, "53": transient, "57": transient, "25006": transient, "55P03": transient,
}

func judge(err error) verdict {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fault
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return transient // no answer: it was not reached, or lost on the way
	}
	if v, ok := classes[pgErr.Code]; ok {
		return v
	}
	return classes[pgErr.Code[:min(2, len(pgErr.Code))]]
}
