package eventsource

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// idleLimit is shorter than any server's: a connection that the server is about to close is not used again.
const idleLimit = time.Second

// plainTransport speaks HTTP/1.1 without TLS, one request at a time on a connection, in the goroutine that asks. The
// standard transport passes every request and answer between three goroutines; against a server on the same machine these
// switches cost as much as all the rest of a call. Requests for https go to the standard one.
type plainTransport struct {
	secure http.RoundTripper
	dialer net.Dialer

	mu   sync.Mutex
	idle map[string][]*plainConn // by address; the last used at the end
}

type plainConn struct {
	net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
	used time.Time
}

func (t *plainTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != "http" {
		return t.secure.RoundTrip(request)
	}
	ctx := request.Context()
	conn, err := t.connection(ctx, address(request))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	response, err := conn.exchange(request)
	if cut := !stop(); cut || err != nil || response.Close {
		conn.Close()
	} else {
		t.keep(address(request), conn)
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return response, err
}

// exchange reads the answer to its end, so that the connection is free.
func (c *plainConn) exchange(request *http.Request) (*http.Response, error) {
	if err := request.Write(c.out); err != nil {
		return nil, err
	}
	if err := c.out.Flush(); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(c.in, request)
	if err != nil {
		return nil, err
	}
	body, err := readAll(response)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}

func (t *plainTransport) connection(ctx context.Context, address string) (*plainConn, error) {
	if conn := t.takeIdle(address); conn != nil {
		return conn, nil
	}
	conn, err := t.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &plainConn{Conn: conn, in: bufio.NewReaderSize(conn, 16<<10), out: bufio.NewWriterSize(conn, 16<<10)}, nil
}

func (t *plainTransport) takeIdle(address string) *plainConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	conns := t.idle[address]
	if len(conns) == 0 {
		return nil
	}
	last := len(conns) - 1
	conn := conns[last]
	if time.Since(conn.used) > idleLimit { // then the others are older still
		for _, c := range conns {
			c.Close()
		}
		t.idle[address] = nil
		return nil
	}
	t.idle[address] = conns[:last]
	return conn
}

func (t *plainTransport) keep(address string, conn *plainConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.idle == nil {
		t.idle = map[string][]*plainConn{}
	}
	conn.used = time.Now()
	t.idle[address] = append(t.idle[address], conn)
}

func address(request *http.Request) string {
	if request.URL.Port() == "" {
		return net.JoinHostPort(request.URL.Hostname(), "80")
	}
	return request.URL.Host
}
