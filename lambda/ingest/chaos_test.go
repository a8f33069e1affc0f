package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/invoker"
	"sqs2pg/pkg/local/runtimeapi"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/telemetry/leaktest"
)

const (
	chaosProcesses = 3
	chaosTimeout   = 4 * time.Second // of an invocation
)

// TestChaos sends valid, invalid and repeated messages through processes of the function while
// everything around them fails: one fault after the other, and some together. Then it compares
// table and dead-letter queue with the ledger of what was sent. Every valid message must be in the
// table once, every invalid message in the dead-letter queue once, and neither may hold anything
// else. Meanwhile people look into the vault by the command: whatever it gives out must be what was
// sent, and in the audit. The test also searches everything that was written for personal values; only
// the command's standard output may hold them.
//
// The same SEED, which is printed, makes the same messages and faults, though not at the same
// moments. MESSAGES and FAULTS make the test longer: see make chaos.
func TestChaos(t *testing.T) {
	t.Parallel()
	seed, messages, n := setting("SEED", uint64(time.Now().UnixNano()%1e9)), setting("MESSAGES", 3000), setting("FAULTS", 2*uint64(len(faults)))
	t.Logf("SEED=%d MESSAGES=%d FAULTS=%d", seed, messages, n)
	c := newChaos(t, seed, int(messages))
	c.run(int(n), seed)
	c.report()
}

func setting(name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv("CHAOS_"+name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

type chaos struct {
	*world
	traffic  *traffic
	search   *leaktest.Search
	log      *invoker.Log
	function *runtimeapi.Function
	coming   []int // indexes of faults
	injected map[string]int
	began    time.Time

	mu       sync.Mutex
	progress eventsource.Progress
	summary  eventsource.Summary
}

func newChaos(t *testing.T, seed uint64, messages int) *chaos {
	c := &chaos{search: leaktest.For(sample.PersonalValues()...), log: invoker.NewLog(io.Discard), injected: map[string]int{}, began: time.Now()}
	c.world = newWorld(t, seed, c.search)
	c.traffic = newTraffic(c.client, c.queue, seed, messages)
	c.output = io.MultiWriter(c.log, c.search.Stream("the function's output"))
	var err error
	c.function, err = runtimeapi.Start(t.Context(), runtimeapi.Config{
		Bootstrap: bootstrap, Environments: chaosProcesses, Timeout: chaosTimeout, FunctionName: c.name, Env: c.environ(),
		Output: c.output,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.live.set(c.function)
	return c
}

// run sends all messages under n rounds of faults, and returns when the queue is empty and all
// questions are answered. There is a question for every five rounds, in any of them.
func (c *chaos) run(n int, seed uint64) {
	r, asking := rand.New(rand.NewPCG(seed, 2)), rand.New(rand.NewPCG(seed, 3))
	rounds := make([]int, max(5, n/5)) // of the questions
	for i := range rounds {
		rounds[i] = asking.IntN(n)
	}
	ctx, stop := context.WithCancel(c.t.Context())
	var working sync.WaitGroup
	working.Go(func() { c.drain(ctx) })
	working.Go(func() {
		if err := c.traffic.run(ctx); err != nil && ctx.Err() == nil {
			c.t.Error(err)
		}
	})
	defer func() {
		close(c.traffic.allowed)
		stop()
		working.Wait()
		c.function.Close(context.WithoutCancel(ctx))
	}()
	for round := range n {
		c.traffic.allowed <- (c.traffic.target + n - 1) / n
		for i := range rounds {
			if rounds[i] == round {
				q, moments := c.question(i, asking), rand.New(rand.NewPCG(seed, uint64(4+i)))
				c.reveals.count(1)
				working.Go(func() { c.ask(ctx, q, moments) })
				if i%4 == 0 { // each way has its turn
					c.crashAtFetch(r)
				}
			}
		}
		c.inject(r, r.IntN(4) == 0)
		c.look()
		c.eventually("most of the sent messages are done", time.Minute, func() bool { return c.done() >= c.traffic.count()-c.traffic.target/n-2*c.known() })
	}
	c.eventually("all messages are sent", time.Minute, func() bool { return c.traffic.count() == c.traffic.target })
	empty := 0 // looks in a row that found it empty: SQS does not count visible and hidden messages at the same moment
	c.eventually("the queue is empty", time.Minute, func() bool {
		if empty++; c.waiting() > 0 {
			empty = 0
		}
		return empty == 5
	})
	c.eventually("all questions to the vault are answered", time.Minute, func() bool { return c.reveals.waiting() == 0 })
	c.askAll(asking)
}

// drain plays the event source mapping. It gives no message back early, so that only the function
// decides when one returns.
func (c *chaos) drain(ctx context.Context) {
	m := eventsource.Mapping{
		Queue: queue.New(c.client, c.queue), Function: &c.live, BatchSize: 200, Concurrency: chaosProcesses, RetryDelay: -1,
		Observe: func(p eventsource.Progress) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.progress = p
		},
	}
	summary, err := m.Run(ctx)
	if err != nil {
		c.t.Error(err)
	}
	c.search.Text("the mapping's last error", summary.LastError)
	c.summary = summary
}

func (c *chaos) done() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.progress.Succeeded
}

// known returns how many invalid messages were sent. They never count as done.
func (c *chaos) known() int {
	c.traffic.mu.Lock()
	defer c.traffic.mu.Unlock()
	return len(c.traffic.invalid)
}

// inject lets one fault happen, or two at the same time.
func (c *chaos) inject(r *rand.Rand, together bool) {
	if len(c.coming) == 0 {
		c.coming = r.Perm(len(faults)) // each fault has its turn
	}
	f := faults[c.coming[0]]
	c.coming = c.coming[1:]
	c.injected[f.name]++
	end := f.begin(c.world, c.traffic, r)
	if together {
		c.inject(r, false)
	}
	time.Sleep(time.Duration(20+r.IntN(400)) * time.Millisecond)
	end()
}

// look searches what other users of the database server can see.
func (c *chaos) look() {
	for _, query := range c.owner.QueryStrings(c.t, "select query from pg_stat_activity where query <> ''") {
		c.search.Text("pg_stat_activity", query)
	}
}

func (c *chaos) report() {
	if n := c.waiting(); n > 0 {
		c.t.Errorf("%d messages are still in the queue", n)
	}
	dead := c.deadLetters()
	for _, m := range dead {
		c.search.Text("a dead letter's attributes", fmt.Sprint(m.Attributes, m.MessageAttributes))
	}
	worst := c.traffic.compare(c.t, c.owner, dead, c.keyring, c.key)
	revealed := c.reportReveals()
	for _, found := range c.search.Found() {
		c.t.Error("leak: " + found)
	}
	stats := c.function.Stats()
	var b strings.Builder
	fmt.Fprintf(&b, "in %s: %d messages sent, %d of them again and %d invalid\n", time.Since(c.began).Round(time.Second), c.traffic.sent, c.traffic.duplicates, len(c.traffic.invalid))
	total := 0
	for _, name := range slices.Sorted(maps.Keys(c.injected)) {
		fmt.Fprintf(&b, "%6d %s\n", c.injected[name], name)
		total += c.injected[name]
	}
	fmt.Fprintf(&b, "%6d faults in all\n", total)
	fmt.Fprintf(&b, "processes started again %d, invocations %d, failed as a whole %d, timed out %d, crashed %d\n", stats.Restarts, stats.Invocations, c.summary.FailedBatches, stats.Timeouts, stats.Crashes)
	fmt.Fprintf(&b, "receives %d, redeliveries %d, duplicates refused %d, worst delay %s\n", c.summary.Received, c.summary.Received-c.traffic.sent, c.log.Duplicates(), worst.Round(time.Millisecond))
	fmt.Fprintf(&b, "Postgres's errors by SQLSTATE: %v\n", c.sqlstates.counts)
	fmt.Fprintf(&b, "batches refused by wrong releases %d\n", c.refusals.count)
	fmt.Fprintln(&b, revealed)
	fmt.Fprintf(&b, "searched %d bytes for personal values, found %d", c.search.Bytes(), len(c.search.Found()))
	c.t.Log(b.String())
}
