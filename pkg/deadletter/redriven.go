package deadletter

import (
	"context"
	"fmt"

	"sqs2pg/pkg/contract/routes"
)

// Redriven says how many letters a redrive has moved or would move, and which it leaves. A redrive by
// the contract leaves the letters that the contract refuses, because they would only die again.
type Redriven struct {
	Moved    int
	Left     Reasons // the contract refuses these, or the table does by their time
	Untimely int     // of Left, those that the table does not take by their time
	Missed   int     // were visible when they were counted, but could not be received; 0 after an error
	Hidden   int     // in flight

	letters *Letters
}

// RedriveAccepted redrives the letters that the contract accepts now and, after [Letters.AskWindows],
// whose time the table takes; with all, the others too. Errors are those of Redrive; it returns what
// was moved until then, with an error too.
func (l *Letters) RedriveAccepted(ctx context.Context, set *routes.Set, all bool) (Redriven, error) {
	r := Redriven{Left: Reasons{}, Hidden: l.Hidden, letters: l}
	var err error
	r.Moved, err = l.Redrive(ctx, func(letter *Letter) bool { return all || r.takes(letter, set) })
	if err == nil {
		r.Missed = max(0, l.Visible-r.Moved-r.Left.Total())
	}
	return r, err
}

// Preview says what RedriveAccepted would do, and moves nothing. Errors are those of Look.
func (l *Letters) Preview(ctx context.Context, set *routes.Set, all bool) (Redriven, error) {
	r := Redriven{Left: Reasons{}, Hidden: l.Hidden, letters: l}
	err := l.Look(ctx, func(letter *Letter) bool {
		if all || r.takes(letter, set) {
			r.Moved++
		}
		return true
	})
	return r, err
}

// takes reports whether contract and table take a letter now. It counts one that is left.
func (r *Redriven) takes(letter *Letter, set *routes.Set) bool {
	reason, untimely := letter.refusal(set, r.letters.windows)
	if untimely {
		r.Untimely++
	}
	return !r.Left.Add(reason)
}

// MovedNone reports whether there were letters and none was moved.
func (r Redriven) MovedNone() bool { return r.Moved == 0 && r.letters.Visible > 0 }

// String says what a redrive has moved.
func (r Redriven) String() string {
	return fmt.Sprintf("%d of %d messages redriven from %s to %s", r.Moved, r.letters.Visible, r.letters.Queue.Name(), r.letters.Source.Name())
}

// Planned says what a redrive would move.
func (r Redriven) Planned() string {
	return fmt.Sprintf("would redrive %d messages from %s to %s, and leave %d", r.Moved, r.letters.Queue.Name(), r.letters.Source.Name(), r.Left.Total())
}

// Advice says what to do about the letters that a redrive has not moved, a line for each cause.
func (r Redriven) Advice() (lines []string) {
	if r.Untimely > 0 {
		lines = append(lines, fmt.Sprintf("%d left, whose time the table does not take: for old events raise its retention, with sqs2pg maintain --retention-days", r.Untimely))
	}
	if n := r.Left.Total() - r.Untimely; n > 0 {
		lines = append(lines, fmt.Sprintf("%d left, which the contract refuses: mend the contract or its producer, or use --all", n))
	}
	if r.Missed > 0 {
		lines = append(lines, fmt.Sprintf("%d could not be received now: run this again in a minute", r.Missed))
	}
	if r.Hidden > 0 {
		lines = append(lines, fmt.Sprintf("%d more in flight: another program has received them; run this again when they are visible", r.Hidden))
	}
	return lines
}
