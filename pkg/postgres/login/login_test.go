package login_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/login"
	"sqs2pg/pkg/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// recorder is a proxy that keeps everything that clients send to the server.
type recorder struct {
	mu   sync.Mutex
	sent bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent.Write(p)
}

func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent.String()
}

// serve forwards connections to the address, and returns its own.
func (r *recorder) serve(t *testing.T, to string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(io.MultiWriter(r, server), client); _ = server.Close() }()
			go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
		}
	}()
	return listener.Addr().String()
}

func TestWithPasswordDoesNotSendThePassword(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	role := strings.Replace(db.QueryStrings(t, "select current_database()")[0], "sqs2pg_", "sqs2pg_login_", 1)
	t.Cleanup(func() { db.Exec(t, "drop role if exists "+role) })
	u, err := url.Parse(db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	var r recorder
	u.Host = r.serve(t, u.Host)
	for _, password := range []string{"first ~ 'secret' \\\\ $pw", "second-secret"} {
		if err := login.WithPassword(t.Context(), postgrestest.Open(t, u.String()), role, password); err != nil {
			t.Fatal(err)
		}
		if sent := r.text(); strings.Contains(sent, "secret") || !strings.Contains(sent, "SCRAM-SHA-256$4096:") {
			t.Error("the password was sent, or no verifier")
		}
		writer, err := url.Parse(db.OwnerURL)
		if err != nil {
			t.Fatal(err)
		}
		writer.User = url.UserPassword(role, password)
		if err := postgrestest.Open(t, writer.String()).Ping(t.Context()); err != nil {
			t.Errorf("the role cannot log in: %v", err)
		}
		writer.User = url.UserPassword(role, password+"x")
		if err := postgrestest.Open(t, writer.String()).Ping(t.Context()); err == nil {
			t.Error("the role can log in with another password")
		}
	}
}

func TestWithPasswordRefusesPasswordsThatClientsMayChange(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for _, password := range []string{"", "gr\u00fc\u00dfe", "line\nbreak"} {
		err := login.WithPassword(t.Context(), postgrestest.Open(t, db.OwnerURL), "nobody_at_all", password)
		if !errors.Is(err, login.ErrPassword) || password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("%q: got %v, want ErrPassword without the password", password, err)
		}
	}
}

// keeperOf makes a role that may make roles, as the owner of a database on RDS may, and the role
// rds_iam, which stays: roles belong to the server, and other tests may use it.
func keeperOf(t *testing.T, db *postgrestest.Database) (user *url.Userinfo, writer string) {
	t.Helper()
	db.Exec(t, `do $$ begin create role rds_iam nologin; exception when duplicate_object or unique_violation then null; end $$`)
	name := strings.Replace(db.QueryStrings(t, "select current_database()")[0], "sqs2pg_", "sqs2pg_keeper_", 1)
	writer = name + "_w"
	db.Exec(t, "create role "+name+" login createrole password 'keeper'")
	if db.QueryStrings(t, "select current_setting('server_version_num')::int >= 160000")[0] == "t" {
		// From 16 on, the right to make roles is not one to grant those of others. On RDS the owner has it.
		db.Exec(t, "grant sqs2pg_writer, rds_iam to "+name+" with admin true, inherit false, set false")
	}
	t.Cleanup(func() { db.Exec(t, "drop role if exists "+writer); db.Exec(t, "drop role "+name) })
	return url.UserPassword(name, "keeper"), writer
}

func isMember(t *testing.T, db *postgrestest.Database, writer string) bool {
	t.Helper()
	return db.QueryStrings(t, "select count(*) from pg_roles where rolname = $1 and pg_has_role(oid, 'rds_iam', 'member')", writer)[0] == "1"
}

func TestByIAMGrantsRDSIAM(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	keeper, writer := keeperOf(t, db)
	address := withUser(t, db.OwnerURL, keeper)
	for range 2 {
		if err := login.ByIAM(t.Context(), postgrestest.Open(t, address), writer); err != nil || !isMember(t, db, writer) {
			t.Errorf("error %v, member %t", err, isMember(t, db, writer))
		}
	}
}

// RDS asks indirect members of rds_iam for a token, too. Its owner would be locked out for ever.
func TestByIAMDoesNotLockTheCallerOut(t *testing.T) {
	t.Parallel()
	t.Run("who is a member of the user", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		keeper, writer := keeperOf(t, db)
		db.Exec(t, "create role "+writer+"; grant "+writer+" to "+keeper.Username()+" with admin option")
		err := login.ByIAM(t.Context(), postgrestest.Open(t, withUser(t, db.OwnerURL, keeper)), writer)
		if !errors.Is(err, login.ErrOwnerByIAM) || isMember(t, db, writer) {
			t.Errorf("error %v, member %t; want ErrOwnerByIAM and no grant", err, isMember(t, db, writer))
		}
	})
	t.Run("whose password is refused afterwards", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		keeper, writer := keeperOf(t, db)
		var connections atomic.Int32
		pool, err := postgres.Open(t.Context(), postgres.Config{URL: db.OwnerURL, Credentials: func(context.Context) (string, string, error) {
			if connections.Add(1) > 1 {
				return keeper.Username(), "refused", nil
			}
			return keeper.Username(), "keeper", nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		err = login.ByIAM(t.Context(), pool, writer)
		if !errors.Is(err, login.ErrOwnerByIAM) || isMember(t, db, writer) {
			t.Errorf("error %v, member %t; want ErrOwnerByIAM and no grant", err, isMember(t, db, writer))
		}
	})
}

func withUser(t *testing.T, address string, user *url.Userinfo) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = user
	return u.String()
}

func TestToRevealMakesALoginThatCannotWrite(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	role := strings.Replace(db.QueryStrings(t, "select current_database()")[0], "sqs2pg_", "sqs2pg_reveal_", 1)
	t.Cleanup(func() { db.Exec(t, "drop role if exists "+role) })
	if err := login.ToReveal(t.Context(), postgrestest.Open(t, db.OwnerURL), role, "secret"); err != nil {
		t.Fatal(err)
	}
	got := db.QueryStrings(t, "select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = '"+role+"'::regrole order by 1")
	if len(got) != 1 || got[0] != "sqs2pg_revealer" {
		t.Errorf("member of %v, want sqs2pg_revealer alone", got)
	}
}
