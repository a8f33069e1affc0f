package postgres_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// BenchmarkWriter compares Write with COPY of the same rows into a table of the same shape. They
// take turns, with one connection each. The server writes to the disk before it answers.
func BenchmarkWriter(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) { benchmarkWriter(b, n) })
	}
}

func benchmarkWriter(b *testing.B, n int) {
	table := logins.Table()
	other := table
	other.Name = "user_logins_copy"
	db := postgrestest.New(b, table, other)
	w, copier := postgres.NewWriter(db.Pool, table), postgrestest.Open(b, db.URL)
	write(b, w, someLogins(b, 1))
	events := someLogins(b, n)
	turns := []func() time.Duration{
		func() time.Duration {
			return timed(func() {
				if result, err := w.Write(b.Context(), events); err != nil || result.Written != n {
					b.Fatalf("%+v, %v", result, err)
				}
			})
		},
		func() time.Duration { return timed(func() { copyRows(b, copier, other, events) }) },
	}
	var spent [2]time.Duration
	rows := 0
	for i := 0; b.Loop(); i++ {
		if rows%200_000 < n { // both tables stay small and of the same size
			db.Exec(b, "truncate user_logins, user_logins_copy")
		}
		for i := range events {
			rand.Read(events[i].ID[:])
			events[i].SentAt = time.Now()
		}
		for turn := range turns {
			turn = (turn + i) % 2
			spent[turn] += turns[turn]()
		}
		rows += n
	}
	b.ReportMetric(0, "ns/op") // ns/op would count both
	b.ReportMetric(float64(rows)/spent[0].Seconds(), "rows/s")
	b.ReportMetric(float64(rows)/spent[1].Seconds(), "COPY-rows/s")
	b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "ratio-of-COPY")
	if b.N > 1 {
		b.Log(db.QueryStrings(b, "select string_agg(name || '=' || setting, ' ') from pg_settings where name in ('fsync', 'synchronous_commit', 'server_version')")[0])
	}
}

// BenchmarkRefused writes batches of 10,000 events, of which Postgres refuses one of so many.
func BenchmarkRefused(b *testing.B) {
	events, bad := someLogins(b, 10_000), login(b, map[string]any{"app_version": "bad"})
	for _, delay := range []time.Duration{0, 3 * time.Millisecond} {
		for _, every := range []int{1000, 100, 10, 2, 1} {
			b.Run(fmt.Sprintf("one of %d, %s a round trip", every, delay), func(b *testing.B) {
				db, proxy, w := refusesBad(b, delay)
				events := withBadOf(events, bad, every)
				var spent time.Duration
				before := proxy.RoundTrips()
				for b.Loop() {
					spent += timed(func() {
						if result := write(b, w, events); len(result.Failures) != len(events)/every {
							b.Fatalf("%d failures", len(result.Failures))
						}
					})
					db.Exec(b, "truncate user_logins")
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(spent.Seconds()/float64(b.N), "s/batch")
				b.ReportMetric(float64(proxy.RoundTrips()-before)/float64(b.N), "round-trips")
			})
		}
	}
}

func timed(do func()) time.Duration {
	started := time.Now()
	do()
	return time.Since(started)
}

// copyRows is the simplest COPY. It works only if no row is a duplicate, lacks a partition or is
// refused.
func copyRows(b *testing.B, pool *postgres.Pool, table contract.Table, events []postgres.Event) {
	var names []string
	for _, c := range table.Columns {
		names = append(names, c.Name)
	}
	source := pgx.CopyFromSlice(len(events), func(i int) ([]any, error) {
		e := events[i]
		values := make([]any, 0, len(names)+3)
		for c := range e.Row.Len() {
			if v := e.Row.Value(c); v.IsNull() {
				values = append(values, nil)
			} else {
				values = append(values, v.Text())
			}
		}
		return append(values, e.SentAt, e.SentAt, e.ID), nil
	})
	n, err := pool.Pgx().CopyFrom(context.Background(), pgx.Identifier{table.Schema, table.Name}, append(names, "create_date", "sent_at", "event_id"), source)
	if err != nil || int(n) != len(events) {
		b.Fatal(n, err)
	}
}
