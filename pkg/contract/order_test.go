package contract_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
)

func TestTableOfTheOrderContract(t *testing.T) {
	t.Parallel()
	want := contract.Table{Schema: "public", Name: "order_placed", Columns: []contract.Column{
		{Name: "order_id", Type: contract.UUID, Required: true, Path: "order_id"},
		{Name: "placed_at", Type: contract.Timestamptz, Required: true, Path: "placed_at"},
		{Name: "deliver_on", Type: contract.Date, Path: "deliver_on"},
		{Name: "customer_id", Type: contract.Text, Required: true, Mask: mask.Token, Path: "customer.id", Domain: "customer_id"},
		{Name: "customer_email", Type: contract.Text, Required: true, Mask: mask.Token, Path: "customer.email", Domain: "email"},
		{Name: "customer_phone", Type: contract.Text, Mask: mask.Drop, Path: "customer.phone"},
		{Name: "customer_loyalty_tier", Type: contract.Text, Path: "customer.loyalty.tier"},
		{Name: "customer_loyalty_points", Type: contract.BigInt, Path: "customer.loyalty.points"},
		{Name: "source_network", Type: contract.Text, Required: true, Mask: mask.Network, Path: "source_ip"},
		{Name: "card_hash", Type: contract.Text, Mask: mask.SHA256, Path: "card"},
		{Name: "currency", Type: contract.Text, Required: true, Path: "currency"},
		{Name: "items", Type: contract.BigInt, Required: true, Path: "items"},
		{Name: "total", Type: contract.Double, Required: true, Path: "total"},
		{Name: "gift", Type: contract.Boolean, Required: true, Path: "gift"},
		{Name: "lines", Type: contract.JSONB, Required: true, Path: "lines"},
		{Name: "attributes", Type: contract.JSONB, Path: "attributes"},
	}}
	if diff := cmp.Diff(want, load(t, "testdata/order_placed.json").Table()); diff != "" {
		t.Errorf("the table differs (-want +got):\n%s", diff)
	}
}

const order = `{
	"order_id": "F81D4FAE-7dec-11d0-a765-00a0c91e6bf6", "placed_at": "2024-02-29T23:30:00.123456789-01:00", "deliver_on": "2024-03-02",
	"customer": {"id": "c-1", "email": "ann@example.com", "phone": "+44 1632 960001", "loyalty": {"tier": "gold", "points": 1.2e3}},
	"source_ip": "::ffff:192.0.2.17", "card": "4111111111111111", "currency": "EUR", "items": 2, "total": 19.90, "gift": true,
	"lines": [ {"sku": "A 1", "n": 1e2}, "\u00e9" ], "attributes": {"a" : {}}, "undeclared": "secret"}`

const keys = `{"current": "k1", "k1": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}`

func TestAnOrderBecomesARow(t *testing.T) {
	t.Parallel()
	got := rowOf(t, load(t, "testdata/order_placed.json"), order)
	k := keyring(t)
	want := []any{
		[16]byte{0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0, 0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6},
		time.Date(2024, 3, 1, 0, 30, 0, 123456000, time.UTC),
		time.Date(2024, 3, 2, 0, 0, 0, 0, time.UTC),
		k.Token("customer_id", "c-1"),
		k.Token("email", "ann@example.com"),
		nil,
		"gold",
		int64(1200),
		"192.0.2.0/24",
		"9bbef194",
		"EUR",
		int64(2),
		19.9,
		true,
		`[{"sku":"A 1","n":1e2},"\u00e9"]`,
		`{"a":{}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the row differs (-want +got):\n%s", diff)
	}
}

// The other tests read values by what wrote them.
func TestBooleansAreEncodedAsPostgresReadsThem(t *testing.T) {
	t.Parallel()
	c := parse(t, with(`{"type": "boolean"}`, ``))
	for body, want := range map[string][]byte{`{"p": true}`: {0, 0, 0, 1, 1}, `{"p": false}`: {0, 0, 0, 1, 0}, `{}`: {255, 255, 255, 255}} {
		record, err := c.Decode([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Mask(nil, record).Encoded(); !bytes.Equal(got, want) {
			t.Errorf("%s is %v, want %v", body, got, want)
		}
	}
}

func TestPropertiesThatAnOrderOmitsAreNull(t *testing.T) {
	t.Parallel()
	c := load(t, "testdata/order_placed.json")
	for _, test := range []struct{ reason, old, replacement string }{
		{"no optional object", `"loyalty"`, `"other"`},
		{"a null object", `{"tier": "gold", "points": 1.2e3}`, `null`},
	} {
		row := rowOf(t, c, strings.Replace(order, test.old, test.replacement, 1))
		if row[6] != nil || row[7] != nil {
			t.Errorf("%s: got %v and %v, want nulls", test.reason, row[6], row[7])
		}
	}
	missing := strings.Replace(order, `"tier"`, `"other"`, 1)
	if diff := cmp.Diff(contract.Violation{Field: "customer.loyalty.tier", Rule: "required"}, violationOf(t, c, missing)); diff != "" {
		t.Errorf("the violation differs (-want +got):\n%s", diff)
	}
}

// rowOf masks a message and reads its values by the types of their columns.
func rowOf(tb testing.TB, c *contract.Contract, body string) []any {
	tb.Helper()
	record, err := c.Decode([]byte(body))
	if err != nil {
		tb.Fatal(err)
	}
	row := c.Mask(keyring(tb), record)
	columns := c.Table().Columns
	if row.Len() != len(columns) {
		tb.Fatalf("the row has %d values for %d columns", row.Len(), len(columns))
	}
	var values []any
	for i, column := range columns {
		values = append(values, plainValue(row.Value(i), column.Type))
	}
	return values
}

func plainValue(v contract.Value, kind contract.Type) any {
	if v.IsNull() {
		return nil
	}
	switch kind {
	case contract.BigInt:
		return v.Int()
	case contract.Double:
		return v.Float()
	case contract.Boolean:
		return v.Bool()
	case contract.UUID:
		return v.UUID()
	case contract.Date, contract.Timestamptz:
		return v.Time()
	default:
		return v.Text()
	}
}

func keyring(tb testing.TB) *mask.Keyring {
	tb.Helper()
	k, err := mask.ParseKeyring([]byte(keys))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func load(tb testing.TB, nameOrPath string) *contract.Contract {
	tb.Helper()
	c, err := contract.Load(contracts.Files, nameOrPath)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
