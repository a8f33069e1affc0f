package postgrestest

import (
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// SlowProxy stands in front of a database that is some way off, and counts round trips.
type SlowProxy struct {
	address, target string
	delay           time.Duration // of each direction
	roundTrips      atomic.Int64
}

// NewSlowProxy starts a proxy in front of a database. A round trip through it takes at least that
// time.
func NewSlowProxy(tb testing.TB, database string, roundTrip time.Duration) *SlowProxy {
	tb.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { listen.Close() })
	p := &SlowProxy{address: listen.Addr().String(), target: parseURL(tb, database).Host, delay: roundTrip / 2}
	go func() {
		for {
			client, err := listen.Accept()
			if err != nil {
				return
			}
			go p.pass(client)
		}
	}()
	return p
}

// URL returns the database's URL with the proxy's address in it.
func (p *SlowProxy) URL(tb testing.TB, database string) string {
	tb.Helper()
	u := parseURL(tb, database)
	u.Host = p.address
	return u.String()
}

// RoundTrips is the number of simple queries and of the writer's pipelines, which begin with a Sync
// that follows no request. It does not depend on time, as the number of waits for the network
// would.
func (p *SlowProxy) RoundTrips() int64 { return p.roundTrips.Load() }

func (p *SlowProxy) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	last := byte(0)
	requests := messages{startup: true, each: func(kind byte) {
		if kind == 'Q' || kind == 'S' && !strings.ContainsRune("PBDE", rune(last)) {
			p.roundTrips.Add(1)
		}
		last = kind
	}}
	go p.forward(server, client, requests.read)
	p.forward(client, server, nil)
}

// forward delays what it forwards. It reads ahead without a limit, so that only the delay slows the
// sender.
func (p *SlowProxy) forward(to, from net.Conn, received func([]byte)) {
	type chunk struct {
		bytes []byte
		due   time.Time
	}
	chunks := make(chan chunk, 1<<16)
	defer close(chunks)
	go func() {
		for c := range chunks {
			time.Sleep(time.Until(c.due))
			to.Write(c.bytes)
		}
		to.Close()
	}()
	for {
		buffer := make([]byte, 32<<10)
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if received != nil {
			received(buffer[:n])
		}
		chunks <- chunk{buffer[:n], time.Now().Add(p.delay)}
	}
}

// messages finds the types of the protocol's messages in a stream of bytes.
// See https://www.postgresql.org/docs/current/protocol-message-formats.html.
type messages struct {
	startup bool // the next message has no type
	each    func(kind byte)
	header  []byte
	skip    int // bytes of the message's body still to come
}

func (m *messages) read(b []byte) {
	for len(b) > 0 {
		if m.skip > 0 {
			n := min(m.skip, len(b))
			m.skip, b = m.skip-n, b[n:]
			continue
		}
		m.header, b = append(m.header, b[0]), b[1:]
		if m.startup && len(m.header) == 4 {
			m.skip, m.startup, m.header = int(binary.BigEndian.Uint32(m.header))-4, false, nil
		} else if !m.startup && len(m.header) == 5 {
			m.each(m.header[0])
			m.skip, m.header = int(binary.BigEndian.Uint32(m.header[1:]))-4, nil
		}
	}
}
