package postgres_test

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// TestPostgresReturnsEveryAcceptedValueUnchanged writes values of every type, many of them at the
// limits, by INSERT and by COPY. Postgres must refuse no message that the contract has accepted,
// and must return every value.
func TestPostgresReturnsEveryAcceptedValueUnchanged(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, measurements.Table())
	w := postgres.NewWriter(db.Pool, measurements.Table())
	accepted, refused := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		sent := map[string]contract.Row{}
		var events []postgres.Event
		for range rapid.SampledFrom([]int{1, 10, 150}).Draw(r, "events") { // 150 are written by COPY
			record, err := measurements.Decode([]byte(measurement(r)))
			if err != nil {
				refused++
				continue
			}
			e := postgres.Event{SentAt: time.Now(), Row: measurements.Mask(keyring, record)}
			rand.Read(e.ID[:])
			sent[hex.EncodeToString(e.ID[:])] = e.Row
			events = append(events, e)
		}
		accepted += len(events)
		result, err := w.Write(t.Context(), events)
		if err != nil || len(result.Failures) > 0 {
			r.Fatalf("%+v, %v", result, err)
		}
		for _, row := range db.Query(t, `
			select replace(event_id::text, '-', ''), id, n, x, ok, day, extract(epoch from at) * 1000000, list, note, amount, price from measurements`) {
			if want, ok := sent[row[0]]; ok {
				same(r, want, row[1:])
				delete(sent, row[0])
			}
		}
		if len(sent) != 0 {
			r.Fatalf("%d rows are missing", len(sent))
		}
		db.Exec(t, "truncate measurements")
	})
	t.Logf("%d messages accepted, %d refused by the contract", accepted, refused)
	if accepted < refused {
		t.Error("too few messages are accepted for this to show much")
	}
}

// same compares a row's values with what Postgres prints.
func same(r *rapid.T, want contract.Row, got []string) {
	for i, column := range measurements.Table().Columns[:10] {
		v := want.Value(i)
		if v.IsNull() != (got[i] == "NULL") {
			r.Fatalf("%s is %q; null is %v", column.Name, got[i], v.IsNull())
		}
		if v.IsNull() {
			continue
		}
		var text string
		switch column.Type {
		case contract.UUID:
			id := v.UUID()
			text, got[i] = hex.EncodeToString(id[:]), strings.ReplaceAll(got[i], "-", "")
		case contract.BigInt:
			text = strconv.FormatInt(v.Int(), 10)
		case contract.Double:
			f, err := strconv.ParseFloat(got[i], 64)
			if err != nil || math.Float64bits(f) != math.Float64bits(v.Float()) {
				r.Fatalf("%s is %s, want %v", column.Name, got[i], v.Float())
			}
			continue
		case contract.Boolean:
			text = map[bool]string{true: "t", false: "f"}[v.Bool()]
		case contract.Date:
			text = v.Time().Format(time.DateOnly)
		case contract.Timestamptz:
			text, got[i] = strconv.FormatInt(v.Time().UnixMicro(), 10), strings.Split(got[i], ".")[0]
		case contract.JSONB:
			if diff := cmp.Diff(exact(r, v.Text()), exact(r, got[i])); diff != "" {
				r.Fatalf("%s (-want +got):\n%s", column.Name, diff)
			}
			continue
		default:
			text = v.Text()
		}
		if text != got[i] {
			r.Fatalf("%s is %q, want %q", column.Name, got[i], text)
		}
	}
}

// exact parses JSON and keeps its numbers exact, because jsonb prints a number in its own way.
func exact(r *rapid.T, text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		r.Fatalf("%q: %v", text, err)
	}
	return exactNumbers(v)
}

func exactNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		n, _ := new(big.Rat).SetString(v.String())
		return n.String()
	case []any:
		for i := range v {
			v[i] = exactNumbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = exactNumbers(v[name])
		}
	}
	return v
}

// measurement makes a body whose values are often at a limit, and sometimes outside of it.
func measurement(r *rapid.T) string {
	one := func(name string, some ...string) string { return rapid.SampledFrom(some).Draw(r, name) }
	id := fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", rapid.Uint32().Draw(r, "a"), rapid.Uint16().Draw(r, "b"), 1, 2, rapid.Uint32().Draw(r, "c"))
	return fmt.Sprintf(`{"id":%q,"n":%s,"x":%s,"ok":%s,"day":%s,"at":%s,"list":%s,"note":%s,"amount":%s,"price":%s,"gone":%s}`,
		one("case", id, strings.ToUpper(id)),
		one("n", "null", "0", "-0", "9223372036854775807", "-9223372036854775808", "1e2", "1.0", "12300e-2", strconv.FormatInt(rapid.Int64().Draw(r, "int"), 10)),
		one("x", "null", "0", "-0.0", "1.7976931348623157e308", "5e-324", "-5e-324", "2.2250738585072011e-308", "0.1", "1E+2", number(r)),
		one("ok", "null", "true", "false"),
		one("day", "null", `"0001-01-01"`, `"9999-12-31"`, `"2000-02-29"`, strconv.Quote(moment(r).Format(time.DateOnly))),
		one("at", "null", `"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.999999Z"`, `"2016-12-31T23:59:59.9999999+14:00"`,
			`"0001-01-01T00:00:00+23:59"`, `"9999-12-31T23:59:59-23:59"`, strconv.Quote(moment(r).Format(time.RFC3339Nano))),
		one("list", "null", "[]", "["+anything(r, 3)+","+anything(r, 2)+"]"),
		one("note", "null", text(r), text(r)),
		one("amount", "null", "0", "-0", "123456789012345678.12", "-0.00010", "1e-1000", "1e308", "9999", "10000.0001", "-1.50e3", number(r), decimal(r), decimal(r)),
		one("price", "null", `"123456789012345678.12"`, `"-999999999999999999.99"`, `"0.1"`, `"1e17"`, `"7.000"`),
		text(r))
}

func moment(r *rapid.T) time.Time {
	return time.UnixMicro(rapid.Int64Range(-62135596800_000000, 253402300799_999999).Draw(r, "µs")).UTC()
}

func number(r *rapid.T) string {
	f := math.Float64frombits(rapid.Uint64().Draw(r, "bits"))
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "1"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// decimal makes a number with up to 300 digits before the point and 900 after it.
func decimal(r *rapid.T) string {
	digits := rapid.StringMatching(`-?[1-9][0-9]{0,300}(\.[0-9]{1,900})?`)
	return digits.Draw(r, "decimal")
}

// text makes a JSON string as producers may write it, with or without escapes, from every Unicode
// plane.
func text(r *rapid.T) string {
	s := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("a\"\\/\b\f\n\r\t\u007f\u0085\u2028é漢\ufeff\uffff\U0001f600\U0010ffff'%$")), 0, 40, -1)).Draw(r, "text")
	if s = strings.ReplaceAll(s, "\x00", ""); rapid.Bool().Draw(r, "escaped") {
		b, _ := json.Marshal(s)
		return string(b)
	}
	return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\b", `\b`, "\f", `\f`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(strings.Map(func(c rune) rune {
		if c < ' ' && !strings.ContainsRune("\b\f\n\r\t", c) {
			return -1
		}
		return c
	}, s)) + `"`
}

// anything makes a JSON value for jsonb.
func anything(r *rapid.T, depth int) string {
	switch kind := rapid.IntRange(0, 6).Draw(r, "kind"); {
	case kind == 0:
		return rapid.SampledFrom([]string{"null", "true", "false", "-0", "1e308", "1e-308", "1e-999", strings.Repeat("9", 309), "0." + strings.Repeat("3", 999)}).Draw(r, "value")
	case kind == 1:
		return number(r)
	case kind <= 3 || depth == 0:
		return text(r)
	case kind == 4:
		return "[ " + anything(r, depth-1) + " ,\n" + anything(r, depth-1) + "\t]"
	default:
		return `{"":` + anything(r, depth-1) + `, "a\u00e9\ud83d\ude00" : ` + anything(r, depth-1) + "}"
	}
}
