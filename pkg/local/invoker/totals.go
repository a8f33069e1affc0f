package invoker

import (
	"sync"
	"time"

	"sqs2pg/pkg/local/runtimeapi"
)

// Totals sum up what the REPORT lines of Lambda would say of all invocations. They are zero for a
// function that runs elsewhere.
type Totals struct {
	runtimeapi.Stats               // when the function was closed
	MaxMemory        int64         // bytes
	Billed           time.Duration // each invocation rounded up to a millisecond
}

// meter adds up reports. It is safe for concurrent use.
type meter struct {
	mu        sync.Mutex
	maxMemory int64
	billed    time.Duration
}

func (m *meter) add(r runtimeapi.Report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.maxMemory = max(m.maxMemory, r.MaxMemory)
	m.billed += r.Billed
}

func (m *meter) totals(s runtimeapi.Stats) Totals {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Totals{s, m.maxMemory, m.billed}
}
