package eventsource

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// entryIDs name the entries of a batch call by their place in it.
var entryIDs = [settleMax]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// inChunks makes a batch call for every ten messages, several at a time and past the end of ctx. The call returns the
// entries that are worth another try, or refused ones; they are tried again a few times. It returns how many failed for good.
func inChunks(ctx context.Context, messages []message, call func(context.Context, []message) attempt) int {
	if len(messages) == 0 {
		return 0
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleCeiling)
	defer cancel()
	chunks := make(chan []message)
	var mu sync.Mutex
	lost := 0
	var wg sync.WaitGroup
	for range min(settlers, (len(messages)+settleMax-1)/settleMax) {
		wg.Go(func() {
			for chunk := range chunks {
				n := insist(ctx, chunk, call)
				mu.Lock()
				lost += n
				mu.Unlock()
			}
		})
	}
	for chunk := range slices.Chunk(messages, settleMax) {
		chunks <- chunk
	}
	close(chunks)
	wg.Wait()
	return lost
}

// attempt is what became of one batch call.
type attempt struct {
	again   []int // entries that may yet succeed
	refused int   // entries that never will
}

// insist repeats the call for the entries that may yet succeed.
func insist(ctx context.Context, chunk []message, call func(context.Context, []message) attempt) int {
	lost := 0
	for try := range settleAttempts {
		if try > 0 {
			sleep(ctx, firstPause<<try)
		}
		got := call(ctx, chunk)
		lost += got.refused
		if len(got.again) == 0 {
			return lost
		}
		chunk = pick(chunk, got.again)
	}
	return lost + len(chunk)
}

func pick(chunk []message, indexes []int) []message {
	picked := make([]message, len(indexes))
	for i, index := range indexes {
		picked[i] = chunk[index]
	}
	return picked
}

// perEntry reads the entries that a batch call answered with a failure, which it does with status 200.
func perEntry(failed []types.BatchResultErrorEntry) attempt {
	var a attempt
	for _, f := range failed {
		index, err := strconv.Atoi(*f.Id)
		if f.SenderFault || err != nil || index < 0 || index >= settleMax {
			a.refused++
		} else {
			a.again = append(a.again, index)
		}
	}
	return a
}

// unanswered is a call that failed as a whole.
func unanswered(err error, entries int) attempt {
	if !transient(err) {
		return attempt{refused: entries}
	}
	a := attempt{again: make([]int, entries)}
	for i := range a.again {
		a.again[i] = i
	}
	return a
}
