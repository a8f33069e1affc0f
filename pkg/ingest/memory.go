package ingest

import (
	"context"
	"runtime/debug"
	"sync"
)

const (
	// largePayload is in bytes, about 1,700 logins.
	largePayload = 1 << 20

	// By default the garbage of a process is collected when its heap has doubled, or from 4 MB. Small
	// batches leave less than that, so it may grow more: measured 14 % less processor time at 100
	// messages. The largest batches hold 15 MB, and the default is right: with 50 % the process had 54
	// instead of 70 MB, but took 10 instead of 6 us of processor time a message.
	// https://go.dev/doc/gc-guide#GOGC
	growthSmall = 400 // percent
	growthLarge = 100
)

// sparing lets garbage grow by the size of the batches. The first large batch decides it for the life
// of the process, whose later batches are about as large. GOGC in the environment switches it off.
func sparing(h *Handler, getenv func(string) string) lambdaHandler {
	if getenv("GOGC") != "" {
		return h.Invoke
	}
	debug.SetGCPercent(growthSmall)
	var large sync.Once
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		if len(payload) >= largePayload {
			large.Do(func() { debug.SetGCPercent(growthLarge) })
		}
		return h.Invoke(ctx, payload)
	}
}

// lambdaHandler is a lambda.Handler.
type lambdaHandler func(context.Context, []byte) ([]byte, error)

func (f lambdaHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}
