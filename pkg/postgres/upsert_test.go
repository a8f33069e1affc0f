package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// device is the state of device n, sent at so many seconds after noon.
func device(tb testing.TB, n, seconds int, note string) postgres.Event {
	e := event(tb, devices, map[string]any{"id": fmt.Sprintf("00000000-0000-0000-0000-%012d", n), "note": note})
	e.SentAt = noon.Add(time.Duration(seconds) * time.Second)
	return e
}

func notes(tb testing.TB, db *postgrestest.Database) []string {
	return db.QueryStrings(tb, "select note || '@' || extract(epoch from sent_at - '2026-01-01T12:00:00Z')::int from devices order by id")
}

func TestUpsertKeepsNewestEventOfAKey(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, devices.Table())
	w := postgres.NewWriter(db.Pool, devices.Table())
	second, third := device(t, 1, 20, "second"), device(t, 2, 20, "third")
	for _, step := range []struct {
		name   string
		events []postgres.Event
		want   postgres.Result
		rows   []string
	}{
		{"two events of a key in a batch, the newer first", []postgres.Event{second, device(t, 1, 10, "first"), device(t, 2, 10, "other")},
			postgres.Result{Written: 2, Superseded: 1}, []string{"second@20", "other@10"}},
		{"the same again", []postgres.Event{second}, postgres.Result{Duplicates: 1}, []string{"second@20", "other@10"}},
		{"an older one, and the same again", []postgres.Event{device(t, 1, 15, "late"), second}, postgres.Result{Duplicates: 1, Superseded: 1}, []string{"second@20", "other@10"}},
		{"one event twice in a batch", []postgres.Event{third, third}, postgres.Result{Written: 1, Duplicates: 1}, []string{"second@20", "third@20"}},
	} {
		if diff := cmp.Diff(step.want, write(t, w, step.events)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.rows, notes(t, db)); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", step.name, diff)
		}
	}
}

// If an event is refused, an older event of its key in the same batch must still be written.
func TestRefusedEventDoesNotLoseTheOlderOneOfItsKey(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, devices.Table())
	db.Exec(t, "alter table devices add constraint good check (note <> 'bad')")
	got := write(t, postgres.NewWriter(db.Pool, devices.Table()), []postgres.Event{
		device(t, 1, 10, "first"), device(t, 2, 10, "other"), device(t, 1, 20, "bad"), device(t, 3, 10, "third"),
	})
	want := postgres.Result{Written: 3, Failures: []postgres.Failure{{Index: 2, SQLSTATE: "23514", Constraint: "good"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"first@10", "other@10", "third@10"}, notes(t, db)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// An event that fails holds back the later events of its group, although upsert mode sorts the
// batch by key and writes only "new" of "old" and "new".
func TestGroupsKeepTheirOrderInUpsertMode(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, devices.Table())
	db.Exec(t, "alter table devices add constraint good check (note <> 'bad')")
	events := []postgres.Event{device(t, 3, 1, "old"), device(t, 2, 2, "bad"), device(t, 3, 3, "new"), device(t, 1, 4, "other")}
	for i := range events {
		events[i].Group = "g"
	}
	got := write(t, postgres.NewWriter(db.Pool, devices.Table()), events)
	want := postgres.Result{Written: 1, Failures: []postgres.Failure{
		{Index: 1, SQLSTATE: "23514", Constraint: "good"}, {Index: 2, Held: true}, {Index: 3, Held: true}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"old@1"}, notes(t, db)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestConcurrentUpsertsOfTheSameKeysConverge(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, devices.Table())
	var all [][]postgres.Event
	for writer := range 4 {
		var events []postgres.Event
		for seconds := range 300 {
			events = append(events, device(t, seconds%20, seconds*4+writer, "x"))
		}
		rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		all = append(all, events)
	}
	var writers sync.WaitGroup
	for _, events := range all {
		w := postgres.NewWriter(postgrestest.Open(t, db.URL), devices.Table())
		writers.Go(func() {
			for len(events) > 0 {
				if _, err := w.Write(t.Context(), events[:30]); err != nil {
					t.Error(err)
				}
				events = events[30:]
			}
		})
	}
	writers.Wait()
	var want []string
	for n := range 20 {
		want = append(want, fmt.Sprintf("x@%d", (280+n)*4+3))
	}
	if diff := cmp.Diff(want, notes(t, db)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if deadlocks := db.QueryStrings(t, "select deadlocks from pg_stat_database where datname = current_database()")[0]; deadlocks != "0" {
		t.Errorf("%s deadlocks", deadlocks)
	}
}
