// Package scalar reads what a message writes as one value: addresses, UUIDs, dates, times and
// numbers. It reads strictly and exactly, so that Postgres takes whatever passes here and holds the
// value that the producer meant.
package scalar

import (
	"net/netip"
	"strings"
	"time"
)

// IP reads an IPv4 or IPv6 address without zone, port or prefix length. Leading zeros are refused,
// because some programs read them as octal.
func IP(s string) (netip.Addr, bool) {
	if strings.IndexByte(s, '%') >= 0 {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(s)
	return addr, err == nil
}

// CanonicalIP is the one text of an address, however it was written. An IPv4 address that is mapped
// into IPv6 counts as IPv4. Text that is not an address is returned as it is.
func CanonicalIP(s string) string {
	addr, ok := IP(s)
	if !ok || addr.Is4() {
		return s // an IPv4 address can only be written in one way
	}
	return addr.Unmap().String()
}

// UUID reads the 8-4-4-4-12 form of RFC 9562, in either case.
func UUID(s string) (id [16]byte, ok bool) {
	if len(s) != 36 {
		return id, false
	}
	digits := 0
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return id, false
			}
			continue
		}
		d, ok := hexDigit(s[i])
		if !ok {
			return id, false
		}
		id[digits/2] = id[digits/2]<<4 | d
		digits++
	}
	return id, true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// Date reads full-date of RFC 3339 in the years 0001 to 9999, as midnight UTC.
func Date(s string) (time.Time, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return time.Time{}, false
	}
	year, ok1 := digits(s[:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:])
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	// time.Date carries 30 February over into March.
	ok := ok1 && ok2 && ok3 && year >= 1 && month >= 1 && month <= 12 && day >= 1 && t.Day() == day
	return t, ok
}

// Day is the UTC day of a date or a date-time; see [Date] and [Timestamp].
func Day(s string) (time.Time, bool) {
	if day, ok := Date(s); ok {
		return day, true
	}
	micros, ok := Timestamp(s)
	return time.UnixMicro(micros).UTC().Truncate(24 * time.Hour), ok
}

// Timestamp reads date-time of RFC 3339, as microseconds since 1970. It cuts off further digits. It
// takes a leap second where one can be, at the end of a UTC day, and counts it as the second after
// it, as Postgres does.
func Timestamp(s string) (micros int64, ok bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || (s[10] != 'T' && s[10] != 't') || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	day, ok := Date(s[:10])
	hour, ok1 := digits(s[11:13])
	minute, ok2 := digits(s[14:16])
	second, ok3 := digits(s[17:19])
	part, rest, ok4 := fraction(s[19:])
	offset, ok5 := zone(rest)
	if !ok || !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	seconds := day.Unix() + int64(hour*3600+minute*60+second-offset*60)
	if second == 60 && seconds%86400 != 0 {
		return 0, false
	}
	return seconds*1e6 + int64(part), true
}

// fraction reads an optional fraction of a second, in microseconds.
func fraction(s string) (micros int, rest string, ok bool) {
	if s[0] != '.' {
		return 0, s, true
	}
	end := 1
	for scale := 100_000; end < len(s) && s[end] >= '0' && s[end] <= '9'; end++ {
		micros += int(s[end]-'0') * scale
		scale /= 10
	}
	return micros, s[end:], end > 1
}

// zone reads Z or an offset, in minutes east of UTC.
func zone(s string) (minutes int, ok bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	if len(s) != 6 || s[3] != ':' || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	hour, ok1 := digits(s[1:3])
	minute, ok2 := digits(s[4:])
	minutes = hour*60 + minute
	if s[0] == '-' {
		minutes = -minutes
	}
	return minutes, ok1 && ok2 && hour <= 23 && minute <= 59
}

// digits reads a string that must consist of decimal digits.
func digits(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}
