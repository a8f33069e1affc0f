package scan

import (
	"encoding/binary"
	"math/bits"
)

// The functions of this file return the index after a scalar that begins at i, or 0 if it is none.

func literalEnd(text []byte, i int, literal string) int {
	end := i + len(literal)
	if end > len(text) || string(text[i:end]) != literal {
		return 0
	}
	return end
}

func numberEnd(text []byte, i int) int {
	if i < len(text) && text[i] == '-' {
		i++
	}
	end := digitsEnd(text, i)
	if end == 0 {
		return 0
	}
	if text[i] == '0' {
		end = i + 1 // a digit after it is a mistake, which the caller finds
	}
	if end < len(text) && text[end] == '.' {
		if end = digitsEnd(text, end+1); end == 0 {
			return 0
		}
	}
	if end < len(text) && (text[end] == 'e' || text[end] == 'E') {
		if end++; end < len(text) && (text[end] == '-' || text[end] == '+') {
			end++
		}
		end = digitsEnd(text, end)
	}
	return end
}

func digitsEnd(text []byte, i int) int {
	end := i
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	if end == i {
		return 0
	}
	return end
}

func stringEnd(text []byte, i int) (end int, escaped bool) {
	for i++; ; {
		i = plainEnd(text, i)
		switch {
		case i == len(text) || text[i] < ' ':
			return 0, escaped
		case text[i] == '"':
			return i + 1, escaped
		}
		escaped = true
		if i+1 < len(text) && simple[text[i+1]] != 0 {
			i += 2
			continue
		}
		if !isUnicodeEscape(text[i:]) {
			return 0, true
		}
		i += 6
	}
}

// plainEnd returns the index of the first quote, backslash or control character from i on, or
// len(text). It looks at eight bytes at a time.
func plainEnd(text []byte, i int) int {
	for ; len(text)-i >= 8; i += 8 {
		word := binary.LittleEndian.Uint64(text[i:])
		if found := equal(word, '"') | equal(word, '\\') | below(word, ' '); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(text) && text[i] != '"' && text[i] != '\\' && text[i] >= ' ' {
		i++
	}
	return i
}

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// equal sets the top bit of the first byte of a word, counted from the lowest, that is c. Bits
// above that one have no meaning.
// https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
func equal(word uint64, c byte) uint64 {
	word ^= ones * uint64(c)
	return (word - ones) &^ word & tops
}

// below does the same for the first byte that is less than c, which is at most 128.
func below(word uint64, c byte) uint64 { return (word - ones*uint64(c)) &^ word & tops }

// simple has what an escape of one character stands for, by that character.
var simple = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// isUnicodeEscape reports whether text begins with an escape such as \u00e9.
func isUnicodeEscape(text []byte) bool {
	if len(text) < 6 || text[1] != 'u' {
		return false
	}
	for _, c := range text[2:6] {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}
