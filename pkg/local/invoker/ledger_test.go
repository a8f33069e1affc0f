package invoker

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/eventsource"
)

// TestLedgerCountsAsAPlainListWould makes random deliveries and compares with what each message's
// last state says.
func TestLedgerCountsAsAPlainListWould(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		l := newLedger(remembered)
		type message struct {
			reason string
			state  string
		}
		all := map[string]*message{}
		for range 300 {
			id := fmt.Sprint(r.IntN(40))
			m := all[id]
			if m == nil {
				m = &message{}
				all[id] = m
			}
			if m.state == "dead" {
				continue
			}
			reason := fmt.Sprint("reason ", r.IntN(5))
			explain := func() { m.reason = reason; l.explain(id, reason) }
			finish := func(f eventsource.Finished, state string) { m.state = state; l.finished(f) }
			switch kind := r.IntN(10); {
			case kind < 3:
				finish(eventsource.Finished{Succeeded: []string{id}}, "")
				delete(all, id)
			case kind < 5: // its batch failed
				finish(eventsource.Finished{Failed: []string{id}}, "failing")
			case kind < 7:
				explain()
				finish(eventsource.Finished{Failed: []string{id}}, "failing")
			case kind < 9: // the log is late
				finish(eventsource.Finished{Failed: []string{id}}, "failing")
				explain()
			default:
				finish(eventsource.Finished{Dead: []string{id}}, "dead")
				explain()
			}
		}
		failing, dead, reasons := 0, 0, map[string]int{}
		for _, m := range all {
			switch m.state {
			case "failing":
				failing++
			case "dead":
				dead++
			}
			reasons[m.reason]++
		}
		if diff := cmp.Diff(reasons, l.reasons); diff != "" || l.failing != failing || l.dead != dead {
			t.Fatalf("failing %d, want %d; dead %d, want %d; reasons (-want +got):\n%s", l.failing, failing, l.dead, dead, diff)
		}
	}
}

func TestLedgerForgetsTheOldestAndKeepsCountingDeadLetters(t *testing.T) {
	t.Parallel()
	l := newLedger(10)
	for i := range 1000 {
		id := fmt.Sprint(i)
		l.explain(id, "invalid")
		if i%2 == 0 {
			l.finished(eventsource.Finished{Dead: []string{id}})
		} else {
			l.finished(eventsource.Finished{Failed: []string{id}})
		}
	}
	if len(l.entries) != 10 || l.order.Len() != 10 {
		t.Errorf("keeps %d ids and %d in order, want 10", len(l.entries), l.order.Len())
	}
	if want := map[string]int{"invalid": 505}; l.dead != 500 || l.failing != 5 || !maps.Equal(want, l.reasons) {
		t.Errorf("dead %d, failing %d, reasons %v, want 500, 5 and %v", l.dead, l.failing, l.reasons, want)
	}
}
