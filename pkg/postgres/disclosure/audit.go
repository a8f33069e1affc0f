package disclosure

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/postgres"
)

// ErrBroken means that the audit is not what it was: an entry was changed, added by hand or taken
// out, or the whole chain was made anew.
var ErrBroken = errors.New("the audit was tampered with")

// Entry is a request in the audit.
type Entry struct {
	Seq        int64     `json:"seq"` // from 1 on, without gaps
	At         time.Time `json:"at"`
	Login      string    `json:"login"`
	Caller     string    `json:"caller,omitempty"` // by their own account
	Action     string    `json:"action"`
	Purpose    string    `json:"purpose"`
	Ticket     string    `json:"ticket"`
	Target     string    `json:"target"` // schema.table, quoted where it must be
	Fields     []string  `json:"fields"`
	N          int64     `json:"n"` // events that were asked for
	KeysSHA256 []byte    `json:"-"`
	XID        uint64    `json:"-"` // the transaction that added the entry
	Prev, Hash []byte    `json:"-"`
}

// Head is where the chain of the audit ended at some time.
type Head struct {
	Seq      int64
	Hash     [sha256.Size]byte
	Database string // that logged it, quoted where it must be; "" if the text does not say
}

// String is a form that ParseHeads reads, without the database.
func (h Head) String() string { return fmt.Sprintf("%d %x", h.Seq, h.Hash) }

var head = regexp.MustCompile(`(?:sqs2pg audit head of (.{1,200}): |^|[\s"])(0|[1-9][0-9]{0,18}) ([0-9a-f]{64})(?:[^0-9a-zA-Z]|$)`)

// ParseHeads reads earlier heads from a text, such as the server's log, or what vault audit verify
// printed, as JSON too. A line holds one at most, anywhere in it; other lines are passed over.
func ParseHeads(text io.Reader) (heads []Head, err error) {
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		found := head.FindSubmatch(lines.Bytes())
		if found == nil {
			continue
		}
		var h Head
		if h.Seq, err = strconv.ParseInt(string(found[2]), 10, 64); err != nil {
			continue // no number of an entry is that large
		}
		if _, _ = hex.Decode(h.Hash[:], found[3]); h.Seq == 0 && h != (Head{}) {
			continue // the head of an empty audit is zero
		}
		h.Database = string(found[1])
		heads = append(heads, h)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read heads of the audit: %w: name a text file, such as Postgres's log", err)
	}
	return heads, nil
}

// Ours leaves out the heads that another database of the server has logged. The error is a
// *postgres.Unavailable.
func Ours(ctx context.Context, pool *postgres.Pool, heads []Head) (ours []Head, err error) {
	var name string
	if err := pool.Pgx().QueryRow(ctx, "select quote_ident(current_database())").Scan(&name); err != nil {
		return nil, fmt.Errorf("read the audit: %w", safe(err))
	}
	for _, h := range heads {
		if h.Database == "" || h.Database == name {
			ours = append(ours, h)
		}
	}
	return ours, nil
}

// List calls each for the entries after a number, in order. It stops at an error of each and returns
// it. It needs a member of sqs2pg_auditor; its own error is a *postgres.Unavailable.
func List(ctx context.Context, pool *postgres.Pool, after int64, each func(Entry) error) error {
	rows, err := pool.Pgx().Query(ctx, `
		select seq, at_us, login, caller, action, purpose, ticket, target, fields, n, keys_sha256, xid, prev, hash
		from sqs2pg.audit where seq > $1 order by seq`, after)
	if err != nil {
		return fmt.Errorf("read the audit: %w", safe(err))
	}
	var e Entry
	var at int64
	_, err = pgx.ForEachRow(rows, []any{&e.Seq, &at, &e.Login, &e.Caller, &e.Action, &e.Purpose, &e.Ticket, &e.Target, &e.Fields, &e.N, &e.KeysSHA256, &e.XID, &e.Prev, &e.Hash},
		func() error {
			e.At = time.UnixMicro(at).UTC()
			if err := each(e); err != nil {
				return stop{err}
			}
			e = Entry{}
			return nil
		})
	if stopped, ok := errors.AsType[stop](err); ok {
		return stopped.error
	}
	if err != nil {
		return fmt.Errorf("read the audit: %w", safe(err))
	}
	return nil
}

// Verify computes the chain again from its first entry, and returns its head, which is zero for an
// empty audit. Heads that were kept elsewhere must be in it: the owner of the database could make
// the whole chain anew. The error wraps ErrBroken and names the first entry that is wrong, or is that
// of List.
func Verify(ctx context.Context, pool *postgres.Pool, kept ...Head) (Head, error) {
	wanted := map[int64][]Head{}
	for _, h := range kept {
		if h.Seq == 0 {
			continue // of an empty audit
		}
		wanted[h.Seq] = append(wanted[h.Seq], h)
	}
	var last Head
	err := List(ctx, pool, 0, func(e Entry) error {
		switch {
		case e.Seq != last.Seq+1:
			return broken("entry %d is missing", last.Seq+1)
		case !bytes.Equal(e.Prev, last.Hash[:]):
			return broken("entry %d does not follow the one before it", e.Seq)
		case !bytes.Equal(e.Hash, e.hash()):
			return broken("entry %d was changed", e.Seq)
		}
		last = Head{Seq: e.Seq, Hash: [sha256.Size]byte(e.Hash)}
		for _, h := range wanted[e.Seq] {
			if h.Hash != last.Hash {
				return broken("entry %d is not the one whose head was kept", e.Seq)
			}
		}
		delete(wanted, e.Seq)
		return nil
	})
	if err == nil && len(wanted) > 0 {
		kept := slices.Max(slices.Collect(maps.Keys(wanted)))
		err = fmt.Errorf("%w: a head of entry %d was kept, and the audit ends at %d: if a backup was restored since, note it in its ticket; if not, %s", ErrBroken, kept, last.Seq, tell)
	}
	return last, err
}

// tell is what to do about an audit that is broken. The next entry would follow a false one, and the
// server's log has heads that show since when the audit is false.
const tell = "let nobody reveal, keep the server's log and the backups, and tell whoever answers for data protection: infra/VAULT.md#an-audit-that-is-broken"

func broken(format string, entry int64) error {
	return fmt.Errorf("%w: "+format+": %s", ErrBroken, entry, tell)
}

// hash computes what sqs2pg.hash_of does.
func (e Entry) hash() []byte {
	h := sha256.New()
	number := func(n int64) { _ = binary.Write(h, binary.BigEndian, n) }
	text := func(s string) { number(int64(len(s))); _, _ = io.WriteString(h, s) }
	_, _ = h.Write(e.Prev)
	number(e.Seq)
	number(e.At.UnixMicro())
	for _, s := range []string{e.Login, e.Caller, e.Action, e.Purpose, e.Ticket, e.Target} {
		text(s)
	}
	number(int64(len(e.Fields)))
	for _, field := range e.Fields {
		text(field)
	}
	number(e.N)
	_, _ = h.Write(e.KeysSHA256)
	number(int64(e.XID)) //nolint:gosec // a database does not live that long
	return h.Sum(nil)
}
