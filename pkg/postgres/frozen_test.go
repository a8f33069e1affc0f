package postgres_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// gateway forwards connections until it forgets them, as a NAT gateway does with idle ones. Then no
// packet comes back, not even a reset.
type gateway struct {
	net.Listener
	mu    sync.Mutex
	known []*forwarded
}

type forwarded struct {
	net.Conn
	forgotten chan struct{}
}

// Read blocks once the connection is forgotten, until it is closed.
func (f *forwarded) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	select {
	case <-f.forgotten:
		_, _ = io.Copy(io.Discard, f.Conn)
		return 0, io.EOF
	default:
		return n, err
	}
}

func startGateway(t *testing.T, to string) *gateway {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{Listener: listener}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				continue
			}
			f := &forwarded{Conn: client, forgotten: make(chan struct{})}
			g.mu.Lock()
			g.known = append(g.known, f)
			g.mu.Unlock()
			go func() { io.Copy(server, f); server.Close() }()
			go func() { io.Copy(f, server); client.Close() }()
		}
	}()
	return g
}

func (g *gateway) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.known {
		close(f.forgotten)
	}
}

// hangUp closes the forgotten connections. Without it the pool's Close would wait up to 15 s for
// each.
func (g *gateway) hangUp() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.known {
		f.Close()
	}
}

// A connection that gets no answer any more must not use up the whole deadline.
func TestReplacesConnectionThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	pool, g := behindGateway(t, db)
	w := postgres.NewWriter(pool, logins.Table())
	write(t, w, someLogins(t, 1))
	g.forget()
	defer g.hangUp()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	if result, err := w.Write(ctx, someLogins(t, 1)); err != nil || result.Written != 1 {
		t.Errorf("%+v, %v", result, err)
	}
}

// Two tables are written side by side. A connection that nobody answers keeps its place in the pool
// for longer than this test gives them.
func TestReplacesTwoConnectionsThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	pool, g := behindGateway(t, postgrestest.New(t, logins.Table()))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var both sync.WaitGroup
	both.Add(2)
	twice(func() { // opens two
		if err := pool.Do(ctx, func(*pgxpool.Conn) error { both.Done(); both.Wait(); return nil }); err != nil {
			t.Error(err)
		}
	})
	g.forget()
	defer g.hangUp()
	twice(func() {
		if result, err := postgres.NewWriter(pool, logins.Table()).Write(ctx, someLogins(t, 200)); err != nil || result.Written != 200 {
			t.Errorf("%+v, %v", result, err)
		}
	})
}

// twice runs f two times at once.
func twice(f func()) {
	var running sync.WaitGroup
	running.Go(f)
	running.Go(f)
	running.Wait()
}

// COPY is given up early too. Otherwise it would take a quarter of the time, which is longer here than
// a test may take.
func TestReplacesConnectionThatNobodyAnswersToACopy(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	pool, g := behindGateway(t, db)
	w := postgres.NewWriter(pool, logins.Table())
	write(t, w, someLogins(t, 200))
	g.forget()
	defer g.hangUp()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
	defer cancel()
	if result, err := w.Write(ctx, someLogins(t, 200)); err != nil || result.Written != 200 {
		t.Errorf("%+v, %v", result, err)
	}
}

// behindGateway makes a pool whose connections go through a gateway.
func behindGateway(t *testing.T, db *postgrestest.Database) (*postgres.Pool, *gateway) {
	t.Helper()
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	g := startGateway(t, u.Host)
	u.Host = g.Addr().String()
	return postgrestest.Open(t, u.String()), g
}

// A round trip is what a batch costs most where the database is in another zone. No batch costs a
// ping.
func TestBatchCostsOneRoundTrip(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins.Table())
	proxy := postgrestest.NewSlowProxy(t, db.URL, 0)
	w := postgres.NewWriter(postgrestest.Open(t, proxy.URL(t, db.URL)), logins.Table())
	write(t, w, someLogins(t, 1))
	for _, n := range []int{1, 10, 50, 100, 1000} {
		before := proxy.RoundTrips()
		write(t, w, someLogins(t, n))
		if got := proxy.RoundTrips() - before; got != 1 {
			t.Errorf("a batch of %d took %d round trips, want 1", n, got)
		}
	}
}
