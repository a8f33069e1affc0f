package schema_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

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

func TestLoginDoesNotSendThePassword(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	role := strings.Replace(db.QueryStrings(t, "select current_database()")[0], "sqs2pg_", "sqs2pg_login_", 1)
	t.Cleanup(func() { db.Exec(t, "drop role if exists "+role) })
	u, err := url.Parse(db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	var r recorder
	u.Host = r.serve(t, u.Host)
	for _, password := range []string{"first ~ 'secret' \\\\ $pw", "second-secret"} {
		if err := schema.Login(t.Context(), postgrestest.Open(t, u.String()), role, password); err != nil {
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

func TestLoginRefusesPasswordsThatClientsMayChange(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	for _, password := range []string{"", "gr\u00fc\u00dfe", "line\nbreak"} {
		err := schema.Login(t.Context(), owner(t, db), "nobody_at_all", password)
		if !errors.Is(err, schema.ErrPassword) || password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("%q: got %v, want ErrPassword without the password", password, err)
		}
	}
}
