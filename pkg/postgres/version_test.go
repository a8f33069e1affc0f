package postgres_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// Up to 6 deliveries of events of one key, some of them of the same time and some repeated, come in
// any order and in any batches. The row is the same in the end: that of the greatest version.
func TestUpsertEndsInTheSameRowInAnyOrder(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, devices.Table())
	w := postgres.NewWriter(db.Pool, devices.Table())
	key := 0
	rapid.Check(t, func(r *rapid.T) {
		key++
		fifo := rapid.Bool().Draw(r, "FIFO")
		events := make([]postgres.Event, rapid.IntRange(1, 4).Draw(r, "events"))
		newest := 0
		for i := range events {
			events[i] = device(t, key, rapid.IntRange(0, 1).Draw(r, "second"), fmt.Sprint(i))
			if fifo {
				binary.BigEndian.PutUint64(events[i].Sequence[8:], uint64(100+rapid.IntRange(0, 9).Draw(r, "gap")*10+i))
			}
			if x, y := events[i], events[newest]; x.SentAt.After(y.SentAt) || x.SentAt.Equal(y.SentAt) && tie(x) > tie(y) {
				newest = i
			}
		}
		deliveries := rapid.Permutation(withRepetitions(r, len(events))).Draw(r, "order")
		for len(deliveries) > 0 {
			n := rapid.IntRange(1, len(deliveries)).Draw(r, "batch")
			var batch []postgres.Event
			for _, i := range deliveries[:n] {
				batch = append(batch, events[i])
			}
			write(t, w, batch)
			deliveries = deliveries[n:]
		}
		got := db.QueryStrings(t, "select note from devices where id = $1::text::uuid", fmt.Sprintf("00000000-0000-0000-0000-%012d", key))
		if diff := cmp.Diff([]string{fmt.Sprint(newest)}, got); diff != "" {
			r.Fatalf("the newest event (-want +got):\n%s", diff)
		}
	})
}

// tie is what is compared between events of the same time.
func tie(e postgres.Event) string {
	if e.Sequence != [16]byte{} {
		return string(e.Sequence[:])
	}
	return string(e.ID[:])
}

// withRepetitions are the numbers from 0 to n-1, and some of them again, at most 6 in all.
func withRepetitions(r *rapid.T, n int) []int {
	var list []int
	for i := range n {
		list = append(list, i)
	}
	for range rapid.IntRange(0, 6-n).Draw(r, "repetitions") {
		list = append(list, rapid.IntRange(0, n-1).Draw(r, "again"))
	}
	return list
}

// A row of the release before has no version, and one of its writers may still write.
func TestRowsWithoutAVersionCompareByEventID(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, devices.Table())
	w := postgres.NewWriter(db.Pool, devices.Table())
	low, middle, high := device(t, 1, 0, "low"), device(t, 1, 0, "middle"), device(t, 1, 0, "high")
	low.ID, middle.ID, high.ID = [16]byte{1}, [16]byte{2}, [16]byte{3}
	db.Exec(t, `insert into devices (id, note, sent_at, event_id) values ('00000000-0000-0000-0000-000000000001', 'before', $1, '02000000-0000-0000-0000-000000000000')`, noon)
	for _, step := range []struct {
		name  string
		event postgres.Event
		want  postgres.Result
		note  string
	}{
		{"a smaller id", low, postgres.Result{Superseded: 1}, "before"},
		{"the same event", middle, postgres.Result{Duplicates: 1}, "before"},
		{"a greater id", high, postgres.Result{Written: 1}, "high"},
		{"an older event, delivered again", middle, postgres.Result{Superseded: 1}, "high"},
	} {
		if diff := cmp.Diff(step.want, write(t, w, []postgres.Event{step.event})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff([]string{step.note + "@0"}, notes(t, db)); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", step.name, diff)
		}
	}
}
