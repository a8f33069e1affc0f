// Package sqsserver is an Amazon SQS endpoint in memory, for machines without Docker and for tests: the AWS CLI and the SDKs
// work against it as they are, by the JSON protocol or the older query protocol. It is a queue in earnest rather than a stub,
// because what loses messages in production is what stubs leave out: visibility that ends, receive counts, redrive policies,
// message groups, batches that fail in part.
//
// A MessageGroupId on a standard queue is kept and shown but changes no order: AWS documents what a fair queue is for, not when
// it holds a group back, and a standard queue promises no order.
//
// It keeps nothing on disk and checks no signature: listen on 127.0.0.1 only.
package sqsserver

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	account       = "000000000000"
	defaultRegion = "us-east-1"
)

// Options of a Server. The zero value is ready for use.
type Options struct {
	// Now is the clock; default time.Now. Long polls wait by the real clock, so a test that turns time forward should run
	// in a testing/synctest bubble instead.
	Now func() time.Time
}

// A Server is an http.Handler that serves the queues of one account (000000000000) in all regions. A request's region is the
// one it is signed for, us-east-1 where it is not signed. It is safe for concurrent use.
type Server struct {
	clock   func() time.Time
	closing context.Context
	close   context.CancelFunc
	tasks   sync.WaitGroup // message move tasks at work

	configuring sync.Mutex // one SetQueueAttributes at a time; taken before any other lock

	mu     sync.RWMutex
	queues map[queueKey]*queue
	buried map[queueKey]int64       // when a queue of that name was deleted
	moves  map[queueKey][]*moveTask // by source, the newest first
}

type queueKey struct{ region, name string }

// New returns a server without queues.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{clock: o.Now, queues: map[queueKey]*queue{}, buried: map[queueKey]int64{}, moves: map[queueKey][]*moveTask{}}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// Close answers long polls with what they have, ends message move tasks, and makes every later request fail with
// ServiceUnavailable. Give it to http.Server.RegisterOnShutdown, or Shutdown waits up to 20 seconds for the long polls. Closing
// twice is fine.
func (s *Server) Close() {
	s.mu.Lock() // so that no task begins after it
	s.close()
	s.mu.Unlock()
	s.tasks.Wait()
	for _, q := range s.list(nil) {
		q.mu.Lock()
		q.wake.Stop()
		q.mu.Unlock()
	}
}

// now is the time in milliseconds since the epoch.
func (s *Server) now() int64 { return s.clock().UnixMilli() }

func (s *Server) queue(key queueKey) *queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queues[key]
}

// list returns the queues that match, in no order; nil matches all.
func (s *Server) list(match func(*queue) bool) []*queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*queue
	for _, q := range s.queues {
		if match == nil || match(q) {
			found = append(found, q)
		}
	}
	return found
}

var _ http.Handler = (*Server)(nil)
