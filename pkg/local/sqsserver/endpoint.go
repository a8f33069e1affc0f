package sqsserver

import (
	"errors"
	"net"
	"net/http"
	"time"
)

// Endpoint is a Server that listens.
type Endpoint struct {
	URL string // such as http://127.0.0.1:9324

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
	queues := New(Options{})
	e := &Endpoint{
		URL: "http://" + listener.Addr().String(), queues: queues,
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
