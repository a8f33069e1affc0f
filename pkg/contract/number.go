package contract

import (
	"bytes"
	"cmp"
	"fmt"
	"math/big"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Numbers whose value is out of proportion to their length are refused wherever
// they stand: 1e999999999 takes a decimal library gigabytes, and jsonb refuses it
// too (its limits are 131,072 digits before the point and 16,383 after it).
const (
	maxWhole    = 309  // digits before the point: those of the largest double
	maxFraction = 1000 // digits after it
)

// proportionate reports whether a JSON number keeps to these limits.
func proportionate(raw []byte) bool {
	e := bytes.IndexAny(raw, "eE")
	if e < 0 && len(raw) <= maxWhole {
		return true
	}
	exponent := 0
	if e >= 0 {
		var err error
		if exponent, err = strconv.Atoi(string(raw[e+1:])); err != nil || exponent > 1e6 || exponent < -1e6 {
			return false
		}
		raw = raw[:e]
	}
	whole, fraction, _ := bytes.Cut(bytes.TrimPrefix(raw, []byte("-")), []byte("."))
	return len(whole)+exponent <= maxWhole && len(fraction)-exponent <= maxFraction
}

// checkNumbers refuses such numbers in a contract, where the schema library cannot read them either.
func checkNumbers(document []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(document))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return nil // the end: what is no JSON has been refused before
		}
		if token.Kind() == '0' && !proportionate([]byte(token.String())) {
			return fmt.Errorf("%s: a number has more than %d digits before the point or %d after it: write one that a message can have",
				pointerText(d.StackPointer()), maxWhole, maxFraction)
		}
	}
}

// integer reads a number that is whole, in the range of bigint. 1.0 and 1e2 are
// integers in JSON Schema.
func (p *property) integer(raw []byte) (Value, string) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		var rule string
		if n, rule = wholeNumber(raw); rule != "" {
			return Value{}, rule
		}
	}
	if rule := p.numbers.check(float64(n), raw); rule != "" {
		return Value{}, rule
	}
	return intValue(n), ""
}

func wholeNumber(raw []byte) (int64, string) {
	if !proportionate(raw) {
		return 0, ruleRange
	}
	exact := rat(raw)
	if !exact.IsInt() {
		return 0, ruleType
	}
	if !exact.Num().IsInt64() {
		return 0, ruleRange
	}
	return exact.Num().Int64(), ""
}

// double reads a number as the nearest double.
func (p *property) double(raw []byte) (Value, string) {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !proportionate(raw) {
		return Value{}, ruleRange
	}
	if rule := p.numbers.check(f, raw); rule != "" {
		return Value{}, rule
	}
	return floatValue(f), ""
}

// check names the first rule that a number breaks, or "". The limits hold for the
// number as it is written, not for the double next to it.
func (n *numberChecks) check(near float64, raw []byte) string {
	for i := range n.bounds {
		if b := &n.bounds[i]; b.broken(near, raw) {
			return b.rule
		}
	}
	if n.multipleOf != nil {
		if exact := rat(raw); !exact.Quo(exact, n.multipleOf).IsInt() {
			return "multipleOf"
		}
	}
	return ""
}

// broken compares doubles first: rounding keeps order, so they decide unless they
// are equal.
func (b *bound) broken(near float64, raw []byte) bool {
	order := cmp.Compare(near, b.near)
	if order == 0 {
		order = rat(raw).Cmp(b.exact)
	}
	order *= b.sign
	return order > 0 || order == 0 && b.exclusive
}

// rat is the exact value of a JSON number.
func rat(raw []byte) *big.Rat {
	r, ok := new(big.Rat).SetString(string(raw))
	if !ok {
		return new(big.Rat) // not reached: jsontext has checked the syntax
	}
	return r
}
