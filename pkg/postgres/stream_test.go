package postgres_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// inChunks makes so many more of the events at a time.
func inChunks(events []postgres.Event, chunk int) iter.Seq[[]postgres.Event] {
	return func(yield func([]postgres.Event) bool) {
		for n := min(chunk, len(events)); yield(events[:n]) && n < len(events); {
			n = min(n+chunk, len(events))
		}
	}
}

// stream writes events in chunks, and checks that all of them are read.
func stream(t *testing.T, w *postgres.Writer, events []postgres.Event, chunk int) postgres.Result {
	t.Helper()
	read := 0
	result, err := w.Stream(t.Context(), 0, func(yield func([]postgres.Event) bool) {
		for soFar := range inChunks(events, chunk) {
			if read = len(soFar); !yield(soFar) {
				t.Error("a chunk is the last one that is read")
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Written + result.Duplicates + len(result.Failures); got != len(events) || read != len(events) {
		t.Errorf("%d events are accounted for and %d were read of %d", got, read, len(events))
	}
	return result
}

func TestStreamWritesEachEventOnceAndNamesThoseThatFail(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	db.Exec(t, "alter table user_logins add constraint good check (user_id <> 'bad')")
	w := postgres.NewWriter(db.Pool, logins.Table())
	events := someLogins(t, 1000)
	bad := login(t, map[string]any{"user_id": "bad"})
	refused := func(i int) postgres.Result {
		return postgres.Result{Failures: []postgres.Failure{{Index: i, SQLSTATE: "23514", Constraint: "good"}}}
	}
	late, early := refused(250), refused(3)
	late.Written, early.Written, early.Duplicates = 250, 150, 100
	for _, step := range []struct {
		name   string
		events []postgres.Event
		chunk  int
		want   postgres.Result
	}{
		{"nothing", nil, 100, postgres.Result{}},
		{"fewer than COPY writes", events[:50], 20, postgres.Result{Written: 50}},
		{"several chunks", events[50:400], 100, postgres.Result{Written: 350}},
		{"a duplicate in the last chunk", append(slices.Clone(events[400:600]), events[399]), 100, postgres.Result{Written: 200, Duplicates: 1}},
		{"a duplicate within the stream", append(slices.Clone(events[600:700]), events[600]), 100, postgres.Result{Written: 100, Duplicates: 1}},
		{"a refused row in the last chunk", append(slices.Clone(events[700:950]), bad), 100, late},
		{"a refused row in the first chunk, and duplicates", slices.Concat(events[:3], []postgres.Event{bad}, events[3:100], someLogins(t, 150)), 110, early},
	} {
		if diff := cmp.Diff(step.want, stream(t, w, step.events, step.chunk)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	if got := db.QueryStrings(t, "select count(*), count(distinct event_id) from user_logins")[0]; got != "1100" {
		t.Errorf("%s rows, want 1100", got)
	}
}

// The server stores the first rows while the later ones are still being made.
func TestServerStoresRowsWhileTheStreamIsRead(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	events := someLogins(t, 3000)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // COPY gets a quarter of it
	defer cancel()
	var stored string
	result, err := postgres.NewWriter(db.Pool, logins.Table()).Stream(ctx, 0, func(yield func([]postgres.Event) bool) {
		if !yield(events[:1500]) || !yield(events[:2900]) {
			return
		}
		for stored = "0"; stored == "0" && ctx.Err() == nil; {
			stored = db.QueryStrings(t, "select coalesce(max(tuples_processed), 0) from pg_stat_progress_copy where datname = current_database()")[0]
		}
		yield(events)
	})
	if want := (postgres.Result{Written: 3000}); err != nil || !cmp.Equal(want, result) {
		t.Errorf("%+v, %v", result, err)
	}
	t.Logf("%s rows were stored when the last ones were made", stored)
}

// The events of both batches are the same, and come in opposite orders. COPY may deadlock then; the
// batch that is chosen as the victim goes by INSERT.
func TestStreamsOfTheSameEventsInOppositeOrdersBothSucceed(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	w := postgres.NewWriter(db.Pool, logins.Table())
	for range 10 {
		events := someLogins(t, 1000)
		reversed := slices.Clone(events)
		slices.Reverse(reversed)
		results := make(chan postgres.Result, 2)
		for _, events := range [][]postgres.Event{events, reversed} {
			go func() {
				result, err := w.Stream(t.Context(), 0, inChunks(events, 100))
				if err != nil {
					t.Error(err)
				}
				results <- result
			}()
		}
		one, other := <-results, <-results
		if n := len(one.Failures) + len(other.Failures); one.Written+other.Written != 1000 || n > 0 {
			t.Fatalf("%+v and %+v", one, other)
		}
	}
}
