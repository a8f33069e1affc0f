package main

import (
	"context"
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

	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/vault/open"
)

// ledger is what was sent. Table and dead-letter queue are compared with it.
type ledger struct {
	mu         sync.Mutex
	valid      map[string]origin // by event id
	invalid    map[string]string // what is wrong, by event id
	sent       int               // messages
	duplicates int               // messages that repeat an event
	days       int               // how many days the events are of
}

// eventsOfPerson is how many messages a person sends, on average.
const eventsOfPerson = 20

type origin struct {
	user string
	from sample.Person
	at   time.Time
}

// message is a message on its way to the queue.
type message struct{ id, sentAt, body string }

// traffic makes and sends as many messages as it is allowed to.
type traffic struct {
	ledger
	client   *sqs.Client
	queueURL string
	people   []sample.Person
	random   *rand.Rand
	recent   []message
	target   int
	allowed  chan int // how many more messages
}

func newTraffic(client *sqs.Client, queueURL string, seed uint64, target int) *traffic {
	return &traffic{
		ledger: ledger{valid: map[string]origin{}, invalid: map[string]string{}, days: 1},
		client: client, queueURL: queueURL, people: sample.People(), target: target,
		random: rand.New(rand.NewPCG(seed, 1)), allowed: make(chan int, 1),
	}
}

// run sends until it has sent the target, one call of SQS at a time.
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

// next makes a message. Of a hundred, 93 are valid and new, 3 were sent before, and 4 must end in
// the dead-letter queue.
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
	person := l.random.IntN(1 + l.target/eventsOfPerson)
	p := l.people[person%len(l.people)]
	user := p.Name + " #" + strconv.Itoa(person)
	p.Device += "-" + strconv.Itoa(l.sent) // of this event alone: values of another event show
	if kind >= 96 {
		bad := sample.AllBad[l.random.IntN(len(sample.AllBad))]
		m.body = bad.Body(p, user)
		l.invalid[m.id] = bad.Name
		return m
	}
	m.body = p.Login(user)
	l.valid[m.id] = origin{user, p, time.Now()}
	l.remember(m)
	return m
}

// remember keeps some events, to be sent again soon or late.
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

// firstDay is so long ago that the migration has made no partition near it.
var firstDay = time.Now().UTC().Truncate(24*time.Hour).AddDate(-3, 0, 0)

// newDay makes the following events those of a day that had no event before.
func (l *traffic) newDay() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.days++
}

// compare compares table, vault and dead-letter queue with the ledger, and returns the longest time from
// sending to writing.
func (l *traffic) compare(t *testing.T, db *postgrestest.Database, dead []types.Message, keyring []byte, vaultKey *open.Key) (worst time.Duration) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	key, err := mask.ParseKeyring(keyring)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	var wrong []string
	for _, row := range db.Query(t, "select event_id, user_id, (extract(epoch from written_at) * 1000)::bigint, masked_ip, masked_device_id from user_logins") {
		id, user := row[0], row[1]
		want, ok := l.valid[id]
		switch {
		case !ok:
			wrong = append(wrong, "a row that is not a valid event: "+id+" "+l.invalid[id])
		case rows[id]:
			wrong = append(wrong, "written twice: "+id)
		case want.user != user:
			wrong = append(wrong, "a row with the values of another event: "+id)
		case row[3] != key.Token("ip", want.from.IP) || row[4] != key.Token("device_id", want.from.Device):
			wrong = append(wrong, "a row masked in another way: "+id)
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
	wrong = append(wrong, l.compareSeals(t, db, vaultKey)...)
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
