package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

// A function of a contract without x-recover and x-subject runs on while its table gets them. It
// writes nothing more, and the next function writes everything once.
func TestWritesNothingToATableThatBecameGuarded(t *testing.T) {
	t.Parallel()
	for name, c := range guarded {
		for _, n := range []int{10, 300} {
			t.Run(fmt.Sprintf("%s, %d rows", name, n), func(t *testing.T) {
				t.Parallel()
				root := ""
				if strings.HasPrefix(name, "upsert") {
					root = byPerson
				}
				older := newVisits(t, visitsWith(root, "", ""))
				older.write(t, older.events(t, n))
				if _, err := schema.Apply(t.Context(), postgrestest.Open(t, older.db.OwnerURL), c.Table()); err != nil {
					t.Fatal(err)
				}
				_, err := older.stream(t.Context(), older.epoch(t), older.events(t, n))
				wantSetupFault(t, err, "SQ007")

				newer := visitsIn(t, older.db, c)
				newer.made = n
				newer.want(t, n, 0)
				events := newer.events(t, n)
				for _, want := range []postgres.Result{{Written: n}, {Duplicates: n}} {
					if diff := cmp.Diff(want, newer.write(t, events)); diff != "" {
						t.Errorf("the next function (-want +got):\n%s", diff)
					}
				}
				newer.want(t, 2*n, n)
			})
		}
	}
}

// The table becomes guarded while the writer looks for bad rows. No good row may be called bad.
func TestNoRowIsAtFaultWhenTheTableBecomesGuarded(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, refusingTrigger("SQ007"))
	events := someLogins(t, 40)
	events[7] = login(t, map[string]any{"app_version": "bad"})
	got, err := postgres.NewWriter(db.Pool, logins.Table()).Write(t.Context(), events)
	if err != nil {
		wantSetupFault(t, err, "SQ007")
	}
	if slices.ContainsFunc(got.Failures, func(f postgres.Failure) bool { return !f.Undecided }) {
		t.Errorf("%+v, want no row refused", got)
	}
}

// What an entry notes ends with its transaction, so the next client of the server process has to
// enter by itself.
func TestAnEntryIsNotLeftBehindAPooler(t *testing.T) {
	eachGuarded(t, func(t *testing.T, v *visits, n int) {
		const processes = "select count(*)::int from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
		direct := v.db.QueryStrings(t, processes)[0]
		pool := postgrestest.Open(t, v.db.PoolerURL(t))
		v.w = postgres.NewWriter(pool, v.Table())
		v.write(t, v.events(t, n))
		// One process is enough for both if all tests go through a pooler.
		if all := v.db.QueryStrings(t, processes)[0]; direct != "1" || all != "1" && all != "2" {
			t.Fatalf("%s server processes and %s with those of the pooler, want 1 and 2 at most", direct, all)
		}
		var left string
		err := pool.Pgx().QueryRow(t.Context(), "select coalesce(current_setting('sqs2pg.entered', true), '')").Scan(&left)
		if err != nil || left != "" {
			t.Errorf("%q is left, %v", left, err)
		}
		_, err = pool.Pgx().Exec(t.Context(), "insert into user_logins (person, session, sent_at, event_id) values ('p', 's', now(), gen_random_uuid())")
		if err == nil || !strings.Contains(err.Error(), "SQ007") {
			t.Errorf("the next transaction: %v, want SQ007", err)
		}
		v.want(t, n, n)
	})
}
