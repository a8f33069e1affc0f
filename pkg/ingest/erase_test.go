package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/ingest"
)

// Writers load the messages of two people who are erased meanwhile, and of others, while their
// connections are terminated. Then no row of the two is there, and of everybody else each row is
// there once, with its seal.
func TestErasedPeopleStayErasedWhileWritersWork(t *testing.T) {
	t.Parallel()
	r := newRace(t)
	remaining := r.run(t)
	if remaining != 0 {
		t.Errorf("%d rows of erased people", remaining)
	}
	want := strconv.Itoa(raceWriters * raceBatches * raceOthers * 3 / 2)
	if diff := cmp.Diff([]string{want, want, "0"}, r.rowsAndSeals(t)); diff != "" {
		t.Errorf("rows, seals, unequal (-want +got):\n%s", diff)
	}
}

// The test above can fail: with a function that lets everything through, erased people come back.
func TestErasedPeopleComeBackWithoutEntering(t *testing.T) {
	t.Parallel()
	for range 10 {
		r := newRace(t)
		r.db.Exec(t, "create or replace function sqs2pg.enter(target regclass, epoch bigint) returns boolean language sql as 'select set_config(''sqs2pg.entered'', target::oid::text, true) is not null'")
		if r.run(t) > 0 {
			return
		}
	}
	t.Error("no row of an erased person in ten runs")
}

const (
	raceWriters = 4
	raceBatches = 12 // of each writer
	raceOthers  = 60 // messages of others in a batch, twice as many in each second one
)

// race is writers beside an erasure.
type race struct {
	guardedFunction
	writers [raceWriters]*ingest.Handler
	done    chan struct{} // gets an element for each batch
}

func newRace(t *testing.T) *race {
	r := &race{guardedFunction: newGuarded(t, ""), done: make(chan struct{}, raceWriters*raceBatches)}
	for i := range r.writers {
		writer := guardedFunction{&function{db: r.db, log: &bytes.Buffer{}, metrics: &bytes.Buffer{}}, r.key}
		h := writer.start(t, "")
		r.writers[i] = &h
	}
	return r
}

var raceVictims = []string{"victim0", "victim1"}

// run returns how many rows of the victims are left.
func (r *race) run(t *testing.T) int {
	t.Helper()
	var working sync.WaitGroup
	for i, h := range r.writers {
		working.Go(func() { r.write(t, h, i) })
	}
	for n := range raceWriters * raceBatches {
		<-r.done
		if n%7 == 3 {
			r.db.Exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sqs2pg' and datname = current_database()")
		}
		if n == raceWriters*raceBatches/3 {
			r.eraseVictims(t)
		}
	}
	working.Wait()
	n, err := strconv.Atoi(r.db.QueryStrings(t, "select count(*) from user_logins where user_id like 'victim%'")[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// write loads batches, each until it is accepted. Half of them go by COPY.
func (r *race) write(t *testing.T, h *ingest.Handler, writer int) {
	for n := range raceBatches {
		e := logins(standard, raceOthers+n%2*raceOthers+len(raceVictims))
		for i := range e.Records {
			user := fmt.Sprintf("other%d-%d-%d", writer, n, i)
			if i < len(raceVictims) {
				user = raceVictims[i]
			}
			e.Records[i].Body = login(func(m map[string]any) { m["user_id"] = user })
			e.Records[i].Attributes["SentTimestamp"] = strconv.FormatInt(time.Now().Add(-time.Minute).UnixMilli(), 10)
		}
		for !r.accepts(t, h, e) {
		}
		r.done <- struct{}{}
	}
}

// accepts reports whether a batch was accepted whole.
func (r *race) accepts(t *testing.T, h *ingest.Handler, e events.SQSEvent) bool {
	answer, err := h.Invoke(context.WithoutCancel(t.Context()), payload(t, e))
	if unavailable := (*ingest.Unavailable)(nil); err != nil && !errors.As(err, &unavailable) {
		t.Error(err)
	}
	return err == nil && len(failedIDs(t, answer)) == 0
}

// eraseVictims does what an erasure does: tombstones of which the later one is committed first, then
// the barrier, then the rows.
func (r *race) eraseVictims(t *testing.T) {
	t.Helper()
	keys := parseKeyring(t, keyring("0123456789abcdef"))
	var open []pgx.Tx
	for _, victim := range raceVictims {
		token, _ := keys.TokenBy("k1", table.SubjectDomain, victim)
		conn, err := pgx.Connect(t.Context(), r.db.OwnerURL)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		tx, err := conn.Begin(t.Context())
		if err == nil {
			_, err = tx.Exec(t.Context(), "insert into sqs2pg.erasures (key_id, subject, before, state) values ('k1', $1, now(), 'marked')", token)
		}
		if err != nil {
			t.Fatal(err)
		}
		open = append([]pgx.Tx{tx}, open...)
	}
	for _, tx := range open {
		_, err := tx.Exec(t.Context(), "update sqs2pg.tables set epoch = epoch + 1")
		if err := errors.Join(err, tx.Commit(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	r.awaitWriters(t)
	r.db.Exec(t, `with gone as (delete from user_logins where user_id like 'victim%' returning sent_at, event_id)
		delete from sqs2pg_vault.user_logins v using gone where v.sent_at = gone.sent_at and v.event_id = gone.event_id`)
}

// awaitWriters waits until all transactions are over that had entered before.
func (r *race) awaitWriters(t *testing.T) {
	t.Helper()
	const holders = `select virtualtransaction from pg_locks, (select hashtextextended('sqs2pg.enter', 'user_logins'::regclass::oid::bigint) as key) k
		where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
		  and classid::bigint = (key >> 32) & 4294967295 and objid::bigint = key & 4294967295`
	before := r.db.QueryStrings(t, holders)
	for len(before) > 0 {
		now := map[string]bool{}
		for _, holder := range r.db.QueryStrings(t, holders) {
			now[holder] = true
		}
		var left []string
		for _, holder := range before {
			if now[holder] {
				left = append(left, holder)
			}
		}
		before = left
	}
}
