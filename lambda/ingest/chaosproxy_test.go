package main

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy is the network between the function and Postgres. Postgres may move to another port behind
// it.
type proxy struct {
	listener net.Listener

	mu       sync.Mutex
	target   string
	refusing bool
	torn     bool          // the next bytes of each connection are cut in half, then the connection ends
	delay    time.Duration // of every read
	gate     chan struct{} // closed: bytes go through; open: they wait
	conns    map[net.Conn]bool
	running  sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: target, gate: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(p.gate)
	p.running.Go(p.accept)
	t.Cleanup(func() {
		p.set(func() { p.refusing = true })
		listener.Close()
		p.cut()
		p.running.Wait()
	})
	return p
}

func (p *proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *proxy) port() string {
	_, port, _ := net.SplitHostPort(p.listener.Addr().String())
	return port
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.join(client) })
	}
}

func (p *proxy) join(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	target, refusing := p.target, p.refusing
	p.mu.Unlock()
	if refusing {
		return
	}
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	p.set(func() { p.conns[client], p.conns[server] = true, true })
	var directions sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		directions.Go(func() {
			_ = p.pipe(way[0], way[1])
			client.Close()
			server.Close()
		})
	}
	directions.Wait()
	p.set(func() { delete(p.conns, client); delete(p.conns, server) })
}

var errTorn = errors.New("torn")

func (p *proxy) pipe(from, to net.Conn) error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return err
		}
		p.mu.Lock()
		delay, gate, torn := p.delay, p.gate, p.torn
		p.mu.Unlock()
		time.Sleep(delay)
		<-gate
		if torn {
			to.Write(buffer[:n/2])
			return errTorn
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return err
		}
	}
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// stall lets nothing through until its result is called, like a network that drops packets.
func (p *proxy) stall() (end func()) {
	gate := make(chan struct{})
	p.set(func() { p.gate = gate })
	return sync.OnceFunc(func() { close(gate) })
}
