package settings_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/uuid"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/ingest"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/secrets"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// vault is a Secrets Manager with one secret that changes.
type vault struct {
	mu      sync.Mutex
	secret  map[string]any
	fetches atomic.Int64
}

func (v *vault) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	v.fetches.Add(1)
	v.mu.Lock()
	defer v.mu.Unlock()
	text, err := json.Marshal(v.secret)
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(string(text))}, err
}

func (v *vault) set(user, password string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.secret["username"], v.secret["password"] = user, password
}

// A password is rotated the way RDS does it: the database has the new password a second before the
// secret has it. To make that matter, all connections are ended at that moment, and again when the
// rotation is over. Batches follow each other without a pause, and none may fail.
func TestRotationUnderLoadFailsNoMessage(t *testing.T) {
	t.Parallel()
	for name, alternating := range map[string]bool{"one user": false, "alternating users": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := contract.Load(contracts.Files, "user_logins")
			if err != nil {
				t.Fatal(err)
			}
			db := postgrestest.New(t, c.Table())
			v, users := newVault(t, db)
			h := handler(t, v)

			stop := make(chan struct{})
			var batches int
			var slowest time.Duration
			done := make(chan error, 1)
			go func() {
				var failed error
				for failed == nil {
					select {
					case <-stop:
						done <- nil
						return
					default:
					}
					started := time.Now()
					ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // the function's timeout
					answer, err := h.Invoke(ctx, batchOf(10))
					cancel()
					if err != nil || string(answer) != `{"batchItemFailures":[]}` {
						failed = fmt.Errorf("batch %d: %s, %w", batches, answer, err)
					}
					slowest = max(slowest, time.Since(started))
					batches++
				}
				done <- failed
			}()
			for i := range 2 {
				time.Sleep(300 * time.Millisecond)
				user := users[0]
				if alternating {
					user = users[(i+1)%2]
				}
				rotate(t, db, v, users, user, fmt.Sprintf("password %d", i))
			}
			time.Sleep(300 * time.Millisecond)
			close(stop)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if got := db.QueryStrings(t, "select count(*) from user_logins")[0]; got != fmt.Sprint(10*batches) {
				t.Errorf("%s rows, want %d", got, 10*batches)
			}
			t.Logf("%d batches over two rotations, the slowest took %v; the secret was fetched %d times", batches, slowest.Round(time.Millisecond), v.fetches.Load())
		})
	}
}

// newVault makes two logins that may write, and the secret of the first.
func newVault(t *testing.T, db *postgrestest.Database) (*vault, [2]string) {
	t.Helper()
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	users := [2]string{"rotating_" + u.Path[1:] + "_a", "rotating_" + u.Path[1:] + "_b"}
	for _, user := range users {
		db.Exec(t, fmt.Sprintf("create role %s login password 'first' in role sqs2pg_writer", user))
		t.Cleanup(func() { db.Exec(t, "drop role "+user) })
	}
	return &vault{secret: map[string]any{
		"engine": "postgres", "host": u.Hostname(), "port": u.Port(), "dbname": u.Path[1:], "username": users[0], "password": "first",
	}}, users
}

func rotate(t *testing.T, db *postgrestest.Database, v *vault, users [2]string, user, password string) {
	t.Helper()
	end := func() {
		db.Exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where usename in ($1, $2)", users[0], users[1])
	}
	db.Exec(t, fmt.Sprintf("alter role %s password '%s'", user, password))
	if before := v.secret["username"]; before != user { // end the old user's password; RDS would keep it until the next rotation
		db.Exec(t, fmt.Sprintf("alter role %s password 'over'", before))
	}
	end()
	time.Sleep(time.Second)
	v.set(user, password)
	end()
}

func handler(t *testing.T, v *vault) *ingest.Handler {
	t.Helper()
	e := environment(v, "CONTRACT=user_logins", "DATABASE_SECRET_ID=s", "MASK_KEYRING="+keyring, "VAULT_PUBLIC_KEY="+postgrestest.VaultKey().String())
	e.Log = slog.New(slog.DiscardHandler)
	h, stop, err := ingest.New(t.Context(), e, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return h
}

// batchOf returns an SQS event with n logins whose ids are new.
func batchOf(n int) []byte {
	type record = map[string]any
	var records []record
	for range n {
		records = append(records, record{
			"messageId": uuid.NewString(), "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q",
			"body":       `{"user_id":"u","device_type":"iOS","ip":"192.0.2.1","device_id":"d","locale":null,"app_version":"1"}`,
			"attributes": record{"SentTimestamp": fmt.Sprint(time.Now().UnixMilli()), "ApproximateReceiveCount": "1"},
		})
	}
	text, _ := json.Marshal(record{"Records": records}) // strings only: cannot fail
	return text
}

var _ secrets.Client = (*vault)(nil)
