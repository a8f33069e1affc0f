package sqsserver

import (
	"errors"
	"net"
	"net/http"
	"time"
)

// Endpoint is a Server that listens.
type Endpoint struct {
	// URL is the address for clients, such as http://127.0.0.1:9324. If the endpoint listens on all
	// addresses (0.0.0.0), it names one that other machines can reach too, if this machine has one.
	URL string

	// Exposed reports whether other machines may reach the endpoint, which checks no signatures.
	Exposed bool

	queues *Server
	http   *http.Server
	served chan error
}

// Listen serves a new Server, without queues, at a TCP address such as 127.0.0.1:9324; port 0 takes
// a free one. The error is that of net.Listen. Close the endpoint after use.
func Listen(address string) (*Endpoint, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	bound := listener.Addr().(*net.TCPAddr)
	queues := New(Options{})
	e := &Endpoint{
		URL: "http://" + reachable(*bound), Exposed: !bound.IP.IsLoopback(), queues: queues,
		http: &http.Server{Handler: queues, ReadHeaderTimeout: 10 * time.Second}, served: make(chan error, 1),
	}
	go func() { e.served <- e.http.Serve(listener) }()
	return e, nil
}

// Close ends the endpoint, with all its queues. It panics if the listener had broken before:
// clients saw no answers then.
func (e *Endpoint) Close() {
	e.queues.Close()
	e.http.Close()
	if err := <-e.served; !errors.Is(err, http.ErrServerClosed) {
		panic(err)
	}
}

// reachable returns the address as text. It replaces "all addresses" with an address of this machine
// in its network, or with 127.0.0.1 if the machine has no network.
func reachable(address net.TCPAddr) string {
	if address.IP.IsUnspecified() {
		address.IP = net.IPv4(127, 0, 0, 1)
		own, _ := net.InterfaceAddrs() // without addresses 127.0.0.1 remains
		for _, a := range own {
			if network, ok := a.(*net.IPNet); ok && network.IP.To4() != nil && network.IP.IsGlobalUnicast() {
				address.IP = network.IP
				break
			}
		}
	}
	return address.String()
}
