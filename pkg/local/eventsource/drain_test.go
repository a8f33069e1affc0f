package eventsource_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/queue"
)

func TestFillsBatchesFromTheQueue(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	tests := map[string]struct {
		messages, size int
		want           []int
	}{
		"ten by default":                    {25, 0, []int{10, 10, 5}},
		"one by one":                        {3, 1, []int{1, 1, 1}},
		"seven":                             {20, 7, []int{7, 7, 6}},
		"a hundred, of several calls":       {250, 100, []int{100, 100, 50}},
		"fewer than asked for, all at once": {1234, 10_000, []int{1234}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := newQueue(t, client, fmt.Sprint("sizes-", test.messages), nil)
			send(t, client, url, numbered(test.messages))
			f := &function{}
			summary := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, BatchSize: test.size})
			var got []int
			for _, e := range f.events {
				got = append(got, len(e.Records))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("batch sizes (-want +got):\n%s", diff)
			}
			bodies := f.bodies()
			slices.Sort(bodies)
			if len(slices.Compact(bodies)) != test.messages || summary.Succeeded != test.messages {
				t.Errorf("%d different messages, %+v", len(bodies), summary)
			}
			wantDepth(t, client, url, 0, 0)
		})
	}
}

func TestKeepsEventsUnder6MB(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "large", map[string]string{"VisibilityTimeout": "600"}) // a slow machine needs longer than 30 s
	body := strings.Repeat(`"`, 1<<20-10)                                              // twice as long in JSON
	for i := range 8 {
		if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(fmt.Sprint(i, body))}); err != nil {
			t.Fatal(err)
		}
	}
	f := &function{}
	summary := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, BatchSize: 1000})
	for _, size := range f.sizes {
		if size > 6<<20 {
			t.Errorf("event of %d bytes", size)
		}
	}
	if summary.Succeeded != 8 || summary.Invocations != 4 {
		t.Errorf("%+v, want 8 messages in 4 invocations", summary)
	}
	if got := f.bodies()[7]; !strings.HasPrefix(got, "7") || len(got) != len(body)+2 && len(got) != len(body)+1 {
		t.Errorf("the last body has %d bytes", len(got))
	}
}

func TestWindowWaitsForMoreMessages(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "window", nil)
	send(t, client, url, numbered(3))
	f := &function{}
	late := time.AfterFunc(500*time.Millisecond, func() { send(t, client, url, []string{"late"}) })
	defer late.Stop()
	began := time.Now()
	run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, BatchSize: 100, Window: 1500 * time.Millisecond})
	if took := time.Since(began); took < 1500*time.Millisecond || took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	if len(f.events) != 1 || len(f.events[0].Records) != 4 {
		t.Errorf("%d invocations, want one with all four messages", len(f.events))
	}
	began = time.Now()
	send(t, client, url, numbered(5))
	run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, BatchSize: 5, Window: time.Minute})
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a full batch waited for the window, %s", took)
	}
}

func TestInvokesConcurrently(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	for _, concurrency := range []int{1, 3} {
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) {
			t.Parallel()
			url := newQueue(t, client, fmt.Sprint("concurrency-", concurrency), nil)
			send(t, client, url, numbered(40))
			var now, most atomic.Int32
			f := &function{answer: func(events.SQSEvent) ([]byte, error) {
				defer now.Add(-1)
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(50 * time.Millisecond)
				return nil, nil
			}}
			run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, BatchSize: 2, Concurrency: concurrency})
			if got := int(most.Load()); got != concurrency {
				t.Errorf("%d invocations at a time, want %d", got, concurrency)
			}
		})
	}
}

// Of 1,000 messages 37 are bad. They are on the dead-letter queue before Run returns.
func TestMovesBadMessagesToDeadLetterQueue(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	for name, test := range map[string]struct {
		delay      time.Duration
		visibility string
	}{
		"with a retry delay of 0":            {0, "30"},
		"with a retry delay of 1 s":          {time.Second, "30"},
		"by the queue's own visibility of 1": {-1, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, dead := withRedrive(t, client, fmt.Sprintf("bad%d", test.delay), 3, map[string]string{"VisibilityTimeout": test.visibility})
			send(t, client, url, numbered(1000))
			f, began := &function{answer: failing(numbered(37)...)}, time.Now()
			died := map[string]int{}
			got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, BatchSize: 100, Concurrency: 2, RetryDelay: test.delay, IdleTimeout: 50 * time.Millisecond,
				Finished: func(f eventsource.Finished) {
					for _, id := range f.Dead {
						died[id]++
					}
				}})
			want := eventsource.Summary{Received: 963 + 3*37, Succeeded: 963, Failed: 3 * 37, DeadLettered: 37}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(got, "Elapsed", "Invocations", "Returns")); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
			if len(died) != 37 || !got.Returns.After(began) {
				t.Errorf("%d messages died; the last returns at %s, want 37 and a time since %s", len(died), got.Returns, began)
			}
			wantDepth(t, client, url, 0, 0)
			wantDepth(t, client, dead, 37, 0)
		})
	}
}

// Without a dead-letter queue a bad message would come back for ever. The drain ends nevertheless,
// and the message stays on the queue.
func TestEndsWithoutRedrivePolicy(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "endless", map[string]string{"VisibilityTimeout": "1"})
	send(t, client, url, numbered(20))
	f := &function{answer: failing("7")}
	got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, IdleTimeout: 2500 * time.Millisecond})
	if got.Succeeded != 19 || got.Failed < 2 || got.DeadLettered != 0 || got.Elapsed > 10*time.Second {
		t.Errorf("%+v", got)
	}
}

// A failing message holds up the later messages of its group until it is dead. The other groups go
// on.
func TestKeepsOrderOfFIFOGroups(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url, _ := withRedrive(t, client, "order.fifo", 10, nil)
	want := map[string][]string{}
	for i := range 30 {
		group := []string{"a", "b", "c"}[i%3]
		body := fmt.Sprint(group, i/3)
		want[group] = append(want[group], body)
		in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: &body}
		if _, err := client.SendMessage(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	failures := 0
	done := map[string][]string{}
	f := &function{answer: func(e events.SQSEvent) ([]byte, error) {
		var failed []string
		stopped := map[string]bool{}
		for _, m := range e.Records {
			group := m.Attributes["MessageGroupId"]
			if m.Body == "b2" && failures < 3 {
				failures++
				stopped[group] = true
			}
			if stopped[group] {
				failed = append(failed, m.Body)
			} else {
				done[group] = append(done[group], m.Body)
			}
		}
		return failing(failed...)(e)
	}}
	got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, IdleTimeout: time.Second})
	if got.Succeeded != 30 || got.Failed < 3 || got.DeadLettered != 0 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("order of success by group (-want +got):\n%s", diff)
	}
}

// A batch has no room under 6 MB for the rest of a group. The rest must come after the messages in
// the batch, and not at all while one of those fails.
func TestKeepsOrderOfFIFOGroupsWhenBatchIsFull(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url, _ := withRedrive(t, client, "full.fifo", 10, nil)
	group, want := "a", []string(nil)
	for i := range 9 {
		id, body := fmt.Sprint(i), fmt.Sprint(i, strings.Repeat("x", 1<<20-10))
		want = append(want, id)
		in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: &id}
		if _, err := client.SendMessage(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var done []string
	failed := false
	f := &function{answer: func(e events.SQSEvent) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		var held []string
		for _, m := range e.Records {
			if m.Body[:1] == "3" && !failed || len(held) > 0 {
				failed, held = true, append(held, m.Body)
			} else {
				done = append(done, m.Body[:1])
			}
		}
		return failing(held...)(e)
	}}
	got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, Concurrency: 2, IdleTimeout: time.Second})
	if got.Succeeded != 9 || got.DeadLettered != 0 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("order of success (-want +got):\n%s", diff)
	}
}

// One batch waits for an invoker longer than the queue's visibility timeout. It must not be
// delivered a second time.
func TestKeepsWaitingBatchInvisible(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "slow", map[string]string{"VisibilityTimeout": "3"})
	send(t, client, url, numbered(3))
	f := &function{answer: func(events.SQSEvent) ([]byte, error) {
		time.Sleep(2 * time.Second)
		return nil, nil
	}}
	got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f, BatchSize: 1})
	if got.Received != 3 || got.Succeeded != 3 {
		t.Errorf("%+v, want each message received once", got)
	}
	wantDepth(t, client, url, 0, 0)
}

func TestStopFinishesInvocationsAndReleasesTheRest(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "stop", nil)
	send(t, client, url, numbered(50))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := &function{answer: func(events.SQSEvent) ([]byte, error) {
		cancel()
		time.Sleep(300 * time.Millisecond) // the invocation outlives the order to stop
		return nil, nil
	}}
	m := eventsource.Mapping{Queue: queue.New(client, url), Function: f, BatchSize: 10}
	got, err := m.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got.Invocations != 1 || got.Succeeded != 10 || got.Received != 10+got.Released {
		t.Errorf("%+v, want one batch of 10 and the others released", got)
	}
	wantDepth(t, client, url, 40, 0)
}

func TestStopEndsLongPoll(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "quiet", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	m := eventsource.Mapping{Queue: queue.New(client, url), Function: &function{}}
	got, err := m.Run(ctx)
	if err != nil || got.Elapsed > 2*time.Second {
		t.Errorf("%+v, %v", got, err)
	}
}

// The queue's own default is long polling. A short poll must not wait nevertheless.
func TestShortPollIgnoresWaitTimeOfQueue(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "long", map[string]string{"ReceiveMessageWaitTimeSeconds": "20"})
	send(t, client, url, numbered(15))
	got := run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: &function{}, BatchSize: 100})
	if got.Succeeded != 15 || got.Elapsed > 3*time.Second {
		t.Errorf("%+v", got)
	}
}
