package mask

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// DomainOfEmail is the text after the last @ of an email address, in lower case. It is "" if there
// is no @.
func DomainOfEmail(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	return strings.ToLower(address[at+1:])
}

const (
	shown  = 4 // characters that LastCharacters keeps
	enough = 8 // characters; a shorter text is hidden whole
)

// LastCharacters is **** and the last four characters of a text that has eight or more, and ****
// for a shorter one: of a card number, four of sixteen digits.
func LastCharacters(text string) string {
	if utf8.RuneCountInString(text) < enough {
		return "****"
	}
	start := len(text)
	for range shown {
		_, size := utf8.DecodeLastRuneInString(text[:start])
		start -= size
	}
	return "****" + text[start:]
}

// FirstDay is the first day of the year, for DateYear, or of the month, for DateMonth, that a time
// falls into. Both are in UTC.
func FirstDay(k Kind, t time.Time) time.Time {
	year, month, _ := t.UTC().Date()
	if k == DateYear {
		month = time.January
	}
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
}

// Floor is the greatest multiple of width that is not above n. It is false if that is less than the
// least int64.
func Floor(n, width int64) (int64, bool) {
	rest := n % width
	if rest < 0 {
		rest += width
	}
	return n - rest, n >= math.MinInt64+rest
}

// FloorFloat is Floor for a double. The result is exact up to 2^53, and the nearest double beyond.
func FloorFloat(f float64, width int64) float64 {
	rest := math.Mod(f, float64(width)) // exact
	floor := f - rest
	if rest < 0 {
		floor -= float64(width)
	}
	return floor
}
