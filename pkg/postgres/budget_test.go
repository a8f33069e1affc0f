package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// The database manages a third of the batch in the time of a delivery.
func TestEachDeliveryToASlowDatabaseMakesProgress(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"standard queue", "one group"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, logins.Table())
			w := postgres.NewWriter(db.Pool, logins.Table())
			write(t, w, someLogins(t, 1))
			db.Exec(t, forEachRow("perform pg_sleep(0.03)")+"truncate user_logins")
			left := someLogins(t, 300)
			if mode == "one group" {
				for i := range left {
					left[i].Group = "g"
				}
			}
			for delivery := 1; len(left) > 0; delivery++ {
				if delivery > 5 {
					t.Fatalf("%d events are left after 5 deliveries", len(left))
				}
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				result, err := w.Write(ctx, left)
				cancel()
				if err != nil || result.Written+result.Duplicates == 0 {
					t.Fatalf("delivery %d of %d events makes no progress: %+v, %v", delivery, len(left), result, err)
				}
				t.Logf("delivery %d: %d written, %d duplicates of %d", delivery, result.Written, result.Duplicates, len(left))
				left = undecided(t, db, left, result)
			}
			if rows := db.QueryStrings(t, "select count(*) from user_logins")[0]; rows != "300" {
				t.Errorf("%s rows, want 300", rows)
			}
		})
	}
}

// undecided returns the events that have to come again. The others must be in the table.
func undecided(t *testing.T, db *postgrestest.Database, events []postgres.Event, result postgres.Result) (left []postgres.Event) {
	t.Helper()
	failed := map[int]bool{}
	for n, f := range result.Failures {
		failed[f.Index] = true
		want := postgres.Failure{Index: f.Index, Undecided: true}
		if n > 0 && events[f.Index].Group != "" {
			want = postgres.Failure{Index: f.Index, Held: true}
		}
		if diff := cmp.Diff(want, f); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	stored := map[string]bool{}
	for _, id := range db.QueryStrings(t, "select replace(event_id::text, '-', '') from user_logins") {
		stored[id] = true
	}
	for i, e := range events {
		if failed[i] {
			left = append(left, e)
		} else if !stored[fmt.Sprintf("%x", e.ID)] {
			t.Errorf("event %d counts as written and is not in the table", i)
		}
	}
	return left
}
