package contract_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
)

func TestNumericIsExact(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		property string
		kind     string      // of the column
		values   [][2]string // a value in JSON, and what becomes of it, or the rule that it breaks
	}{
		{`{"type": "number", "x-type": "numeric"}`, "numeric", [][2]string{
			{"123456789012345678.12", "123456789012345678.12"}, {"0", "0"}, {"-0", "0"}, {"-0.00", "0.00"}, {"-0.50", "-0.50"}, {"1.50e1", "15.0"},
			{"1e3", "1000"}, {"1.5E-3", "0.0015"}, {"100e-2", "1.00"}, {"0.000e2", "0.0"}, {"0e5", "0"}, {"1e308", "1" + strings.Repeat("0", 308)},
			{"1e309", "range"}, {"1e-1001", "range"}, {"1e999999999", "range"}, {`"1"`, "type"}, {"null", "type"}, {"[1]", "type"},
		}},
		{`{"type": "string", "x-type": "numeric"}`, "numeric", [][2]string{
			{`"123456789012345678.12"`, "123456789012345678.12"}, {`"-1e2"`, "-100"}, {`""`, "x-type"}, {`"+1"`, "x-type"}, {`"1,5"`, "x-type"},
			{`" 1"`, "x-type"}, {`"1 "`, "x-type"}, {`"01"`, "x-type"}, {`".5"`, "x-type"}, {`"NaN"`, "x-type"}, {`"Infinity"`, "x-type"}, {`"0x1"`, "x-type"},
			{`"1e999999999"`, "range"}, {`"\u0031"`, "1"}, {`"1\u0000"`, "nul"}, {"1", "type"},
		}},
		{`{"type": "integer", "x-type": "numeric"}`, "numeric", [][2]string{
			{"123456789012345678901234567890", "123456789012345678901234567890"}, {"1.0", "1"}, {"1e2", "100"}, {"1.5", "type"},
		}},
		{`{"type": "number", "x-type": "numeric(5,2)"}`, "numeric(5,2)", [][2]string{
			{"999.99", "999.99"}, {"-999.99", "-999.99"}, {"1", "1.00"}, {"1.5", "1.50"}, {"1.500", "1.50"}, {"0", "0.00"}, {"-0", "0.00"}, {"1e2", "100.00"},
			{"1000", "range"}, {"999.995", "range"}, {"0.001", "range"}, {"1e-3", "range"},
		}},
		{`{"type": "string", "x-type": "numeric(3, 3)"}`, "numeric(3,3)", [][2]string{{`"0.123"`, "0.123"}, {`"1"`, "range"}}},
		{`{"type": "number", "x-type": "numeric(3)"}`, "numeric(3,0)", [][2]string{{"123", "123"}, {"1.0", "1"}, {"0.5", "range"}}},
		{`{"type": "number", "x-type": "numeric", "minimum": 0.1, "exclusiveMaximum": 1e300, "multipleOf": 0.1}`, "numeric", [][2]string{
			{"0.1", "0.1"}, {"0.09999999999999999999999", "minimum"}, {"1e300", "exclusiveMaximum"}, {"1e305", "exclusiveMaximum"}, {"0.15", "multipleOf"},
		}},
		{`{"type": "string", "x-type": "numeric", "maxLength": 3, "pattern": "^1"}`, "numeric", [][2]string{{`"1.5"`, "1.5"}, {`"1.55"`, "maxLength"}, {`"2"`, "pattern"}}},
	} {
		c := parse(t, with(test.property, ``))
		if got := c.Table().Columns[0].Type; got.String() != test.kind || got.Base() != contract.Numeric {
			t.Errorf("%s: got the type %s, want %s", test.property, got, test.kind)
		}
		for _, value := range test.values {
			got, violation := valueOf(t, c, value[0])
			if violation != nil {
				got = violation.Rule
			}
			if diff := cmp.Diff(any(value[1]), got); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", test.property, value[0], diff)
			}
		}
	}
}
