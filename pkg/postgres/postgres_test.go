package postgres_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// secret is in every row of these tests. No error may contain it.
const secret = "4111-1111-1111-1111"

const loginsDocument = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "x-table": "user_logins",
	"required": ["user_id", "ip", "app_version"],
	"properties": {
		"user_id": {"type": "string"},
		"ip": {"type": "string", "x-mask": "token", "x-column": "masked_ip"},
		"locale": {"type": ["string", "null"]},
		"app_version": {"type": "string"}
	}}`

const everyTypeProperties = `"properties": {
		"id": {"type": "string", "format": "uuid"},
		"n": {"type": ["integer", "null"]},
		"x": {"type": ["number", "null"]},
		"ok": {"type": ["boolean", "null"]},
		"day": {"type": ["string", "null"], "format": "date"},
		"at": {"type": ["string", "null"], "format": "date-time"},
		"list": {"type": ["array", "null"]},
		"note": {"type": ["string", "null"]},
		"amount": {"type": ["number", "null"], "x-type": "numeric"},
		"price": {"type": ["string", "null"], "x-type": "numeric(20,2)"},
		"gone": {"type": ["string", "null"], "x-mask": "drop"}
	}}`

const measurementsDocument = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "x-table": "measurements",
	"required": ["id"], ` + everyTypeProperties

const devicesDocument = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "x-table": "devices",
	"x-write": {"mode": "upsert", "key": ["id"]}, "required": ["id"], ` + everyTypeProperties

var (
	logins       = parse("logins", loginsDocument)
	measurements = parse("measurements", measurementsDocument)
	devices      = parse("devices", devicesDocument)
	keyring      = newKeyring()
)

func parse(name, document string) *contract.Contract {
	c, err := contract.Parse(name, []byte(document))
	if err != nil {
		panic(err)
	}
	return c
}

func newKeyring() *mask.Keyring {
	k, err := mask.ParseKeyring(mask.GenerateKeyring())
	if err != nil {
		panic(err)
	}
	return k
}

// event makes an event of a contract, sent now, with a random id.
func event(tb testing.TB, c *contract.Contract, body map[string]any) postgres.Event {
	tb.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		tb.Fatal(err)
	}
	record, err := c.Decode(text)
	if err != nil {
		tb.Fatal(err)
	}
	e := postgres.Event{SentAt: time.Now(), Row: c.Mask(keyring, record)}
	rand.Read(e.ID[:])
	return e
}

// login makes an event of the logins contract. The members in replaced replace the default ones.
func login(tb testing.TB, replaced map[string]any) postgres.Event {
	tb.Helper()
	body := map[string]any{"user_id": "user " + secret, "ip": "199.172.111.135", "locale": nil, "app_version": "2.3.0"}
	maps.Copy(body, replaced)
	return event(tb, logins, body)
}

// someLogins makes n events with the user ids u0, u1 and so on.
func someLogins(tb testing.TB, n int) []postgres.Event {
	tb.Helper()
	var events []postgres.Event
	for i := range n {
		events = append(events, login(tb, map[string]any{"user_id": fmt.Sprintf("u%d", i)}))
	}
	return events
}

func write(tb testing.TB, w *postgres.Writer, events []postgres.Event) postgres.Result {
	tb.Helper()
	result, err := w.Write(tb.Context(), events)
	if err != nil {
		tb.Fatal(err)
	}
	if got := result.Written + result.Duplicates + result.Superseded + len(result.Failures); got != len(events) {
		tb.Errorf("%d written + %d duplicates + %d superseded + %d failures are not %d events", result.Written, result.Duplicates, result.Superseded, len(result.Failures), len(events))
	}
	return result
}
