package wire

import (
	"encoding/binary"
	"strings"

	"sqs2pg/pkg/contract"
)

// appendNumeric writes a decimal number as numeric_recv reads it: how many groups of four digits
// follow, how many groups after the first are before the point, the sign, how many digits are shown
// after the point, and the groups, each as a number from 0 to 9999. See numeric.c in Postgres's
// source. A contract keeps numbers far inside of its limits.
func appendNumeric(b []byte, v contract.Value) []byte {
	const group = 4
	text, negative := strings.CutPrefix(v.Text(), "-")
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
