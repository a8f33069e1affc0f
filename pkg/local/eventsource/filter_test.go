package eventsource_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/pattern"
	"sqs2pg/pkg/queue"
)

func TestDeletesMessagesThatNoFilterMatches(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "filtered", nil)
	var bodies, want []string
	for i := range 250 {
		body := fmt.Sprintf(`{"n":%d,"kind":"%c"}`, i, 'a'+i%3)
		bodies = append(bodies, body)
		if i%3 == 0 || i > 240 {
			want = append(want, body)
		}
	}
	send(t, client, url, bodies)
	f := &function{}
	got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, BatchSize: 100, Filters: []*pattern.Pattern{
		filter(t, `{"body":{"kind":["a"]}}`), filter(t, `{"body":{"n":[{"numeric":[">",240]}]}}`),
	}})
	seen := f.bodies()
	slices.Sort(seen)
	slices.Sort(want)
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("messages that the function saw (-want +got):\n%s", diff)
	}
	if got.Received != 250 || got.Succeeded != len(want) || got.Filtered != 250-len(want) || got.Failed != 0 {
		t.Errorf("%+v", got)
	}
	wantDepth(t, client, url, 0, 0)
}

func TestEndsWhenEveryMessageIsFilteredOut(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "unwanted", nil)
	send(t, client, url, numbered(55))
	got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: &function{}, Filters: []*pattern.Pattern{filter(t, `{"body":["none"]}`)}})
	if got.Filtered != 55 || got.Invocations != 0 {
		t.Errorf("%+v", got)
	}
	wantDepth(t, client, url, 0, 0)
	m := eventsource.Mapping{Queue: queue.New(client, url), Function: &function{}, Filters: make([]*pattern.Pattern, 6)}
	if _, err := m.Run(t.Context()); !errors.Is(err, eventsource.ErrMisuse) {
		t.Errorf("six filters: %v", err)
	}
}

func filter(t *testing.T, text string) *pattern.Pattern {
	t.Helper()
	f, err := pattern.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
