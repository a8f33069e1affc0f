package wire

import (
	"encoding/binary"
	"strconv"
	"strings"
)

const group = 4 // digits

// AppendNumeric writes a decimal number, such as -12.50, as numeric_recv reads it: how many groups
// of four digits follow, how many groups after the first are before the point, the sign, how many
// digits are shown after the point, and the groups, each as a number from 0 to 9999. See numeric.c
// in Postgres's source. A contract keeps numbers far inside of its limits.
func AppendNumeric(b []byte, number string) []byte {
	text, negative := strings.CutPrefix(number, "-")
	whole, fraction, _ := strings.Cut(text, ".")
	digits := strings.Repeat("0", -len(whole)&(group-1)) + whole
	weight := len(digits)/group - 1
	digits += fraction + strings.Repeat("0", -len(fraction)&(group-1))
	sign := uint16(0)
	if negative {
		sign = 0x4000
	}
	for _, field := range []uint16{uint16(len(digits) / group), uint16(weight), sign, uint16(len(fraction))} {
		b = binary.BigEndian.AppendUint16(b, field)
	}
	for ; digits != ""; digits = digits[group:] {
		n := uint16(0)
		for i := range group {
			n = n*10 + uint16(digits[i]-'0')
		}
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return b
}

// Numeric reads what AppendNumeric has written.
func Numeric(b []byte) string {
	field := func(i int) int { return int(int16(binary.BigEndian.Uint16(b[2*i:]))) }
	var digits strings.Builder
	for i := range field(0) {
		digits.WriteString(strconv.Itoa(1e4 + field(4+i))[1:])
	}
	whole := group * (field(1) + 1)
	text, fraction := strings.TrimLeft(digits.String()[:whole], "0"), digits.String()[whole:][:field(3)]
	if text == "" {
		text = "0"
	}
	if fraction != "" {
		text += "." + fraction
	}
	if field(2) != 0 {
		text = "-" + text
	}
	return text
}
