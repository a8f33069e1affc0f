package calendar_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/postgres/calendar"
)

func TestADayBeginsAtMidnightInUTC(t *testing.T) {
	t.Parallel()
	for moment, want := range map[string]calendar.Day{
		"1970-01-01T00:00:00Z":           0,
		"1969-12-31T23:59:59.999999Z":    -1,
		"1969-12-31T00:00:00Z":           -1,
		"1969-12-30T23:59:59Z":           -2,
		"2026-03-01T23:59:59.999999Z":    20513,
		"2026-03-02T00:00:00+13:00":      20513,
		"2026-03-01T20:00:00.5-04:00":    20514,
		"0001-01-01T00:00:00Z":           -719162,
		"9999-12-31T23:59:59.999999999Z": 2932896,
	} {
		at, err := time.Parse(time.RFC3339Nano, moment)
		if err != nil {
			t.Fatal(err)
		}
		if got := calendar.Of(at); got != want {
			t.Errorf("%s is on day %d, want %d", moment, got, want)
		}
	}
}

func TestSpanEndsBeforeTheFirstMomentOfADayTooMany(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Unix(int64(n)*24*60*60, 0) }
	for name, test := range map[string]struct {
		moments       func(int) time.Time
		n             int
		days, spanned int
	}{
		"none":                          {nil, 0, 0, 0},
		"one day":                       {func(int) time.Time { return day(5) }, 1000, 1, 1000},
		"a day comes again":             {func(i int) time.Time { return day(i % 3) }, 1000, 3, 1000},
		"as many as may be":             {day, calendar.MostSpanned, calendar.MostSpanned, calendar.MostSpanned},
		"one too many":                  {day, calendar.MostSpanned + 1, calendar.MostSpanned + 1, calendar.MostSpanned},
		"known days after one too many": {func(i int) time.Time { return day(i % 300) }, 1000, 300, calendar.MostSpanned},
	} {
		days, spanned := calendar.Span(calendar.MostSpanned, test.n, test.moments)
		if diff := cmp.Diff([]int{test.days, test.spanned}, []int{len(days), spanned}); diff != "" {
			t.Errorf("%s: days and spanned moments (-want +got):\n%s", name, diff)
		}
	}
}
