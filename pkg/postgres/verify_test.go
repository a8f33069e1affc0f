package postgres_test

import (
	"strconv"
	"testing"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// recovered has a column of each type that a mask leaves.
const recovered = `{"x-table": "recovered", "type": "object", "properties": {
	"ip": {"type": "string", "format": "ip", "x-recover": true, "x-mask": {"ip_token": "token", "ip_net": "ip-network"}},
	"born": {"type": "string", "format": "date", "x-mask": "date-month", "x-recover": true},
	"age": {"type": "integer", "x-mask": {"decade": "bucket:10", "age_token": "token"}, "x-recover": true},
	"weight": {"type": "number", "x-mask": "bucket:5", "x-recover": true},
	"paid": {"type": "string", "x-type": "numeric(20,3)", "x-mask": "bucket:100", "x-recover": true},
	"cart": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}, "gift": {"type": "string", "x-mask": "token"}, "price": {"type": "number"}, "b": {}, "aa": {}}}, "x-recover": true}
}}`

// What Postgres makes of a row by to_jsonb is what the contract makes of the values again, whatever
// way numbers, dates and members are written on either side.
func TestRowsOfPostgresAreVerified(t *testing.T) {
	t.Parallel()
	c, err := contract.Parse("recovered", []byte(recovered))
	if err != nil {
		t.Fatal(err)
	}
	table := c.Table()
	table.Recover = nil // the values are here, and not in a vault
	db := postgrestest.New(t, table)
	messages := []map[string]string{
		{"ip": `"2001:DB8::1"`, "born": `"0999-05-06"`, "age": `-9.0`, "weight": `1.7e300`, "paid": `"-12345678901234567.125"`, "cart": `[{"sku": "a\u00e9\"", "gift": "x", "price": 1.50e2, "b": {"z": 1e-3, "y": [true, null]}, "aa": "1"}]`},
		{"ip": `"::ffff:192.0.2.1"`, "born": `"9999-12-31"`, "age": `9007199254740993`, "weight": `-0.25`, "paid": `"0"`, "cart": `[]`},
		{"ip": `"192.0.3.1"`, "born": `"2024-02-29"`, "age": `0`, "weight": `0`, "paid": `"199.999"`, "cart": `[{"price": 123456789012345678901234567890.10}, {}]`},
	}
	var events []postgres.Event
	for i, m := range messages {
		body := "{"
		for path, value := range m {
			body += strconv.Quote(path) + ": " + value + ","
		}
		record, err := c.Decode([]byte(body[:len(body)-1] + "}"))
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, postgres.Event{ID: [16]byte{15: byte(i)}, SentAt: time.Now(), Row: c.Mask(keyring, record)})
	}
	if result, err := postgres.NewWriter(db.Pool, table).Write(t.Context(), events); err != nil || len(result.Failures) > 0 {
		t.Fatalf("%+v, %v", result, err)
	}
	rows := db.QueryStrings(t, `select to_jsonb(r)::text from recovered r order by event_id`)
	for i, m := range messages {
		for path, value := range m {
			for j, row := range rows {
				got := c.Verify(keyring, path, []byte(value), []byte(row))
				if want := i == j; (got == contract.Verified) != want {
					t.Errorf("%s of message %d in row %d: %s: %s in %s", path, i, j, got, value, row)
				}
			}
		}
	}
}
