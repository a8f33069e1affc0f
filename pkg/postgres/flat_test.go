package postgres_test

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// BenchmarkFlat writes the same batches in turn into two tables, of which one has many more rows in
// the same partition, or many more partitions. FLAT_ROWS is how many rows the larger one has; the
// other has a twentieth.
func BenchmarkFlat(b *testing.B) {
	rows, err := strconv.Atoi(cmp.Or(os.Getenv("FLAT_ROWS"), "200000"))
	if err != nil || rows < 20 {
		b.Fatal("FLAT_ROWS must be a number of rows, at least 20")
	}
	b.Run("rows", func(b *testing.B) {
		benchmarkFlat(b, 10_000, func(db *postgrestest.Database, few, many string) {
			fill(b, db, few, rows/20)
			fill(b, db, many, rows)
		})
	})
	b.Run("partitions", func(b *testing.B) {
		benchmarkFlat(b, 1000, func(db *postgrestest.Database, _, many string) { divide(b, db, many) })
	})
}

// benchmarkFlat reports the rate of the table with many as a part of that of the table with few.
func benchmarkFlat(b *testing.B, batch int, prepare func(db *postgrestest.Database, few, many string)) {
	few, many := logins.Table(), logins.Table()
	many.Name = "user_logins_many"
	db := postgrestest.New(b, few, many)
	writers := [2]*postgres.Writer{postgres.NewWriter(db.Pool, few), postgres.NewWriter(db.Pool, many)}
	for _, w := range writers {
		write(b, w, someLogins(b, 1)) // makes the partition
	}
	prepare(db, few.Name, many.Name)
	db.Exec(b, "checkpoint")
	events := someLogins(b, batch)
	var spent [2][]time.Duration
	for i := 0; b.Loop(); i++ {
		for turn := range writers {
			turn = (turn + i) % 2
			for i := range events {
				rand.Read(events[i].ID[:])
				events[i].SentAt = time.Now()
			}
			spent[turn] = append(spent[turn], timed(func() {
				if result := write(b, writers[turn], events); result.Written != batch {
					b.Fatalf("%+v", result)
				}
			}))
		}
	}
	b.ReportMetric(0, "ns/op") // it would count both
	b.ReportMetric(float64(batch)/median(spent[1]).Seconds(), "rows/s")
	b.ReportMetric(median(spent[0]).Seconds()/median(spent[1]).Seconds(), "ratio-of-few")
}

// fill adds copies of a table's row to today's partition. They are as long as the rows that are
// measured: VACUUM lets Postgres put shorter rows into what is left of each page, and a table that
// is larger than the memory is then read page by page.
func fill(b *testing.B, db *postgrestest.Database, table string, rows int) {
	var names strings.Builder
	for _, c := range logins.Table().Columns {
		names.WriteString(c.Name + ", ")
	}
	const atATime = 1_000_000
	for from := 1; from <= rows; from += atATime {
		db.Exec(b, fmt.Sprintf(`insert into %[1]s (%[2]s create_date, sent_at, event_id)
			select %[2]s current_date, today + i * (now() - today) / %[3]d, gen_random_uuid()
			from (select * from %[1]s limit 1) as row, generate_series(%[4]d, %[5]d) as i, date_trunc('day', now(), 'UTC') as today`,
			table, names.String(), rows, from, min(from+atATime-1, rows)))
	}
}

// divide makes 1,500 partitions; a new table has 17.
func divide(b *testing.B, db *postgrestest.Database, table string) {
	const days = 1500
	for from := 0; from < days; from += 100 {
		db.Exec(b, fmt.Sprintf(`select count(*) from sqs2pg.ensure_partitions('%s', array(select current_date - i from generate_series(%d, %d) as i))`, table, from, from+99))
	}
	if got := db.QueryStrings(b, "select count(*) >= $2::int from pg_inherits where inhparent = $1::text::regclass", table, days)[0]; got != "t" {
		b.Fatal("partitions are missing")
	}
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
