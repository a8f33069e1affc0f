package contract

import (
	"net/netip"
	"strings"
	"time"
)

// formats are the formats that decide about a column or a token, read more
// strictly than JSON Schema libraries do: what passes here, Postgres takes.
var formats = map[string]func(string) bool{
	"ip":        func(s string) bool { _, ok := parseIP(s); return ok },
	"ipv4":      func(s string) bool { a, ok := parseIP(s); return ok && a.Is4() },
	"ipv6":      func(s string) bool { a, ok := parseIP(s); return ok && a.Is6() },
	"uuid":      func(s string) bool { _, ok := parseUUID(s); return ok },
	"date":      func(s string) bool { _, ok := parseDate(s); return ok },
	"date-time": func(s string) bool { _, ok := parseTimestamp(s); return ok },
}

// parseIP reads an address without zone, port or prefix length. netip refuses
// leading zeros, which some programs read as octal.
func parseIP(s string) (netip.Addr, bool) {
	if strings.IndexByte(s, '%') >= 0 {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(s)
	return addr, err == nil
}

// canonicalIP is the one text of an address, however it was written.
func canonicalIP(s string) string {
	addr, ok := parseIP(s)
	if !ok || addr.Is4() {
		return s // IPv4 has one way to be written
	}
	return addr.Unmap().String()
}

// parseUUID reads the 8-4-4-4-12 form of RFC 9562, in either case.
func parseUUID(s string) (Value, bool) {
	v := Value{set: true}
	if len(s) != 36 {
		return v, false
	}
	digits := 0
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return v, false
			}
			continue
		}
		d, ok := hexDigit(s[i])
		if !ok {
			return v, false
		}
		half := &v.bits[digits/16]
		*half = *half<<4 | d
		digits++
	}
	return v, true
}

func hexDigit(c byte) (uint64, bool) {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0'), true
	case c >= 'a' && c <= 'f':
		return uint64(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return uint64(c-'A') + 10, true
	}
	return 0, false
}

// parseDate reads full-date of RFC 3339 in the years 0001 to 9999.
func parseDate(s string) (Value, bool) {
	t, ok := dateOf(s)
	return intValue(t.UnixMicro()), ok
}

func dateOf(s string) (time.Time, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return time.Time{}, false
	}
	year, ok1 := number(s[:4])
	month, ok2 := number(s[5:7])
	day, ok3 := number(s[8:])
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	// time.Date carries 30 February over into March.
	ok := ok1 && ok2 && ok3 && year >= 1 && month >= 1 && month <= 12 && day >= 1 && t.Day() == day
	return t, ok
}

// parseTimestamp reads date-time of RFC 3339. Digits beyond microseconds are cut
// off. A leap second is allowed where it can be, at the end of a UTC day, and
// counts as the second after it, as it does in Postgres.
func parseTimestamp(s string) (Value, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || (s[10] != 'T' && s[10] != 't') || s[13] != ':' || s[16] != ':' {
		return Value{}, false
	}
	day, ok := dateOf(s[:10])
	hour, ok1 := number(s[11:13])
	minute, ok2 := number(s[14:16])
	second, ok3 := number(s[17:19])
	micros, rest, ok4 := fraction(s[19:])
	offset, ok5 := zone(rest)
	if !ok || !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || hour > 23 || minute > 59 || second > 60 {
		return Value{}, false
	}
	seconds := day.Unix() + int64(hour*3600+minute*60+second-offset*60)
	if second == 60 && seconds%86400 != 0 {
		return Value{}, false
	}
	return intValue(seconds*1e6 + int64(micros)), true
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
	hour, ok1 := number(s[1:3])
	minute, ok2 := number(s[4:])
	minutes = hour*60 + minute
	if s[0] == '-' {
		minutes = -minutes
	}
	return minutes, ok1 && ok2 && hour <= 23 && minute <= 59
}

// number reads a string of digits only.
func number(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}
