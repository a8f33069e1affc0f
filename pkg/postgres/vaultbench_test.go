package postgres_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/vault"
)

// BenchmarkGuarded compares what guards a table with COPY of its rows alone: a writer to a table
// without keywords, to one that is entered because it has a subject, and to one with a vault as
// well. They take turns, with one connection each, and the medians are compared.
func BenchmarkGuarded(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) { benchmarkGuarded(b, n) })
	}
}

// loginsWith is a contract like that of the logins, with more keywords of the person, and of what
// identifies the device.
func loginsWith(person, device string) *contract.Contract {
	return parse("logins", `{"x-table": "user_logins", "type": "object", "required": ["user_id", "device_type", "ip", "device_id", "app_version"], "properties": {
		"user_id": {"type": "string"`+person+`}, "device_type": {"type": "string"},
		"ip": {"type": "string", "format": "ip", "x-mask": "token"`+device+`}, "device_id": {"type": "string", "x-mask": "token"`+device+`},
		"locale": {"type": ["string", "null"]}, "app_version": {"type": "string"}}}`)
}

func benchmarkGuarded(b *testing.B, n int) {
	full := loginsWith(subject, recoverable)
	plain, entered, sealed := loginsWith("", "").Table(), loginsWith(subject, "").Table(), full.Table()
	entered.Name, sealed.Name = "entered", "sealed"
	copied := plain
	copied.Name = "copied"
	db := postgrestest.New(b, plain, entered, sealed, copied)
	session, err := vault.NewSealer(publicKey(b, db), time.Now).Session(b.Context(), db.Pool.StoreSession)
	if err != nil {
		b.Fatal(err)
	}
	v := &visits{Contract: full, rows: full.Rows(keyring, n), session: session}
	var events []postgres.Event
	for i := range n {
		events = append(events, v.event(b, fmt.Sprintf(`{"user_id": "424cdd21-063a-43a7-b91b-%012d", "device_type": "android", "ip": "199.172.%d.%d", "device_id": "593-47-5928", "locale": "RU", "app_version": "2.3.0"}`, i, i/256%256, i%256)))
	}
	copier := postgrestest.Open(b, db.URL)
	turns := []func(){func() { copyRows(b, copier, copied, events) }}
	for _, table := range []contract.Table{plain, entered, sealed} {
		one := &visits{w: postgres.NewWriter(postgrestest.Open(b, db.URL), table)}
		turns = append(turns, func() {
			if result, err := one.stream(b.Context(), 1, events); err != nil || result.Written != n {
				b.Fatalf("%+v, %v", result, err)
			}
		})
	}
	spent := make([][]time.Duration, len(turns))
	rows := 0
	for i := 0; b.Loop(); i++ {
		if rows%200_000 < n { // the tables stay small and of the same size
			db.Exec(b, "truncate user_logins, entered, sealed, copied, sqs2pg_vault.sealed")
		}
		for i := range events {
			rand.Read(events[i].ID[:])
			events[i].SentAt = time.Now()
		}
		for turn := range turns {
			turn = (turn + i) % len(turns)
			spent[turn] = append(spent[turn], timed(turns[turn]))
		}
		rows += n
	}
	median := func(turn int) float64 {
		slices.Sort(spent[turn])
		return spent[turn][len(spent[turn])/2].Seconds()
	}
	b.ReportMetric(0, "ns/op") // ns/op would count all
	b.ReportMetric(float64(n)/median(3), "rows/s")
	b.ReportMetric(median(0)/median(3), "ratio-of-COPY")
	b.ReportMetric(median(1)/median(3), "sealed-of-plain")
	b.ReportMetric(median(1)/median(2), "entered-of-plain")
}
