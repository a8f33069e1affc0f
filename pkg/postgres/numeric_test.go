package postgres_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

func TestNumericArrivesExactly(t *testing.T) {
	t.Parallel()
	payments := parse("payments", `{"x-table": "payments", "type": "object", "properties": {
		"any_": {"type": "number", "x-type": "numeric"},
		"text": {"type": "string", "x-type": "numeric"},
		"wei": {"type": "integer", "x-type": "numeric(78)"},
		"price": {"type": "number", "x-type": "numeric(20,2)"},
		"price_text": {"type": "string", "x-type": "numeric(20,2)"}
	}, "required": ["any_", "text", "wei", "price", "price_text"]}`)
	body := map[string]any{
		"any_": json.RawMessage("123456789012345678.12"), "text": "-0.000000000000000000000000000120",
		"wei":   json.RawMessage("115792089237316195423570985008687907853269984665640564039457584007913129639935"),
		"price": json.RawMessage("123456789012345678.12"), "price_text": "123456789012345678.1",
	}
	want := []string{"123456789012345678.12", "-0.000000000000000000000000000120",
		"115792089237316195423570985008687907853269984665640564039457584007913129639935", "123456789012345678.12", "123456789012345678.10"}
	for how, n := range map[string]int{"INSERT": 1, "COPY": 150} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, payments.Table())
			var events []postgres.Event
			for range n {
				events = append(events, event(t, payments, body))
			}
			if result := write(t, postgres.NewWriter(db.Pool, payments.Table()), events); result.Written != n {
				t.Fatalf("got %+v", result)
			}
			got := db.Query(t, "select distinct any_, text, wei, price, price_text from payments")
			if diff := cmp.Diff([][]string{want}, got); diff != "" {
				t.Errorf("the row differs (-want +got):\n%s", diff)
			}
			types := db.QueryStrings(t, "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'payments'::regclass and attnum between 1 and 5 order by attnum")
			if diff := cmp.Diff([]string{"numeric", "numeric", "numeric(78,0)", "numeric(20,2)", "numeric(20,2)"}, types); diff != "" {
				t.Errorf("the types differ (-want +got):\n%s", diff)
			}
		})
	}
}
