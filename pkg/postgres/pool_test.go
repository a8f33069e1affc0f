package postgres_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

func TestOpenRefusesUnreadableSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, url string }{
		{"an empty URL", "  "},
		{"no URL", "hunter2 is the password"},
		{"a special character in the password", "postgres://me:hunter2/%zz@host/db"},
		{"a port that is not a number", "postgres://me:hunter2@host:port/db"},
		{"an unknown sslmode", "postgres://me:hunter2@host/db?sslmode=hunter2"},
		{"a pool parameter that is not a number", "postgres://me:hunter2@host/db?pool_max_conns=hunter2"},
		{"a pool without connections", "postgres://me:hunter2@host/db?pool_max_conns=0"},
		{"a missing certificate", "postgres://me:hunter2@host/db?sslmode=verify-full&sslrootcert=/hunter2"},
	} {
		pool, err := postgres.Open(t.Context(), postgres.Config{URL: test.url})
		if !errors.Is(err, postgres.ErrConfig) {
			t.Errorf("%s: got %v, want ErrConfig", test.name, err)
			if pool != nil {
				pool.Close()
			}
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q shows the URL, or is longer than a line", test.name, err)
		}
	}
}

func TestPingSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	change := func(f func(*url.URL)) string {
		u, err := url.Parse(db.URL)
		if err != nil {
			t.Fatal(err)
		}
		f(u)
		return u.String()
	}
	wrongPassword, noDatabase := [2]string{"28P01", "check the credentials"}, [2]string{"3D000", "no such database"}
	oldPooler := [2]string{"08P01", "the name of the database"} // a pgbouncer of 1.18; one of 1.24 answers as Postgres does
	pooled := db.URL == db.PoolerURL(t)
	if pooled {
		wrongPassword = [2]string{"08P01", "check the credentials"}
	}
	for _, test := range []struct{ name, url, sqlstate, want string }{
		{"a wrong password", change(func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "hunter2") }), wrongPassword[0], wrongPassword[1]},
		{"a missing database", change(func(u *url.URL) { u.Path = "/hunter2" }), noDatabase[0], noDatabase[1]},
		{"a port where nothing listens", change(func(u *url.URL) { u.Host = closed.Addr().String() }), "", "connection refused"},
		{"a folder without a socket", "host=" + t.TempDir() + " user=hunter2", "", "no server at its socket"},
		{"a server that does not answer", change(func(u *url.URL) { u.Host = silent.Addr().String(); u.RawQuery = "sslmode=disable&connect_timeout=1" }), "", "no answer in time"},
		{"a name that does not resolve", change(func(u *url.URL) { u.Host = "hunter2.invalid" }), "", "does not resolve"},
		{"a server without TLS", change(func(u *url.URL) { u.RawQuery = "sslmode=verify-full" }), "", "offers no TLS"},
	} {
		pool := postgrestest.Open(t, test.url)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := pool.Ping(ctx)
		cancel()
		want := [2]string{test.sqlstate, test.want}
		if u, ok := errors.AsType[*postgres.Unavailable](err); ok && pooled && want == noDatabase && u.SQLSTATE == oldPooler[0] {
			want = oldPooler
		}
		wantUnavailable(t, err, want[0], want[1])
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %q shows the URL", test.name, err)
		}
	}
}

// Without Refresh the credentials are tokens, of which each connection gets a new one.
func TestMakesARefusedTokenAgain(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	right, _ := u.User.Password()
	user := u.User.Username()
	u.User = url.User("nobody")
	var asked atomic.Int32
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: u.String(), Credentials: func(context.Context) (string, string, error) {
		if asked.Add(1) <= 1 {
			return user, "hunter2", nil
		}
		return user, right, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pool.Ping(t.Context()); err != nil { // it asks twice
		t.Error(err)
	}
	if asked.Load() != 2 {
		t.Errorf("asked %d times, want 2", asked.Load())
	}
	pool.Pgx().Reset()
	asked.Store(0)
	write(t, postgres.NewWriter(pool, logins.Table()), someLogins(t, 1))
	if asked.Load() != 2 {
		t.Errorf("asked %d times, want 2", asked.Load())
	}
	asked.Store(-1000)
	pool.Pgx().Reset()
	err = pool.Ping(t.Context())
	wantUnavailable(t, err, "", "check the credentials")
	if down, ok := errors.AsType[*postgres.Unavailable](err); !ok || !down.Passing {
		t.Error("the refusal of a token does not count as passing")
	}
}

func TestSendsApplicationName(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var got string
	if err := db.Pool.Pgx().QueryRow(t.Context(), "select current_setting('application_name')").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != "sqs2pg" {
		t.Errorf("application_name %q", got)
	}
}

func TestConnectTimeoutIsFiveSecondsUnlessTheURLSaysOtherwise(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]time.Duration{"postgres://me@127.0.0.1/db": 5 * time.Second, "postgres://me@127.0.0.1/db?connect_timeout=9": 9 * time.Second} {
		if got := postgrestest.Open(t, url).Pgx().Config().ConnConfig.ConnectTimeout; got != want {
			t.Errorf("%s: the timeout is %v, want %v", url, got, want)
		}
	}
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	db := postgrestest.New(t, logins.Table())
	before := goleak.IgnoreCurrent()
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: db.URL})
	if err != nil {
		t.Fatal(err)
	}
	write(t, postgres.NewWriter(pool, logins.Table()), someLogins(t, 3))
	pool.Close()
	goleak.VerifyNone(t, before)
}

func TestPreviewShowsTheNewestRows(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	events := someLogins(t, 5)
	for i := range events {
		events[i].SentAt = noon.Add(time.Duration(i) * time.Minute)
	}
	write(t, postgres.NewWriter(db.Pool, logins.Table()), events)
	columns, rows, err := schema.Preview(t.Context(), postgrestest.Open(t, db.OwnerURL), logins.Table(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if columns[0] != "user_id" || len(columns) != 7 {
		t.Errorf("columns %q", columns)
	}
	var users []string
	for _, row := range rows {
		users = append(users, row[0]+" "+row[2])
	}
	if diff := cmp.Diff([]string{"u4 NULL", "u3 NULL"}, users); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, _, err = schema.Preview(t.Context(), db.Pool, logins.Table(), 2)
	wantUnavailable(t, err, "42501", "may not")
}

func TestWhereHoldsNoUserAndNoPassword(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://ursula:secret@db.example.com:6432/logins": "logins at db.example.com:6432",
		"postgres://ursula:secret@[::1]/logins":               "logins at [::1]:5432",
		"host=/tmp user=ursula dbname=logins":                 "logins at /tmp:5432",
		"postgres://ursula:secret@127.0.0.1":                  "(default) at 127.0.0.1:5432",
	} {
		pool, err := postgres.Open(t.Context(), postgres.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if got := pool.Where(); got != want {
			t.Errorf("%s is %q, want %q", url, got, want)
		}
		pool.Close()
	}
}
