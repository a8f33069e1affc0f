package scan

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Unquote appends what a string says to dst. The string is in quotes, as Value returns it. Where it
// holds invalid UTF-8 or a lone surrogate, the replacement character is appended, and the error
// says so.
func Unquote(dst, quoted []byte) ([]byte, error) {
	if len(quoted) < 2 || quoted[0] != '"' {
		return jsontext.AppendUnquote(dst, quoted) // which says what is wrong
	}
	from := len(dst)
	dst, ok := unescape(dst, quoted[1:len(quoted)-1])
	if !ok || !utf8.Valid(dst[from:]) {
		return jsontext.AppendUnquote(dst[:from], quoted)
	}
	return dst, nil
}

// unescape appends text with its escapes replaced. It knows only escapes of one character. It
// copies eight bytes at a time.
func unescape(dst, text []byte) (_ []byte, ok bool) {
	n := len(dst)
	dst = slices.Grow(dst, len(text)+8)
	dst = dst[:cap(dst)]
	for i := 0; i < len(text); {
		if len(text)-i >= 8 {
			word := binary.LittleEndian.Uint64(text[i:])
			binary.LittleEndian.PutUint64(dst[n:], word)
			plain := bits.TrailingZeros64(equal(word, '\\')) / 8 // 8 if there is none
			i, n = i+plain, n+plain
			if plain == 8 {
				continue
			}
		}
		c := text[i]
		if i++; c == '\\' {
			if i == len(text) || simple[text[i]] == 0 {
				return dst[:n], false
			}
			c = simple[text[i]]
			i++
		}
		dst[n] = c
		n++
	}
	return dst[:n], true
}
