// Package naming reads the names of properties: which column a name gives, and whether it looks
// like that of a personal value.
package naming

import (
	"strings"
)

// acronyms are written in a way that its capitals do not tell into words.
var acronyms = strings.NewReplacer("IPv4", "Ipv4", "IPv6", "Ipv6")

// Column is a property's name in snake_case: device_type for deviceType, user_ids for userIDs,
// x_api for X-API. A name of lower-case letters, digits and _ stays as it is.
func Column(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" {
		return name
	}
	text := []rune(acronyms.Replace(name))
	var out strings.Builder
	gap := false // a character before that is neither letter nor digit
	for i, r := range text {
		if r < 0x80 && !isUpper(r) && !isLower(r) && !isDigit(r) {
			gap = true
			continue
		}
		if out.Len() > 0 && (gap || isUpper(r) && beginsWord(text, i)) {
			out.WriteByte('_')
		}
		gap = false
		if isUpper(r) {
			r += 'a' - 'A'
		}
		out.WriteRune(r)
	}
	return out.String()
}

// beginsWord reports whether the capital at i > 0 begins a word: behind a small letter or a digit,
// or as the last of several capitals. The s of IDs belongs to its capitals.
func beginsWord(text []rune, i int) bool {
	if !isUpper(text[i-1]) {
		return true
	}
	isPlural := i+1 < len(text) && text[i+1] == 's' && (i+2 == len(text) || !isLower(text[i+2]))
	return i+1 < len(text) && isLower(text[i+1]) && !isPlural
}

func isUpper(r rune) bool { return r >= 'A' && r <= 'Z' }
func isLower(r rune) bool { return r >= 'a' && r <= 'z' }
func isDigit(r rune) bool { return r >= '0' && r <= '9' }
