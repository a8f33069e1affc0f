package terminal

import (
	"fmt"
	"strings"
	"time"
)

// Outage is a time in which work cannot go on, because something does not answer. It is zero if all
// is well.
type Outage struct {
	Since  time.Time
	Reason string // in one line
}

// Begin notes an outage. If there is one already, its beginning stays.
func (o *Outage) Begin(reason string) {
	if o.Since.IsZero() {
		o.Since = time.Now()
	}
	o.Reason = strings.Join(strings.Fields(reason), " ")
}

// String says since when there is an outage, in local time, and why; "" if there is none.
func (o Outage) String() string {
	if o.Since.IsZero() {
		return ""
	}
	return fmt.Sprintf("outage since %s: %s", o.Since.Format(time.TimeOnly), o.Reason)
}

// Lasting is String with how long the outage has lasted at that time.
func (o Outage) Lasting(now time.Time) string {
	if o.Since.IsZero() {
		return ""
	}
	return fmt.Sprintf("outage since %s (%.0f s): %s", o.Since.Format(time.TimeOnly), now.Sub(o.Since).Seconds(), o.Reason)
}
