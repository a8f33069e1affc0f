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

// Statements that hang are cancelled while there is time for smaller ones, but not one of a single
// row, for which there is no smaller one.
func TestChunkThatHangsLeavesTimeForSmallerOnes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		events  int
		seconds string
		hanging int
	}{
		{"two chunks hang for ever", 130, "60", 2},
		{"a single row takes long", 1, "0.25", 9},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, devices.Table())
			w := postgres.NewWriter(db.Pool, devices.Table())
			write(t, w, []postgres.Event{device(t, 0, 0, "connects")})
			db.Exec(t, hangingTrigger("devices", test.seconds, test.hanging))
			var events []postgres.Event
			for n := range test.events {
				events = append(events, device(t, n+1, 0, "x"))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
			defer cancel()
			if got, err := w.Write(ctx, events); err != nil || got.Written == 0 {
				t.Errorf("no event was written: %+v, %v", got, err)
			}
		})
	}
}

func TestFewRowsTellTheRateAfterACopyThatHangs(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	w := postgres.NewWriter(db.Pool, logins.Table())
	write(t, w, someLogins(t, 1))
	db.Exec(t, recordStatements+";"+hangingTrigger("user_logins", "60", 1))
	ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
	defer cancel()
	if _, err := w.Write(ctx, someLogins(t, 130)); err != nil {
		t.Fatal(err)
	}
	if first := recorded(t, db)[0]; first != "insert 2" {
		t.Errorf("the first statement that succeeded is %s, want insert 2", first)
	}
}

// hangingTrigger makes the first n statements take so many seconds. A sequence counts them, because
// a rollback does not undo it.
func hangingTrigger(table, seconds string, n int) string {
	return fmt.Sprintf(`create sequence attempts;
		create function hang() returns trigger language plpgsql security definer as $$ begin
			if nextval('attempts') <= %d then perform pg_sleep(%s); end if;
			return null;
		end $$;
		create trigger hang before insert on %s for each statement execute function hang()`, n, seconds, table)
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
