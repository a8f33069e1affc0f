package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"sqs2pg/pkg/eventsource"
)

// progress shows a drain as it goes: a live bar on a terminal, a line a second in a pipe.
type progress struct {
	w       io.Writer
	started time.Time
	total   int // messages on the queue at the start; others may come
	last    eventsource.Progress
	took    time.Duration // until the last change, so without the silence that ends a drain
	next    time.Time     // of the next line in a pipe
	bars    *mpb.Progress
	bar     *mpb.Bar
}

func newProgress(w io.Writer, total int) *progress {
	p := &progress{w: w, started: time.Now(), total: total, next: time.Now().Add(time.Second)}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && total > 0 {
		p.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(48))
		p.bar = p.bars.AddBar(int64(total),
			mpb.PrependDecorators(decor.CountersNoUnit("%d/%d messages")),
			mpb.AppendDecorators(decor.AverageSpeed(0, "%.0f/s"), decor.Any(p.failures)))
	}
	return p
}

func (p *progress) failures(decor.Statistics) string {
	return fmt.Sprintf("  %d in flight  %d failed", p.last.InFlight, p.last.Failed)
}

// observe is called at every change, one call at a time.
func (p *progress) observe(now eventsource.Progress) {
	p.last, p.took = now, time.Since(p.started)
	settled := now.Succeeded + now.DeadLettered
	if p.bar != nil {
		p.bar.SetTotal(int64(max(p.total, settled)), false)
		p.bar.SetCurrent(int64(settled))
		return
	}
	if time.Now().After(p.next) {
		p.next = time.Now().Add(time.Second)
		p.line()
	}
}

// done shows the end state.
func (p *progress) done() {
	if p.bar != nil {
		p.bar.SetTotal(-1, true)
		p.bars.Wait()
		return
	}
	p.line()
}

func (p *progress) line() {
	n := p.last.Succeeded + p.last.DeadLettered
	fmt.Fprintf(p.w, "%d of %d messages, %.0f/s, %d in flight, %d dead-lettered\n",
		n, max(p.total, n), float64(n)/max(p.took.Seconds(), 0.001), p.last.InFlight, p.last.DeadLettered)
}

// depth is the number of messages on a queue, 0 where SQS does not say.
func depth(ctx context.Context, client *sqs.Client, queueURL string) int {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		return 0 // for the display only: the mapping reports what is wrong
	}
	n, _ := strconv.Atoi(out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)])
	return n
}
