// Package sqsserver is an Amazon SQS endpoint that keeps its queues in memory, for tests and for
// machines without Docker. The AWS CLI and the SDKs work with it unmodified, by the JSON protocol
// or the older query protocol. It implements what stubs leave out and what loses messages in
// production: visibility timeouts, receive counts, redrive policies, message groups, batches that
// fail in part.
//
// It stores and shows a MessageGroupId on a standard queue (a fair queue) but does not order
// messages by it. AWS documents the purpose of fair queues, but not when a group is held back, and
// a standard queue promises no order.
//
// It writes nothing to disk and does not check signatures: listen on 127.0.0.1 only.
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

// Options are the settings of a Server. The zero value is ready for use.
type Options struct {
	// Now is the clock; default time.Now. Long polls use the real clock, so a test that needs
	// another time should run in a testing/synctest bubble instead.
	Now func() time.Time
}

// A Server is an http.Handler that serves the queues of one account (000000000000) in all regions.
// The region of a request is the region in its signature, or us-east-1 if it is not signed. A
// Server is safe for concurrent use.
type Server struct {
	clock   func() time.Time
	closing context.Context
	close   context.CancelFunc
	tasks   sync.WaitGroup // running message move tasks

	configuring sync.Mutex // serialises changes of attributes; taken before any other lock

	mu        sync.RWMutex
	queues    map[queueKey]*queue
	deletedAt map[queueKey]int64       // when a queue of that name was deleted
	moves     map[queueKey][]*moveTask // by source, the newest first
}

type queueKey struct{ region, name string }

// New returns a server without queues.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{clock: o.Now, queues: map[queueKey]*queue{}, deletedAt: map[queueKey]int64{}, moves: map[queueKey][]*moveTask{}}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// Close ends long polls with an empty answer, ends message move tasks, and makes every later
// request fail with ServiceUnavailable. Pass it to http.Server.RegisterOnShutdown; otherwise
// Shutdown waits up to 20 seconds for long polls. Close may be called again.
func (s *Server) Close() {
	s.mu.Lock() // begin holds this lock too, so no task begins after the close
	s.close()
	s.mu.Unlock()
	s.tasks.Wait()
	for _, q := range s.list(nil) {
		q.mu.Lock()
		q.wake.Stop()
		q.mu.Unlock()
	}
}

// now returns the time in milliseconds since the epoch.
func (s *Server) now() int64 { return s.clock().UnixMilli() }

func (s *Server) queue(key queueKey) *queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queues[key]
}

// list returns the queues that match, in no particular order; nil matches all.
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
