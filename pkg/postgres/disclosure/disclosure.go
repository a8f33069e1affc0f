// Package disclosure looks into the vault in two steps, so that no look is without a trace. A
// request adds an entry to the audit and is committed; only then does a fetch give out the sealed
// values. The database holds to this whatever the caller does: a login that may reveal can execute
// functions of the owner, and read no vault table.
//
// It is a package of its own because neither the functions nor a migration may look into the vault.
package disclosure

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sort"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/sqltext"
)

var (
	// ErrInvalid means that a request was refused because of what it says: its purpose, ticket,
	// fields or number of events.
	ErrInvalid = errors.New("the request is refused")
	// ErrLimit means that the login has asked for too many events in the last hour.
	ErrLimit = errors.New("too many events")
	// ErrNoRequest means that the database does not know the request, that it has expired, or that
	// it named other events.
	ErrNoRequest = errors.New("there is no such request")
)

// refusals by SQLSTATE. Our functions raise these errors themselves, without any value.
var refusals = map[string]error{"SQ003": ErrInvalid, "SQ004": ErrLimit, "SQ005": ErrNoRequest}

// notOnDisk is the SQLSTATE of a fetch whose request is committed, but could be lost in a crash.
const notOnDisk = "SQ006"

// advice by SQLSTATE, for people who reveal.
var advice = map[string]string{
	"42501":   "the login may not do this: make it a member of sqs2pg_revealer, or of sqs2pg_auditor for the audit",
	"42P01":   "the vault is missing: run sqs2pg migrate",
	"42883":   "a function of the vault is missing, so the database is of an older release: run sqs2pg migrate",
	"SQ002":   "the transaction is not in read committed: let the pooler change no isolation level",
	notOnDisk: "the server does not write its log to the disk, so nothing is revealed: check the server's disk, and run the command again",
}

// safe returns an error that may be shown.
func safe(err error) error {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return postgres.NewUnavailable(err, advice)
	}
	switch refused := refusals[pgErr.Code]; {
	case errors.Is(refused, ErrLimit):
		return fmt.Errorf("%w: %s: wait, or let the owner raise sqs2pg.reveal_limit", refused, pgErr.Message)
	case errors.Is(refused, ErrNoRequest):
		return fmt.Errorf("%w: %s: run the command again", refused, pgErr.Message)
	case refused != nil:
		return fmt.Errorf("%w: %s", refused, pgErr.Message)
	}
	return postgres.NewUnavailable(err, advice)
}

// Key names an event of a table.
type Key struct {
	SentAt  time.Time // in microseconds, as the table has it; in UTC where this package returns it
	EventID [16]byte
}

// Inquiry is what a person asks for.
type Inquiry struct {
	Table   contract.Table
	Fields  []string // at least one of the table's Recover
	Purpose string   // fraud, support, legal, access-request or incident
	Ticket  string   // such as ABC-123
	Caller  string   // who asks, by their own account, such as an ARN; at most 255 characters; may be empty
	Keys    []Key    // 1 to 100,000
}

// Granted is a request that is in the audit. It can be fetched for 5 minutes, any number of times.
type Granted struct {
	Head Head  // of the audit, which is the entry of this request
	N    int64 // events that count against the limit

	keys []Key
}

// Request adds an entry to the audit and commits it. Each call adds one, also for the same events.
// Two requests wait for each other, 10 s at most. The error wraps ErrInvalid, ErrLimit or a
// *postgres.Unavailable; after any but these two the entry may be there.
func Request(ctx context.Context, pool *postgres.Pool, q Inquiry) (Granted, error) {
	granted := Granted{keys: q.Keys}
	sentAt, eventID := arrays(q.Keys)
	var hash []byte
	err := pgx.BeginTxFunc(ctx, pool.Pgx(), pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local synchronous_commit = on"); err != nil {
			return err
		}
		return tx.QueryRow(ctx, "select seq, n, hash from sqs2pg.request($1::text::regclass, $2, $3, $4, $5, $6, $7)",
			sqltext.Table(q.Table), q.Purpose, q.Ticket, q.Caller, q.Fields, sentAt, eventID).Scan(&granted.Head.Seq, &granted.N, &hash)
	})
	if err != nil {
		return Granted{}, fmt.Errorf("ask for the vault: %w", safe(err))
	}
	granted.Head.Hash = [sha256.Size]byte(hash)
	return granted, nil
}

func arrays(keys []Key) (sentAt []time.Time, eventID [][16]byte) {
	for _, k := range keys {
		sentAt, eventID = append(sentAt, k.SentAt), append(eventID, k.EventID)
	}
	return sentAt, eventID
}

// Sealed is a sealed value and the event that it belongs to.
type Sealed struct {
	Key
	Session [16]byte
	Value   []byte // the ciphertext
}

// window is how much time one query covers: each day may be a partition, and each partition of the
// table and of its vault that a query may read takes two locks.
const window = 200 * 24 * time.Hour

// Fetch calls each for the sealed values of a request, the oldest first by windows of 200 days. Events
// without a sealed value, or without a row, are left out. It stops at an error of each and returns
// it. Its own errors wrap ErrNoRequest or a *postgres.Unavailable. It may be called again.
func Fetch(ctx context.Context, pool *postgres.Pool, granted Granted, each func(Sealed) error) error {
	for keys := range windows(granted.keys) {
		since := keys[0].SentAt
		if err := fetch(ctx, pool, granted, since, since.Add(window), each); err != nil {
			return err
		}
	}
	return nil
}

// windows divides keys, the oldest first, by what one query covers.
func windows(keys []Key) iter.Seq[[]Key] {
	keys = slices.SortedFunc(slices.Values(keys), func(a, b Key) int { return a.SentAt.Compare(b.SentAt) })
	return func(yield func([]Key) bool) {
		for len(keys) > 0 {
			until := keys[0].SentAt.Add(window)
			n := sort.Search(len(keys), func(i int) bool { return !keys[i].SentAt.Before(until) })
			if !yield(keys[:n]) {
				return
			}
			keys = keys[n:]
		}
	}
}

// fetch tries again once if the request is not on the disk yet, after a commit that waits for the
// disk. Nothing was given out before.
func fetch(ctx context.Context, pool *postgres.Pool, granted Granted, since, until time.Time, each func(Sealed) error) error {
	err := fetchOnce(ctx, pool, granted, since, until, each)
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == notOnDisk {
		if err = flush(ctx, pool); err == nil {
			err = fetchOnce(ctx, pool, granted, since, until, each)
		}
	}
	if stopped, ok := errors.AsType[stop](err); ok {
		return stopped.error
	}
	if err != nil {
		return fmt.Errorf("fetch from the vault: %w", safe(err))
	}
	return nil
}

// stop is an error of the caller's function.
type stop struct{ error }

func fetchOnce(ctx context.Context, pool *postgres.Pool, granted Granted, since, until time.Time, each func(Sealed) error) error {
	sentAt, eventID := arrays(granted.keys)
	rows, err := pool.Pgx().Query(ctx, "select sent_at, event_id, session, sealed from sqs2pg.fetch($1, $2, $3, $4, $5)",
		granted.Head.Seq, sentAt, eventID, since, until)
	if err != nil {
		return err
	}
	var s Sealed
	_, err = pgx.ForEachRow(rows, []any{&s.SentAt, &s.EventID, &s.Session, &s.Value}, func() error {
		s.SentAt = s.SentAt.UTC()
		if err := each(s); err != nil {
			return stop{err}
		}
		s.Value = nil // the caller may keep it
		return nil
	})
	return err
}

// flush commits something with a log record, and waits until the server's log is on the disk.
func flush(ctx context.Context, pool *postgres.Pool) error {
	return pgx.BeginFunc(ctx, pool.Pgx(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local synchronous_commit = on"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "select pg_logical_emit_message(true, 'sqs2pg', '')")
		return err
	})
}
