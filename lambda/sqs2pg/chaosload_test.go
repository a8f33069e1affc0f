package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/telemetry/leaktest"
)

// person is somebody whose logins are sent. The values are such that a search for them finds nothing by chance.
type person struct{ name, ip, device string }

func people() []person {
	all := make([]person, 40)
	for i := range all {
		all[i] = person{
			name:   fmt.Sprintf("zoë \"%02d\" o'neil@example.org", i),
			ip:     fmt.Sprintf("%d.%d.%d.%d", 210+i%40, 141+i, 199-i, 202+i),
			device: fmt.Sprintf("%03d-%02d-%04d-%04d", 917-i, 13+i, 8123+7*i, 4721+13*i),
		}
	}
	return all
}

// personal are all values that must be nowhere but in bodies and in the table.
func personal(all []person) *leaktest.Search {
	var values []string
	for _, p := range all {
		values = append(values, p.name, p.ip, p.device)
	}
	return leaktest.For(values...)
}

// ledger is what was sent: the truth that table and dead-letter queue are compared with.
type ledger struct {
	mu         sync.Mutex
	valid      map[string]origin // by event id
	invalid    map[string]string // what is wrong, by event id
	sent       int               // messages
	duplicates int               // of them, events sent again
	days       int               // events of how many days there are
}

type origin struct {
	user string
	at   time.Time
}

// message is one on its way to the queue.
type message struct{ id, sentAt, body string }

// traffic makes and sends messages, as many as it is allowed.
type traffic struct {
	ledger
	client   *sqs.Client
	queueURL string
	people   []person
	random   *rand.Rand
	recent   []message
	target   int
	allowed  chan int // numbers of messages more
}

func newTraffic(client *sqs.Client, queueURL string, seed uint64, target int) *traffic {
	return &traffic{
		ledger: ledger{valid: map[string]origin{}, invalid: map[string]string{}, days: 1},
		client: client, queueURL: queueURL, people: people(), target: target,
		random: rand.New(rand.NewPCG(seed, 1)), allowed: make(chan int, 1),
	}
}

// run sends until it has sent the target, a call of SQS at a time.
func (l *traffic) run(ctx context.Context) error {
	for n := range l.allowed {
		for n > 0 && l.count() < l.target {
			batch := make([]types.SendMessageBatchRequestEntry, min(10, n, l.target-l.count()))
			for i := range batch {
				batch[i] = entry(i, l.next())
			}
			out, err := l.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &l.queueURL, Entries: batch})
			if err != nil {
				return err
			}
			if len(out.Failed) > 0 {
				return fmt.Errorf("SQS refuses a message: %s", aws.ToString(out.Failed[0].Message))
			}
			n -= len(batch)
		}
	}
	return nil
}

func (l *traffic) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

func entry(i int, m message) types.SendMessageBatchRequestEntry {
	text := func(s string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
	}
	return types.SendMessageBatchRequestEntry{
		Id: aws.String(strconv.Itoa(i)), MessageBody: &m.body,
		MessageAttributes: map[string]types.MessageAttributeValue{"event-id": text(m.id), "event-sent-at": text(m.sentAt)},
	}
}

// next makes a message: 93 in a hundred valid and new, 3 sent before, 4 that must end in the dead-letter queue.
func (l *traffic) next() message {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	kind := l.random.IntN(100)
	if kind < 3 && len(l.recent) > 0 {
		l.duplicates++
		return l.recent[l.random.IntN(len(l.recent))]
	}
	m := message{id: l.newID(), sentAt: firstDay.AddDate(0, 0, l.days-1).Add(time.Duration(l.random.Int64N(int64(24 * time.Hour)))).Format(time.RFC3339Nano)}
	p := l.people[l.random.IntN(len(l.people))]
	user := p.name + " #" + strconv.Itoa(l.sent)
	if kind >= 96 {
		wrong := wrongs[l.random.IntN(len(wrongs))]
		m.body = wrong.body(p, user)
		l.invalid[m.id] = wrong.name
		return m
	}
	m.body = body(p, user)
	l.valid[m.id] = origin{user, time.Now()}
	l.remember(m)
	return m
}

// remember keeps some events to be sent again, soon or late.
func (l *traffic) remember(m message) {
	if len(l.recent) < 2000 {
		l.recent = append(l.recent, m)
		return
	}
	l.recent[l.random.IntN(len(l.recent))] = m
}

func (l *traffic) newID() string {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(l.random.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}

// firstDay is long ago, so that the migration has made no partition near it.
var firstDay = time.Now().UTC().Truncate(24*time.Hour).AddDate(-3, 0, 0)

// newDay: from now on events are of a day that had none.
func (l *traffic) newDay() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.days++
}

func body(p person, user string) string {
	text, _ := json.Marshal(map[string]any{ // strings only: cannot fail
		"user_id": user, "app_version": "2.3.0", "device_type": "iOS", "ip": p.ip, "locale": nil, "device_id": p.device,
	})
	return string(text)
}

// wrongs are messages that never can be rows, each with personal values in it.
var wrongs = []struct {
	name string
	body func(p person, user string) string
}{
	{"no JSON", func(p person, user string) string { return "login of " + user + " from " + p.ip }},
	{"cut off", func(p person, user string) string { return body(p, user)[:len(body(p, user))-3] }},
	{"trailing bytes", func(p person, user string) string { return body(p, user) + p.device }},
	{"an array", func(p person, user string) string { return "[" + body(p, user) + "]" }},
	{"a member twice", replace(`"locale":null`, `"ip":"1.2.3.4"`)},
	{"a member missing", replace(`"app_version":"2.3.0",`, ``)},
	{"an empty user", func(p person, user string) string { return body(p, "") }},
	{"no address", func(p person, user string) string { return body(person{p.name, p.ip + ".1", p.device}, user) }},
	{"a number for a text", replace(`"2.3.0"`, `23`)},
	{"an unpaired surrogate", replace(`"2.3.0"`, `"\ud800"`)},
	{"a NUL", replace(`"2.3.0"`, `"\u0000"`)},
	{"an escape that there is not", replace(`"2.3.0"`, `"\x41"`)},
	{"too deep", replace(`"locale":null`, `"x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100))},
	{"refused by Postgres", func(p person, user string) string { return body(p, "refused "+user) }},
}

func replace(old, by string) func(person, string) string {
	return func(p person, user string) string { return strings.Replace(body(p, user), old, by, 1) }
}

// compare holds table and dead-letter queue against the ledger, and returns the longest time from sending to writing.
func (l *traffic) compare(t *testing.T, db *postgrestest.Database, dead []types.Message) (worst time.Duration) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	rows := map[string]bool{}
	var wrong []string
	for _, row := range db.Query(t, "select event_id, user_id, (extract(epoch from written_at) * 1000)::bigint from user_logins") {
		id, user := row[0], row[1]
		want, ok := l.valid[id]
		switch {
		case !ok:
			wrong = append(wrong, "a row that is no valid event: "+id+" "+l.invalid[id])
		case rows[id]:
			wrong = append(wrong, "written twice: "+id)
		case want.user != user:
			wrong = append(wrong, "another event's values: "+id)
		}
		rows[id] = true
		ms, _ := strconv.ParseInt(row[2], 10, 64)
		worst = max(worst, time.UnixMilli(ms).Sub(want.at))
	}
	for id := range l.valid {
		if !rows[id] {
			wrong = append(wrong, "lost: "+id)
		}
	}
	letters := map[string]bool{}
	for _, m := range dead {
		id := aws.ToString(m.MessageAttributes["event-id"].StringValue)
		switch {
		case l.invalid[id] == "":
			wrong = append(wrong, "a healthy message in the dead-letter queue: "+id)
		case letters[id]:
			wrong = append(wrong, "in the dead-letter queue twice: "+id)
		}
		letters[id] = true
	}
	for id, reason := range l.invalid {
		if !letters[id] {
			wrong = append(wrong, "not in the dead-letter queue: "+id+" "+reason)
		}
	}
	if len(wrong) > 0 {
		t.Errorf("%d entries of the ledger are wrong, the first:\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 20)], "\n"))
	}
	return worst
}
