// Package queue is one SQS queue: how to find it, its settings, and how to send, delete and
// postpone its messages.
//
// SQS takes ten messages a call, answers with status 200 when some of them failed, and the SDK
// wraps "connection refused" in five layers of its own words. Everything that talks to SQS here has
// to know that; this package knows it once. It adds no policy: which messages are deleted, and
// when, is up to the caller.
package queue

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"
)

// MaxVisibility is the longest visibility timeout that SQS allows.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const MaxVisibility = 12 * time.Hour

// Queue is an SQS queue. Its methods may be called concurrently.
type Queue struct {
	Client *sqs.Client // best made by NewClient

	// URL is what SQS names the queue by. The calls go to the endpoint of the client, whatever host
	// the URL has.
	URL string

	direct *direct // nil: all calls go through the SDK
}

// New returns the queue of that URL. It asks SQS nothing.
func New(client *sqs.Client, url string) *Queue { return &Queue{Client: client, URL: url} }

// Find returns the queue of that name, or that URL, for which it does not ask SQS. An error matches
// ErrMissing or ErrUnreachable, or is SQS's own refusal.
func Find(ctx context.Context, client *sqs.Client, nameOrURL string) (*Queue, error) {
	if strings.Contains(nameOrURL, "://") {
		return New(client, nameOrURL), nil
	}
	return find(ctx, client, &sqs.GetQueueUrlInput{QueueName: &nameOrURL})
}

// FindARN returns the queue of that ARN, which may belong to another account. Errors are those of
// Find.
func FindARN(ctx context.Context, client *sqs.Client, arn string) (*Queue, error) {
	a := parseARN(arn)
	return find(ctx, client, &sqs.GetQueueUrlInput{QueueName: &a.name, QueueOwnerAWSAccountId: &a.account})
}

func find(ctx context.Context, client *sqs.Client, in *sqs.GetQueueUrlInput) (*Queue, error) {
	out, err := client.GetQueueUrl(ctx, in)
	if err != nil {
		return nil, explain(client, *in.QueueName, err)
	}
	return New(client, *out.QueueUrl), nil
}

// Name is the last part of the URL.
func (q *Queue) Name() string { return path.Base(q.URL) }

// FIFO reports whether the queue keeps the order of each message group.
func (q *Queue) FIFO() bool { return strings.HasSuffix(q.URL, ".fifo") }

// Where says which queue it is and where its calls go: name, endpoint, account and region. It asks
// SQS nothing: the account is in the URL.
func (q *Queue) Where() string {
	account := "unknown"
	if u, err := url.Parse(q.URL); err == nil && path.Dir(u.Path) != "/" {
		account = path.Base(path.Dir(u.Path))
	}
	return fmt.Sprintf("%s at %s, account %s, region %s", q.Name(), Endpoint(q.Client), account, q.Client.Options().Region)
}

// Explain makes an error of a call of this queue one line that says what to do. It matches
// ErrMissing or ErrUnreachable where the queue does not exist or SQS does not answer. Nil stays
// nil.
func (q *Queue) Explain(err error) error {
	if err == nil {
		return nil
	}
	return explain(q.Client, q.Name(), err)
}

// Attributes are a queue's settings and how many messages it holds. SQS calls the numbers
// approximate: after a change they may be wrong for a minute.
type Attributes struct {
	ARN     string
	Region  string // as in the ARN
	Account string // as in the ARN

	Visible  int // messages that can be received
	InFlight int // messages that were received and are invisible
	Delayed  int // messages that were sent with a delay and are not visible yet

	VisibilityTimeout time.Duration
	Retention         time.Duration
	Encrypted         bool   // at rest
	Key               string // KMS key; "" with a key that SQS owns
	OnlyTLS           bool   // the policy denies connections that are not encrypted

	DeadLetterARN   string // "" without a redrive policy
	MaxReceiveCount int    // 0 without a redrive policy
}

// Attributes asks SQS for them. Errors are those of Find.
func (q *Queue) Attributes(ctx context.Context) (Attributes, error) {
	all, err := q.allAttributes(ctx)
	if err != nil {
		return Attributes{}, err
	}
	number := func(name string) int {
		n, _ := strconv.Atoi(all[name]) // SQS writes a number, or leaves it out
		return n
	}
	arn := parseARN(all["QueueArn"])
	a := Attributes{
		ARN: all["QueueArn"], Region: arn.region, Account: arn.account,
		Visible:           number("ApproximateNumberOfMessages"),
		InFlight:          number("ApproximateNumberOfMessagesNotVisible"),
		Delayed:           number("ApproximateNumberOfMessagesDelayed"),
		VisibilityTimeout: time.Duration(number("VisibilityTimeout")) * time.Second,
		Retention:         time.Duration(number("MessageRetentionPeriod")) * time.Second,
		Encrypted:         all["SqsManagedSseEnabled"] == "true" || all["KmsMasterKeyId"] != "",
		Key:               all["KmsMasterKeyId"],
		OnlyTLS:           deniesPlain(all["Policy"]),
	}
	a.DeadLetterARN, a.MaxReceiveCount = readRedrivePolicy(all["RedrivePolicy"])
	return a, nil
}

// readRedrivePolicy takes the count as a number or as a string: SQS accepts both and returns what
// it was given.
func readRedrivePolicy(policy string) (deadLetterARN string, maxReceiveCount int) {
	var p struct {
		ARN   string `json:"deadLetterTargetArn"`
		Count any    `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(policy), &p) != nil { // no policy
		return "", 0
	}
	count, _ := strconv.Atoi(fmt.Sprint(p.Count))
	return p.ARN, count
}

// deniesPlain reports whether a queue's policy denies everybody everything without TLS.
func deniesPlain(policy string) bool {
	var p struct {
		Statement []struct {
			Effect    string
			Principal any
			Condition struct{ Bool map[string]any }
		}
	}
	if json.Unmarshal([]byte(policy), &p) != nil { // no policy, or one with a single statement
		return false
	}
	for _, s := range p.Statement {
		if s.Effect == "Deny" && fmt.Sprint(s.Condition.Bool["aws:SecureTransport"]) == "false" {
			return true
		}
	}
	return false
}

type arn struct{ region, account, name string }

// parseARN reads arn:aws:sqs:REGION:ACCOUNT:NAME. The fields of anything else are empty.
func parseARN(s string) arn {
	parts := strings.Split(s, ":")
	if len(parts) != 6 {
		return arn{}
	}
	return arn{parts[3], parts[4], parts[5]}
}
