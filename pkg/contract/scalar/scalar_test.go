package scalar_test

import (
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"sqs2pg/pkg/contract/scalar"
)

// FuzzScalar compares with the parsers of other packages: whatever passes here, they read as the
// same value.
func FuzzScalar(f *testing.F) {
	for _, s := range []string{
		"2024-02-29T23:59:59.123456789+01:00", "2016-12-31T18:59:60-05:00", "2024-02-29t00:00:00z", "2024-02-30T00:00:00Z", // times
		"0001-01-01", "2023-02-29", "9999-12-31", // dates
		"00112233-4455-6677-8899-aAbBcCdDeEfF", "00112233445566778899aabbccddeeff", // UUIDs
		"192.0.2.1", "01.2.3.4", "::ffff:192.0.2.1", "fe80::1%eth0", "2001:DB8::1", // addresses
		"123456789012345678.12", "-0.50e-3", "1E+2", "-0", "00", "1e999", "0.000e2", "-7.0", "-0.1", "70e-1", // numbers
		"", "é", strings.Repeat("9", 36), // anything
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := scalar.UUID(s); ok {
			if want, err := uuid.Parse(s); err != nil || got != want {
				t.Errorf("UUID %q: got %x, want %x, %v", s, got, want, err)
			}
		}
		if got, ok := scalar.Date(s); ok {
			if want, err := time.Parse(time.DateOnly, s); err != nil || !got.Equal(want) {
				t.Errorf("date %q: got %v, want %v, %v", s, got, want, err)
			}
		}
		if got, ok := scalar.Timestamp(s); ok && s[17:19] != "60" { // time.Parse knows no leap second
			want, err := time.Parse(time.RFC3339Nano, strings.ToUpper(s))
			if err != nil || got != want.Truncate(time.Microsecond).UnixMicro() {
				t.Errorf("time %q: got %d, want %v, %v", s, got, want, err)
			}
		}
		if scalar.IsNumber(s) && scalar.InProportion([]byte(s)) {
			d := scalar.ParseDecimal([]byte(s))
			want, ok := new(big.Rat).SetString(s)
			got, ok2 := new(big.Rat).SetString(d.String())
			if !ok || !ok2 || got.Cmp(want) != 0 || strings.ContainsAny(d.String(), "eE+") || !scalar.IsNumber(d.String()) {
				t.Errorf("number %q: got %s", s, d)
			}
			if scalar.IsWhole([]byte(s)) != want.IsInt() {
				t.Errorf("number %q: whole is %v", s, scalar.IsWhole([]byte(s)))
			}
			if canonical, _ := new(big.Rat).SetString(d.Canonical()); canonical.Cmp(want) != 0 || scalar.ParseDecimal([]byte(d.Canonical())).Canonical() != d.Canonical() {
				t.Errorf("number %q: its canonical form is %s", s, d.Canonical())
			}
			floor, _ := new(big.Rat).SetString(d.Floor(7).String())
			if below := new(big.Rat).Sub(want, floor); below.Sign() < 0 || below.Cmp(big.NewRat(7, 1)) >= 0 || !floor.Quo(floor, big.NewRat(7, 1)).IsInt() {
				t.Errorf("number %q in buckets of 7: got %s", s, d.Floor(7))
			}
			if d.Fits(400, 90) && d.WithScale(90).String() != want.FloatString(90) {
				t.Errorf("number %q: got %s, want %s", s, d.WithScale(90), want.FloatString(90))
			}
		}
		if got, ok := scalar.IP(s); ok {
			canonical := scalar.CanonicalIP(s)
			if want, err := netip.ParseAddr(canonical); err != nil || got.Unmap() != want || scalar.CanonicalIP(canonical) != canonical {
				t.Errorf("address %q: its canonical form is %q", s, canonical)
			}
		}
	})
}

func TestWholeNumbersOfAnyProportion(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]bool{
		"1": true, "1.5": false, "1.50e1": true, "1.5E+0": false, "100e-2": true, "100e-3": false, "0e-999999999999999999999": true,
		"1e999999999999999999999": true, "1e-999999999999999999999": false, "-0.0": true, "0.001e3": true, "0.001e2": false,
	} {
		if got := scalar.IsWhole([]byte(number)); got != want {
			t.Errorf("%s: got %v, want %v", number, got, want)
		}
	}
}

func TestNumbersInProportion(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]bool{
		"0": true, "-1.5e3": true, "1e308": true, "-1E+308": true, "1e309": false, "10e308": false, "0.1e308": true,
		"1e-1000": true, "1e-1001": false, "1e999999999": false, "1e-999999999": false, "1e99999999999999999999": false,
		strings.Repeat("9", 309): true, strings.Repeat("9", 310): false, "0." + strings.Repeat("1", 1000): true, "0." + strings.Repeat("1", 1001): false,
	} {
		if got := scalar.InProportion([]byte(number)); got != want {
			t.Errorf("%.20s, %d characters: got %v, want %v", number, len(number), got, want)
		}
	}
}
