package ingest

import (
	"context"
	"runtime"
	"runtime/debug"
)

const (
	// largePayload is in bytes, about 1,700 logins.
	largePayload = 1 << 20

	// garbageGrowth is by how many percent the heap may grow before garbage is collected. Go's default
	// is 100. https://go.dev/doc/gc-guide#GOGC
	garbageGrowth = 200
)

// sparing collects the garbage of large batches at the moments when it costs least: before the first
// message of a batch is read, and after the last one. Nothing but the payload is in use then, and the
// collector has little to look at. Measured with batches of 10,000, against Go's own choice: 55 MB
// instead of 70, and 4.7 us of processor time a message instead of 5.6. GOGC in the environment
// switches it off.
func sparing(h *Handler, getenv func(string) string) lambdaHandler {
	if getenv("GOGC") != "" {
		return h.Invoke
	}
	debug.SetGCPercent(garbageGrowth)
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		if len(payload) >= largePayload {
			runtime.GC()
			defer runtime.GC()
		}
		return h.Invoke(ctx, payload)
	}
}

// lambdaHandler is a lambda.Handler.
type lambdaHandler func(context.Context, []byte) ([]byte, error)

func (f lambdaHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}
