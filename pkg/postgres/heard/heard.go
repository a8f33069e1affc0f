// Package heard is a network connection that knows whether the other side has answered. A connection
// may have died while the sandbox of the function was frozen; then nobody answers, and no error
// comes either.
package heard

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Timeout is how long the answer to something small may take. After that nobody is there.
const Timeout = 2 * time.Second

// conn counts the reads that brought something. TLS is above it.
type conn struct {
	net.Conn
	reads atomic.Int64
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.reads.Add(1)
	}
	return n, err
}

// Dial makes connections of the kind that Within knows.
func Dial(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{Conn: c}, nil
	}
}

// Within calls cancel unless the server says something in that time. stop ends the wait.
func Within(server *pgconn.PgConn, wait time.Duration, cancel func()) (stop func() bool) {
	var c *conn
	switch known := server.Conn().(type) {
	case *conn:
		c = known
	case interface{ NetConn() net.Conn }: // TLS
		c, _ = known.NetConn().(*conn)
	}
	if c == nil {
		return func() bool { return false }
	}
	before := c.reads.Load()
	return time.AfterFunc(wait, func() {
		if c.reads.Load() == before {
			cancel()
		}
	}).Stop
}
