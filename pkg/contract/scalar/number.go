package scalar

import (
	"bytes"
	"cmp"
	"math/big"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
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

// IsWhole reports whether a JSON number of any proportion has no fraction: 1.0, 1.5e1 and 1e999.
func IsWhole(number []byte) bool {
	text := strings.ToLower(string(number))
	text, exponent, _ := strings.Cut(text, "e")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	digits := strings.TrimRight(whole+fraction, "0")
	if digits == "" {
		return true
	}
	power, err := strconv.Atoi(cmp.Or(exponent, "0"))
	if err != nil {
		return !strings.HasPrefix(exponent, "-")
	}
	return len(digits)-len(whole) <= power
}

// IsNumber reports whether a text is a number as JSON writes it, without space around it.
func IsNumber(text string) bool {
	v := jsontext.Value(text)
	return len(v) > 0 && v.Kind() == '0' && v.IsValid() && strings.TrimSpace(text) == text
}

// Decimal is an exact decimal number.
type Decimal struct {
	Negative bool
	Whole    string // digits before the point, "0" or without leading zeros
	Fraction string // digits after the point, as many as were written; may be ""
}

// ParseDecimal writes out a JSON number that is in proportion; see [InProportion]. It keeps every
// digit: 1.50e1 is 15.0.
func ParseDecimal(number []byte) Decimal {
	digits, negative := bytes.CutPrefix(number, []byte("-"))
	exponent := 0
	if e := bytes.IndexAny(digits, "eE"); e >= 0 {
		exponent, _ = strconv.Atoi(string(digits[e+1:]))
		digits = digits[:e]
	}
	before, after, _ := strings.Cut(string(digits), ".")
	all, point := before+after, len(before)+exponent
	if point < 0 {
		all, point = strings.Repeat("0", -point)+all, 0
	}
	if point > len(all) {
		all += strings.Repeat("0", point-len(all))
	}
	d := Decimal{Negative: negative, Whole: strings.TrimLeft(all[:point], "0"), Fraction: all[point:]}
	if d.Whole == "" {
		d.Whole = "0"
		d.Negative = negative && strings.Trim(d.Fraction, "0") != ""
	}
	return d
}

// Fits reports whether a numeric of Postgres with this precision and scale holds the number
// exactly.
func (d Decimal) Fits(precision, scale int) bool {
	whole := len(d.Whole)
	if d.Whole == "0" {
		whole = 0
	}
	return whole <= precision-scale && len(strings.TrimRight(d.Fraction, "0")) <= scale
}

// WithScale is the number with exactly scale digits after the point; it must fit.
func (d Decimal) WithScale(scale int) Decimal {
	d.Fraction = (d.Fraction + strings.Repeat("0", scale))[:scale]
	return d
}

// IsWhole reports whether all digits after the point are 0.
func (d Decimal) IsWhole() bool { return strings.Trim(d.Fraction, "0") == "" }

// Floor is the greatest multiple of width that is not above the number.
func (d Decimal) Floor(width int64) Decimal {
	whole, _ := new(big.Int).SetString(d.Whole, 10)
	if d.Negative {
		whole.Neg(whole)
	}
	if d.Negative && !d.IsWhole() {
		whole.Sub(whole, big.NewInt(1))
	}
	multiple := big.NewInt(width)
	whole.Div(whole, multiple).Mul(whole, multiple) // Div rounds down for a positive divisor
	return Decimal{Negative: whole.Sign() < 0, Whole: whole.Abs(whole).String()}
}

// Canonical is the one text of the number: 1 for 1, 1.0 and 1e0.
func (d Decimal) Canonical() string {
	d.Fraction = strings.TrimRight(d.Fraction, "0")
	return d.String()
}

// String is the number without an exponent: -12.50.
func (d Decimal) String() string {
	text := d.Whole
	if d.Negative {
		text = "-" + text
	}
	if d.Fraction != "" {
		text += "." + d.Fraction
	}
	return text
}
