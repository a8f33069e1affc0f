package deadletter

import (
	"context"
	"slices"
	"time"

	"sqs2pg/pkg/queue"
)

// held are the letters that were received and are to stay on the dead-letter queue. It keeps them
// invisible, so that no letter comes round again while work goes on, and makes them visible at the
// end.
type held struct {
	queue   *queue.Queue
	letters []*Letter
	known   map[string]bool // the ids of all letters that were ever added
	renewed time.Time
}

// add holds letters, and returns those that were not known.
func (h *held) add(letters []*Letter) (fresh []*Letter) {
	for _, letter := range letters {
		if id := letter.ID(); !h.known[id] {
			h.known[id] = true
			fresh = append(fresh, letter)
		}
		h.letters = append(h.letters, letter)
	}
	return fresh
}

// forget lets go of letters that were deleted.
func (h *held) forget(deleted []*Letter) {
	h.letters = slices.DeleteFunc(h.letters, func(l *Letter) bool { return slices.Contains(deleted, l) })
}

// renew keeps the letters invisible for another LookTime, if half of it is over. A letter for which
// that fails comes round again; add knows it.
func (h *held) renew(ctx context.Context) {
	if time.Since(h.renewed) < LookTime/2 {
		return
	}
	h.renewed = time.Now()
	h.change(ctx, LookTime)
}

// release makes the letters visible, also when ctx has ended. Where that fails they are visible
// after LookTime.
func (h *held) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	h.change(ctx, 0)
}

func (h *held) change(ctx context.Context, visibility time.Duration) {
	changes := make([]queue.Visibility, len(h.letters))
	for i, letter := range h.letters {
		changes[i] = queue.Visibility{ReceiptHandle: *letter.message.ReceiptHandle, Timeout: visibility}
	}
	_, _ = h.queue.ChangeVisibility(ctx, changes)
}
