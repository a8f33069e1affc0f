package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/ingest"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/settings"
	"sqs2pg/pkg/telemetry"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

const (
	standard = "arn:aws:sqs:us-east-1:000000000000:login-queue"
	fifo     = standard + ".fifo"

	// Personal values: only the database may hold them.
	userID   = "424cdd21-063a-43a7-b91b-7ca1a833afae"
	ip       = "199.172.111.135"
	deviceID = "593-47-5928"
)

var sent = time.Date(2026, 3, 1, 23, 59, 59, 999e6, time.UTC)

// function is a handler with its database.
type function struct {
	ingest.Handler
	db           *postgrestest.Database
	log, metrics *bytes.Buffer
	stop         func() // closes the connections to the database
}

func newFunction(t *testing.T) *function { return functionOf(t, "user_logins") }

// functionOf is a function of contracts, by their names and paths.
func functionOf(t *testing.T, named ...string) *function {
	t.Helper()
	set, err := routes.Load(contracts.Files, strings.Join(named, ","))
	if err != nil {
		t.Fatal(err)
	}
	db := postgrestest.New(t, set.Tables()...)
	f := &function{db: db, log: &bytes.Buffer{}, metrics: &bytes.Buffer{}}
	env := environment("CONTRACT="+strings.Join(named, ","), "DATABASE_URL="+db.URL, "MASK_KEYRING="+keyring("0123456789abcdef"))
	env.Log = telemetry.NewLogger(f.log, "")
	h, stop, err := ingest.New(t.Context(), env, f.metrics)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	f.Handler, f.stop = *h, stop
	f.Now = now
	t.Cleanup(func() { f.checkNothingPersonal(t) })
	return f
}

func now() time.Time { return sent.Add(time.Minute) }

// environment has variables such as NAME=value.
func environment(variables ...string) *settings.Environment {
	values := map[string]string{"CONTRACT": "user_logins", "VAULT_PUBLIC_KEY": postgrestest.VaultKey().String()}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	return &settings.Environment{Folder: contracts.Files, Getenv: func(name string) string { return values[name] }}
}

func handler(tb testing.TB, c *contract.Contract, w ingest.Writer) ingest.Handler {
	tb.Helper()
	set, err := routes.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	log := telemetry.NewLogger(&bytes.Buffer{}, "")
	return ingest.Handler{
		Routes: set, Tables: []ingest.Table{{Contract: c, Gate: open{}, Writer: w, Log: log}}, Log: log, Metrics: &bytes.Buffer{},
		Keyring: fixed(tb, keyring("0123456789abcdef")), Now: now,
	}
}

// gated gives the handler of one table the gate of a database.
func gated(h ingest.Handler, pool *postgres.Pool) ingest.Handler {
	h.Tables[0].Gate = &registry.Gate{Pool: pool, Table: h.Tables[0].Contract.Table(), Log: h.Log, Now: time.Now}
	return h
}

// migrated makes a table, and tells the database of the key of the vault.
func migrated(t *testing.T, owner string, table contract.Table) {
	t.Helper()
	pool := postgrestest.Open(t, owner)
	if _, err := schema.Apply(t.Context(), pool, table); err != nil {
		t.Fatal(err)
	}
	key := postgrestest.VaultKey()
	if _, err := schema.Register(t.Context(), pool, schema.RecipientOf(key, "")); err != nil {
		t.Fatal(err)
	}
}

// keyring has one key, k1: part four times.
func keyring(part string) string {
	return `{"current":"k1","k1":"` + strings.Repeat(part, 4) + `"}`
}

// fixed always gives the same keyring.
func fixed(tb testing.TB, text string) func(context.Context) (*mask.Keyring, error) {
	tb.Helper()
	k, err := mask.ParseKeyring([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return func(context.Context) (*mask.Keyring, error) { return k, nil }
}

func loginContract(tb testing.TB) *contract.Contract {
	tb.Helper()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (f *function) checkNothingPersonal(t *testing.T) {
	for _, value := range []string{userID, ip, deviceID, "foo-secret"} {
		for where, text := range map[string]string{"log": f.log.String(), "metrics": f.metrics.String()} {
			if strings.Contains(text, value) {
				t.Errorf("the %s holds %q:\n%s", where, value, text)
			}
		}
	}
}

// invoke returns the ids that the function reports as failed.
func (f *function) invoke(t *testing.T, e events.SQSEvent) []string {
	t.Helper()
	answer, err := f.Invoke(t.Context(), payload(t, e))
	if err != nil {
		t.Fatal(err)
	}
	return failedIDs(t, answer)
}

func failedIDs(t *testing.T, answer []byte) []string {
	t.Helper()
	var response events.SQSEventResponse
	if err := json.Unmarshal(answer, &response); err != nil {
		t.Fatalf("answer %q: %v", answer, err)
	}
	if response.BatchItemFailures == nil {
		t.Fatalf("answer %s has no list: Lambda takes that for success", answer)
	}
	ids := []string{}
	for _, f := range response.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

func payload(tb testing.TB, e events.SQSEvent) []byte {
	tb.Helper()
	p, err := json.Marshal(e)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// messages makes an event of bodies; the ids are m0, m1, ...
func messages(arn string, bodies ...string) events.SQSEvent {
	var e events.SQSEvent
	for i, body := range bodies {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: fmt.Sprintf("m%d", i), Body: body, EventSource: "aws:sqs", EventSourceARN: arn,
			Attributes: map[string]string{
				"SentTimestamp": strconv.FormatInt(sent.UnixMilli(), 10), "ApproximateReceiveCount": "2",
			},
		})
	}
	return e
}

func login(change func(map[string]any)) string {
	m := map[string]any{"user_id": userID, "device_type": "android", "ip": ip, "device_id": deviceID, "locale": "RU", "app_version": "2.3.0"}
	if change != nil {
		change(m)
	}
	body, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(body)
}

// lines decodes the log's lines of failed messages.
func (f *function) lines(t *testing.T) []map[string]string {
	t.Helper()
	var all []map[string]string
	for line := range strings.Lines(f.log.String()) {
		var m map[string]string
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if m["contract"] != "user_logins" {
			t.Errorf("log line %s does not name its contract", line)
		}
		for _, name := range []string{"timestamp", "level", "requestId", "contract"} {
			delete(m, name)
		}
		if m["message"] == "message failed" {
			delete(m, "message")
			all = append(all, m)
		}
	}
	return all
}

// metric reads one number from the line of metrics.
func (f *function) metric(t *testing.T, name string) float64 {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(f.metrics.Bytes(), &m); err != nil {
		t.Fatalf("metrics %q: %v", f.metrics, err)
	}
	n, ok := m[name].(float64)
	if !ok {
		t.Fatalf("no metric %s in %s", name, f.metrics)
	}
	return n
}

func TestWritesLoginAsMaskedRow(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	e := messages(standard, login(nil))
	e.Records[0].MessageId = "0f5a3d9e-0b43-4b0e-9d5c-9f3f0a1b2c3d"
	if failed := f.invoke(t, e); len(failed) != 0 {
		t.Fatalf("failed: %v", failed)
	}
	got := f.db.Query(t, "select user_id, device_type, left(masked_ip, 3), length(masked_ip), length(masked_device_id), locale, app_version, create_date, sent_at at time zone 'UTC', event_id from user_logins")
	want := [][]string{{userID, "android", "k1:", "35", "35", "RU", "2.3.0", "2026-03-01", "2026-03-01 23:59:59.999", "0f5a3d9e-0b43-4b0e-9d5c-9f3f0a1b2c3d"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestRedeliveryAddsNoRow(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	e := messages(standard, login(nil), login(nil), login(nil))
	e.Records = append(e.Records, e.Records[1]) // SQS may give a message twice even within a batch
	for _, want := range []struct{ written, duplicates float64 }{{3, 1}, {0, 4}} {
		f.metrics.Reset()
		if failed := f.invoke(t, e); len(failed) != 0 {
			t.Fatalf("failed: %v", failed)
		}
		if w, d := f.metric(t, "Written"), f.metric(t, "Duplicates"); w != want.written || d != want.duplicates {
			t.Errorf("%v written and %v duplicates, want %v and %v", w, d, want.written, want.duplicates)
		}
	}
	if n := f.db.QueryStrings(t, "select count(*) from user_logins")[0]; n != "3" {
		t.Errorf("%s rows, want 3", n)
	}
}

func TestFailsOnlyBadMessagesAndLogsWhy(t *testing.T) {
	t.Parallel()
	without := func(name string) string { return login(func(m map[string]any) { delete(m, name) }) }
	with := func(name string, value any) string { return login(func(m map[string]any) { m[name] = value }) }
	tests := map[string]struct{ body, outcome, field, rule string }{
		"empty body":             {"", "malformed", "", "json"},
		"not JSON":               {"hello " + ip, "malformed", "", "json"},
		"array":                  {"[" + login(nil) + "]", "malformed", "", "type"},
		"string":                 {`"` + ip + `"`, "malformed", "", "type"},
		"null":                   {"null", "malformed", "", "type"},
		"trailing bytes":         {login(nil) + "x", "malformed", "", "trailing bytes"},
		"a second object":        {login(nil) + login(nil), "malformed", "", "trailing bytes"},
		"truncated":              {login(nil)[:40], "malformed", "", "json"},
		"duplicate members":      {`{"ip":"1.2.3.4",` + login(nil)[1:], "invalid", "ip", "duplicate member"},
		"escaped NUL":            {with("user_id", "a\x00b"), "invalid", "user_id", "nul"},
		"lone surrogate":         {strings.Replace(login(nil), "RU", `\ud800`, 1), "invalid", "locale", "surrogate"},
		"missing":                {without("ip"), "invalid", "ip", "required"},
		"empty":                  {with("device_id", ""), "invalid", "device_id", "minLength"},
		"null where required":    {with("user_id", nil), "invalid", "user_id", "type"},
		"number for a version":   {with("app_version", 2.3), "invalid", "app_version", "type"},
		"too long":               {with("user_id", strings.Repeat("x", 100_000)), "invalid", "user_id", "maxLength"},
		"no such address":        {with("ip", "999.1.1.1"), "invalid", "ip", "format ip"},
		"address with a port":    {with("ip", ip+":443"), "invalid", "ip", "format ip"},
		"the exercise's odd one": {`{"foo": "foo-secret", "bar": "123"}`, "invalid", "user_id", "required"},
		"nesting of 10,000":      {login(nil)[:1] + `"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "," + login(nil)[1:], "invalid", "*", "nesting"},
		"a body of 1 MiB":        {`"` + strings.Repeat("x", 1<<20-2) + `"`, "malformed", "", "type"},
	}
	f := newFunction(t)
	e := messages(standard)
	var want []map[string]string
	var wantIDs []string
	for name, tt := range tests {
		good, bad := messages(standard, login(nil)).Records[0], messages(standard, tt.body).Records[0]
		good.MessageId, bad.MessageId = "good: "+name, name
		e.Records = append(e.Records, good, bad)
		line := map[string]string{"messageId": name, "outcome": tt.outcome, "receiveCount": "2", "rule": tt.rule}
		if tt.field != "" {
			line["field"] = tt.field
		}
		want, wantIDs = append(want, line), append(wantIDs, name)
	}
	if diff := cmp.Diff(wantIDs, f.invoke(t, e)); diff != "" {
		t.Errorf("failed ids, in the order of the event (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, f.lines(t)); diff != "" {
		t.Errorf("log lines (-want +got):\n%s", diff)
	}
	if n := f.db.QueryStrings(t, "select count(*) from user_logins")[0]; n != strconv.Itoa(len(tests)) {
		t.Errorf("%s rows, want the %d good ones", n, len(tests))
	}
	if got := f.metric(t, "Failed"); got != float64(len(tests)) {
		t.Errorf("metric Failed is %v, want %d", got, len(tests))
	}
}

func TestFailsOnlyTheMessageWithInvalidUTF8(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	p := payload(t, messages(standard, login(nil), login(func(m map[string]any) { m["locale"] = "@@" }), login(nil)))
	p = bytes.Replace(p, []byte("@@"), []byte("\xff\xfe"), 1)
	answer, err := f.Invoke(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"m1"}, failedIDs(t, answer)); diff != "" {
		t.Errorf("failed ids (-want +got):\n%s", diff)
	}
	if got := f.lines(t)[0]["rule"]; got != "utf-8" {
		t.Errorf("rule %q, want utf-8", got)
	}
}

func TestFailsOnlyTheRowThatPostgresRefuses(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	f.db.Exec(t, "alter table user_logins add constraint no_test_users check (user_id <> 'foo-secret')")
	bodies := make([]string, 1000)
	for i := range bodies {
		bodies[i] = login(nil)
	}
	bodies[617] = login(func(m map[string]any) { m["user_id"] = "foo-secret" })
	if diff := cmp.Diff([]string{"m617"}, f.invoke(t, messages(standard, bodies...))); diff != "" {
		t.Errorf("failed ids (-want +got):\n%s", diff)
	}
	want := []map[string]string{{"messageId": "m617", "outcome": "rejected", "receiveCount": "2", "sqlstate": "23514", "constraint": "no_test_users"}}
	if diff := cmp.Diff(want, f.lines(t)); diff != "" {
		t.Errorf("log lines (-want +got):\n%s", diff)
	}
	if n := f.db.QueryStrings(t, "select count(*) from user_logins")[0]; n != "999" {
		t.Errorf("%s rows, want 999", n)
	}
}

// grouped puts messages of a FIFO event into groups.
func grouped(e events.SQSEvent, groups ...string) events.SQSEvent {
	for i, g := range groups {
		e.Records[i].Attributes["MessageGroupId"] = g
	}
	return e
}

func TestHoldsRestOfFIFOGroupAfterFailure(t *testing.T) {
	t.Parallel()
	bad, refused := `{}`, login(func(m map[string]any) { m["user_id"] = "refused" })
	tests := map[string]struct {
		arn    string
		bodies []string
		groups []string
		failed []string
	}{
		"the contract refuses":                   {fifo, []string{login(nil), bad, login(nil), login(nil)}, []string{"a", "a", "b", "a"}, []string{"m1", "m3"}},
		"Postgres refuses":                       {fifo, []string{login(nil), refused, login(nil), login(nil), login(nil)}, []string{"a", "a", "b", "a", "b"}, []string{"m1", "m3"}},
		"Postgres refuses, later the contract":   {fifo, []string{refused, bad, login(nil), login(nil)}, []string{"a", "a", "b", "a"}, []string{"m0", "m1", "m3"}},
		"fair queue: groups of a standard queue": {standard, []string{bad, login(nil), refused, login(nil)}, []string{"a", "a", "b", "b"}, []string{"m0", "m2"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFunction(t)
			f.db.Exec(t, "alter table user_logins add constraint no_refused check (user_id <> 'refused')")
			if diff := cmp.Diff(tt.failed, f.invoke(t, grouped(messages(tt.arn, tt.bodies...), tt.groups...))); diff != "" {
				t.Errorf("failed ids (-want +got):\n%s", diff)
			}
			if n := f.db.QueryStrings(t, "select count(*) from user_logins")[0]; n != strconv.Itoa(len(tt.bodies)-len(tt.failed)) {
				t.Errorf("%s rows, want %d", n, len(tt.bodies)-len(tt.failed))
			}
		})
	}
}

func TestReturnsBatchBeforeDeadlineWhenDatabaseHangs(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	f.db.Exec(t, "create function wait() returns trigger language plpgsql as $$ begin perform pg_sleep(60); return new; end $$")
	f.db.Exec(t, "create trigger wait before insert on user_logins for each row execute function wait()")
	deadline := time.Now().Add(2 * time.Second)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	_, err := f.Invoke(ctx, payload(t, messages(standard, login(nil), `{}`)))
	if left := time.Until(deadline); left <= 0 {
		t.Errorf("answered %v after the deadline", -left)
	}
	var unavailable *ingest.Unavailable
	if !errors.As(err, &unavailable) {
		t.Fatalf("error is %v, want *Unavailable", err)
	}
	if got := f.metric(t, "Unavailable"); got != 2 {
		t.Errorf("metric Unavailable is %v, want 2", got)
	}
}

func TestAnswersWhatWasCommittedWhenTimeRunsShort(t *testing.T) {
	t.Parallel()
	for _, arn := range []string{standard, fifo} {
		f := newFunction(t)
		if failed := f.invoke(t, messages(standard, login(nil))); len(failed) > 0 {
			t.Fatal(failed)
		}
		f.db.Exec(t, "create function wait() returns trigger language plpgsql as $$ begin perform pg_sleep(0.25); return new; end $$;"+
			"create trigger wait before insert on user_logins for each row execute function wait()")
		f.metrics.Reset()
		e := grouped(messages(arn, slices.Repeat([]string{login(nil)}, 20)...), slices.Repeat([]string{"a"}, 20)...)
		for i := range e.Records {
			e.Records[i].MessageId = fmt.Sprintf("new%d", i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		answer, err := f.Invoke(ctx, payload(t, e))
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		failed, written := float64(len(failedIDs(t, answer))), f.metric(t, "Written")
		if failed == 0 || written == 0 || failed+written != 20 {
			t.Errorf("%v failed and %v written of 20", failed, written)
		}
		want := []float64{failed, 0}
		if arn == fifo {
			want = []float64{1, failed - 1}
		}
		if diff := cmp.Diff(want, []float64{f.metric(t, "Undecided"), f.metric(t, "Held")}); diff != "" {
			t.Errorf("metrics Undecided and Held (-want +got):\n%s", diff)
		}
		if got := f.lines(t)[0]["outcome"]; got != "undecided" {
			t.Errorf("outcome %q, want undecided", got)
		}
	}
}

// The template's alarm counts messages, so a batch that was not decoded counts with all of its
// messages.
func TestReturnsBatchWhenKeyringCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	f.Keyring = func(context.Context) (*mask.Keyring, error) { return nil, errors.New("no answer") }
	_, err := f.Invoke(t.Context(), payload(t, messages(standard, login(nil), login(nil))))
	if unavailable, ok := errors.AsType[*ingest.Unavailable](err); !ok {
		t.Fatalf("error is %v, want %T", err, unavailable)
	}
	if got := f.metric(t, "Unavailable"); got != 2 {
		t.Errorf("metric Unavailable is %v, want 2", got)
	}
}

func TestKeepsIdentityThatTheProducerSets(t *testing.T) {
	t.Parallel()
	attributes := func(values ...string) map[string]events.SQSMessageAttribute {
		m := map[string]events.SQSMessageAttribute{}
		for i := 0; i < len(values); i += 2 {
			m[values[i]] = events.SQSMessageAttribute{StringValue: &values[i+1], DataType: "String"}
		}
		return m
	}
	given := "11111111-2222-4333-8444-555555555555"
	tests := map[string]struct {
		attributes map[string]events.SQSMessageAttribute
		rule       string // or the row:
		id, at     string
	}{
		"event-id":                   {attributes("event-id", given), "", given, "2026-03-01 23:59:59.999"},
		"event-id that is no UUID":   {attributes("event-id", "order/1"), "", "f2d59313-9ad7-8a56-9dc6-32c68c3ef894", "2026-03-01 23:59:59.999"},
		"event-sent-at, epoch ms":    {attributes("event-id", given, "event-sent-at", "1700000000123"), "", given, "2023-11-14 22:13:20.123"},
		"event-sent-at, RFC 3339":    {attributes("event-id", given, "event-sent-at", "2023-11-14T23:13:20.123456789+01:00"), "", given, "2023-11-14 22:13:20.123456"},
		"event-sent-at is no time":   {attributes("event-sent-at", "yesterday"), "format date-time", "", ""},
		"one digit for the hour":     {attributes("event-sent-at", "2023-11-14T1:13:20Z"), "format date-time", "", ""},
		"a comma before the decimal": {attributes("event-sent-at", "2023-11-14T23:13:20,5Z"), "format date-time", "", ""},
		"an offset of 99 hours":      {attributes("event-sent-at", "2023-11-14T23:13:20+99:00"), "format date-time", "", ""},
		"milliseconds with a sign":   {attributes("event-sent-at", "+1700000000123"), "format date-time", "", ""},
		"seconds with a decimal":     {attributes("event-sent-at", "1700000000.5"), "format date-time", "", ""},
		"event-sent-at is binary":    {map[string]events.SQSMessageAttribute{"event-sent-at": {BinaryValue: []byte("x"), DataType: "Binary"}}, "type", "", ""},
		"event-sent-at before SQS":   {attributes("event-sent-at", "0"), "expired", "", ""},
		"event-sent-at long ago":     {attributes("event-sent-at", "2021-02-27T00:00:00Z"), "expired", "", ""},
		"event-sent-at in next year": {attributes("event-sent-at", "2027-03-01T00:00:00Z"), "maximum", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFunction(t)
			e := messages(standard, login(nil))
			e.Records[0].MessageAttributes = tt.attributes
			failed := f.invoke(t, e)
			if tt.rule != "" {
				want := []map[string]string{{"messageId": "m0", "outcome": "invalid", "receiveCount": "2", "field": "event-sent-at", "rule": tt.rule}}
				if diff := cmp.Diff(want, f.lines(t)); diff != "" {
					t.Errorf("log lines (-want +got):\n%s", diff)
				}
				return
			}
			if len(failed) != 0 {
				t.Fatalf("failed: %v", f.lines(t))
			}
			got := f.db.Query(t, "select event_id, sent_at at time zone 'UTC' from user_logins")[0]
			if diff := cmp.Diff([]string{tt.id, tt.at}, got); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusesABinaryEventIDByName(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	e := messages(standard, login(nil))
	e.Records[0].MessageAttributes = map[string]events.SQSMessageAttribute{"event-id": {BinaryValue: []byte("id"), DataType: "Binary"}}
	failed := f.invoke(t, e)
	want := []map[string]string{{"messageId": "m0", "outcome": "invalid", "receiveCount": "2", "field": "event-id", "rule": "type"}}
	if diff := cmp.Diff(want, f.lines(t)); diff != "" || len(failed) != 1 {
		t.Errorf("%d failed; log lines (-want +got):\n%s", len(failed), diff)
	}
}

func TestRefusesPayloadThatIsNotAnSQSEvent(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	for _, p := range []string{``, `null`, `[]`, `{}`, `{"Records":null}`, `{"Records":{}}`, `{"Records":[1]}`, `{"Records":[{}]}`, `{"Records":[{"messageId":""}]}`, `{"Records":[`, `{"key":"` + ip + `"}`} {
		answer, err := f.Invoke(t.Context(), []byte(p))
		if err == nil {
			t.Errorf("%s is answered with %s", p, answer)
		}
	}
}

func TestNamesEveryBadSetting(t *testing.T) {
	t.Parallel()
	_, _, err := ingest.New(t.Context(), environment("CONTRACT=nowhere", "DATABASE_URL=postgres://u:hunter2@127.0.0.1:port/d"), &bytes.Buffer{})
	if err == nil {
		t.Fatal("no error")
	}
	for _, text := range []string{"CONTRACT: ", "no masking keyring: set MASK_SECRET_ID or MASK_KEYRING", "DATABASE_URL: "} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %v does not say %q", err, text)
		}
	}
	if strings.Contains(err.Error(), "hunter2") || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three lines without the password: %v", err)
	}
}

func TestAnswersEmptyBatchWithSuccess(t *testing.T) {
	t.Parallel()
	f := newFunction(t)
	if failed := f.invoke(t, events.SQSEvent{Records: []events.SQSMessage{}}); len(failed) != 0 {
		t.Errorf("failed: %v", failed)
	}
	for _, want := range []string{`"Received":0`, `"Dimensions":[["FunctionName"]]`} {
		if !strings.Contains(f.metrics.String(), want) {
			t.Errorf("the metrics lack %s: %s", want, f.metrics)
		}
	}
	if strings.Contains(f.metrics.String(), "SetupFault") {
		t.Errorf("a rare metric is there without a value: %s", f.metrics)
	}
}

// open is a gate for tests without a database.
type open struct{}

func (open) Enter(context.Context, *mask.Keyring) (registry.Pass, error) {
	return registry.Pass{Window: registry.Window{Days: 365, Minutes: 60}, VaultDays: 365}, nil
}
func (open) Shut()  {}
func (open) Doubt() {}

// ledger is a writer that accepts everything, for tests without a database.
type ledger struct{ rows int }

func (l *ledger) Stream(_ context.Context, _ int64, soFar iter.Seq[[]postgres.Event]) (r postgres.Result, _ error) {
	for events := range soFar {
		r.Written = len(events)
	}
	l.rows += r.Written
	return r, nil
}

func FuzzInvoke(f *testing.F) {
	// Whole events, by what is unusual about them.
	f.Add(payload(f, messages(standard, login(nil), `{}`)))
	f.Add(payload(f, grouped(messages(fifo, `{}`, login(nil)), "a", "a")))
	f.Add([]byte(`{"Records":[{"messageId":"m","body":"\ud800"}]}`))
	f.Add([]byte(`{"Records":[{"messageId":"m","body":null,"attributes":null}]}`))
	f.Add([]byte(`{"Records":[{"messageId":"m","body":"{}","body":"{}"}]}`))
	c := loginContract(f)
	f.Fuzz(func(t *testing.T, p []byte) {
		var w ledger
		h := handler(t, c, &w)
		answer, err := h.Invoke(t.Context(), p)
		if err != nil {
			return
		}
		var records struct{ Records []json.RawMessage }
		if json.Unmarshal(p, &records) != nil {
			return // encoding/json is stricter in places
		}
		if n := len(failedIDs(t, answer)) + w.rows; n != len(records.Records) {
			t.Errorf("%d rows and failures for %d messages", n, len(records.Records))
		}
	})
}
