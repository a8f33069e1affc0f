package scalar

import (
	"bytes"
	"math/big"
	"strconv"
)

// The most digits that a number may have when it is written without an exponent. A number that is
// out of proportion to its length is refused wherever it would be calculated with or stored:
// 1e999999999 takes a decimal library gigabytes. Postgres refuses it too: numeric and jsonb hold
// 131,072 digits before the point and 16,383 after it.
const (
	MaxWhole    = 309  // before the point: those of the largest double
	MaxFraction = 1000 // after the point
)

// InProportion reports whether a JSON number keeps to MaxWhole and MaxFraction.
func InProportion(number []byte) bool {
	e := bytes.IndexAny(number, "eE")
	if e < 0 && len(number) <= MaxWhole {
		return true
	}
	exponent := 0
	if e >= 0 {
		var err error
		if exponent, err = strconv.Atoi(string(number[e+1:])); err != nil || exponent > 1e6 || exponent < -1e6 {
			return false
		}
		number = number[:e]
	}
	whole, fraction, _ := bytes.Cut(bytes.TrimPrefix(number, []byte("-")), []byte("."))
	return len(whole)+exponent <= MaxWhole && len(fraction)-exponent <= MaxFraction
}

// Exact is the value of a JSON number that is in proportion; see [InProportion].
func Exact(number []byte) *big.Rat {
	r, ok := new(big.Rat).SetString(string(number))
	if !ok {
		return new(big.Rat) // never: the caller's parser has checked the syntax
	}
	return r
}
