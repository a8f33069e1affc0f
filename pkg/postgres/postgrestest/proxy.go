package postgrestest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Proxy stands in front of a database that cannot be reached yet.
type Proxy struct {
	address string
	asleep  func(net.Conn)
	refused chan struct{} // one for each connection that found no database

	mu     sync.Mutex
	target string // the address of the database, "" for none yet
}

// NewProxy returns a proxy without a database. It gives each connection to asleep, such as
// [StartingUp] or [Silent]; if asleep is nil, connections are refused.
func NewProxy(tb testing.TB, asleep func(net.Conn)) *Proxy {
	tb.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{address: listen.Addr().String(), asleep: asleep, refused: make(chan struct{}, 1000)}
	if asleep == nil {
		listen.Close()
	} else {
		p.serve(tb, listen)
	}
	return p
}

// URL returns the database's URL with the proxy's address in it.
func (p *Proxy) URL(tb testing.TB, database string) string {
	tb.Helper()
	u := parseURL(tb, database)
	u.Host = p.address
	return u.String()
}

// AwaitConnections waits until n more connections have found no database.
func (p *Proxy) AwaitConnections(n int) {
	for range n {
		<-p.refused
	}
}

// Forward connects later connections to the database.
func (p *Proxy) Forward(tb testing.TB, database string) {
	tb.Helper()
	target := parseURL(tb, database).Host
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	if p.asleep == nil {
		listen, err := net.Listen("tcp", p.address)
		if err != nil {
			tb.Fatal(err)
		}
		p.serve(tb, listen)
	}
}

func (p *Proxy) serve(tb testing.TB, listen net.Listener) {
	tb.Cleanup(func() { listen.Close() })
	go func() {
		for {
			conn, err := listen.Accept()
			if err != nil {
				return
			}
			go p.pass(conn)
		}
	}()
}

func (p *Proxy) pass(conn net.Conn) {
	defer conn.Close()
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	if target == "" {
		p.refused <- struct{}{}
		p.asleep(conn)
		return
	}
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		io.Copy(server, conn)
		server.Close()
	}()
	io.Copy(conn, server)
}

// StartingUp answers as Postgres does while it starts.
func StartingUp(conn net.Conn) {
	backend := pgproto3.NewBackend(conn, conn)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "57P03", Message: "the database system is starting up"})
	_ = backend.Flush()
}

// Silent accepts a connection and does not answer, as a paused Aurora does.
func Silent(conn net.Conn) { io.Copy(io.Discard, conn) }

func parseURL(tb testing.TB, text string) *url.URL {
	tb.Helper()
	u, err := url.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}
