package ingest_test

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/registry"
)

// people is a function whose table is in upsert mode.
func people(t *testing.T) *function {
	c := parseContract(t, "people", upgradeFile(t, "people.json"))
	db := postgrestest.New(t, c.Table())
	f := &function{Handler: handler(t, c, postgres.NewWriter(db.Pool, c.Table())), db: db, log: &bytes.Buffer{}, metrics: &bytes.Buffer{}}
	f.Metrics = f.metrics
	f.Tables[0].Gate = &registry.Gate{Pool: db.Pool, Table: c.Table(), Log: slog.New(slog.DiscardHandler), Now: time.Now}
	keys := parseKeyring(t, keyring("0123456789abcdef"))
	f.Keyring = func(context.Context) (*mask.Keyring, error) { return keys, nil }
	return f
}

// person is a message about one person, sent at that time.
func person(queue string, logins int, at time.Time, sequence string) events.SQSEvent {
	e := messages(queue, `{"email": "a@b.c", "logins": `+strconv.Itoa(logins)+`}`)
	e.Records[0].MessageId = "m" + strconv.Itoa(logins)
	e.Records[0].Attributes["SentTimestamp"] = strconv.FormatInt(at.UnixMilli(), 10)
	if sequence != "" {
		e.Records[0].Attributes["SequenceNumber"], e.Records[0].Attributes["MessageGroupId"] = sequence, "g"
	}
	return e
}

func TestCountsEventsThatAreOlderThanTheRowAsSuperseded(t *testing.T) {
	t.Parallel()
	f := people(t)
	for _, step := range []struct {
		name                            string
		event                           events.SQSEvent
		logins                          string
		written, duplicates, superseded float64
	}{
		{"the first", person(fifo, 2, sent, "18849496460467696128"), "2", 1, 0, 0},
		{"of the same time, with a smaller sequence number", person(fifo, 1, sent, "9849496460467696128"), "2", 0, 0, 1},
		{"of the same time, with a greater one", person(fifo, 3, sent, "18849496460467696129"), "3", 1, 0, 0},
		{"the same again", person(fifo, 3, sent, "18849496460467696129"), "3", 0, 1, 0},
		{"an older one with a greater sequence number", person(fifo, 4, sent.Add(-time.Second), "28849496460467696129"), "3", 0, 0, 1},
	} {
		f.metrics.Reset()
		if failed := f.invoke(t, step.event); len(failed) > 0 {
			t.Errorf("%s: failed", step.name)
		}
		got := []float64{f.metric(t, "Written"), f.metric(t, "Duplicates"), f.metric(t, "Superseded"), f.metric(t, "Failed")}
		if diff := cmp.Diff([]float64{step.written, step.duplicates, step.superseded, 0}, got); diff != "" {
			t.Errorf("%s: metrics Written, Duplicates, Superseded, Failed (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff([]string{step.logins}, f.db.QueryStrings(t, "select logins from people")); diff != "" {
			t.Errorf("%s: row (-want +got):\n%s", step.name, diff)
		}
	}
}

// An event from the future would win over all others until then.
func TestUpsertToleratesAClockThatIsSomeMinutesFast(t *testing.T) {
	t.Parallel()
	f := people(t)
	for _, test := range []struct {
		ahead  time.Duration
		failed []string
	}{
		{15 * time.Minute, []string{}},
		{15*time.Minute + time.Millisecond, []string{"m1"}},
	} {
		if diff := cmp.Diff(test.failed, f.invoke(t, person(standard, 1, now().Add(test.ahead), ""))); diff != "" {
			t.Errorf("%s ahead: failed (-want +got):\n%s", test.ahead, diff)
		}
	}
}
