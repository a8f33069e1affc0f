package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"
)

// errNotTaken means that the process did not ask for the invocation, so the invocation has not
// begun.
var errNotTaken = errors.New("invocation not taken")

// environment is one bootstrap process and its API endpoint, which no other process uses.
type environment struct {
	config  *Config
	command *exec.Cmd
	server  *http.Server
	stderr  *lineWriter

	began          time.Time
	initDuration   time.Duration
	unreportedInit time.Duration       // initDuration until the first report, then 0
	ready          chan struct{}       // closed when the process first asks for an invocation
	initFailed     chan *FunctionError // from /runtime/init/error
	exited         chan struct{}       // closed when the process has ended and its output is written

	next      chan *invocation           // from invoke to serveNext
	current   atomic.Pointer[invocation] // sent to the process and not yet answered
	extension atomic.Bool                // the process wants a SIGTERM before it is killed
	deadline  time.Time                  // of the last invocation
}

// invocation is one event that a process handles.
type invocation struct {
	id      string
	payload []byte
	timeout time.Duration
	sent    chan struct{} // closed when the payload is no longer used
	answer  chan answer   // capacity 1
}

type answer struct {
	body []byte
	err  error
}

func newEnvironment(f *Function) (*environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("runtime API: %w", err)
	}
	e := &environment{
		config:     &f.config,
		began:      time.Now(),
		ready:      make(chan struct{}),
		initFailed: make(chan *FunctionError, 1),
		exited:     make(chan struct{}),
		next:       make(chan *invocation),
		stderr:     f.output.lines(),
	}
	e.server = &http.Server{Handler: e.routes()}
	e.command = exec.Command(f.config.Bootstrap)
	e.command.Env = Environ(f.config, listener.Addr().String())
	e.command.SysProcAttr = ownGroup
	e.command.WaitDelay = shutdownGrace
	stdout := f.output.lines()
	e.command.Stdout, e.command.Stderr = stdout, e.stderr
	if err := e.command.Start(); err != nil {
		listener.Close()
		return nil, explainStart(f.config.Bootstrap, err)
	}
	go e.server.Serve(listener)
	go e.reap(stdout)
	return e, nil
}

// reap waits for the process to end, and then closes its endpoint.
func (e *environment) reap(stdout *lineWriter) {
	e.command.Wait() // ProcessState says how it ended
	stdout.flush()
	e.stderr.flush()
	e.server.Close()
	close(e.exited)
}

// awaitInit returns when the process asks for its first invocation.
func (e *environment) awaitInit(ctx context.Context) error {
	limit := time.NewTimer(initTimeout)
	defer limit.Stop()
	select {
	case <-e.ready:
		return nil
	case failed := <-e.initFailed:
		return failed
	case <-e.exited:
		select {
		case failed := <-e.initFailed:
			return failed
		default:
			return e.explainExit()
		}
	case <-limit.C:
		return fmt.Errorf("%s did not ask for an invocation within %s, Lambda's limit for the start", e.config.Bootstrap, initTimeout)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *environment) explainExit() error {
	if last := e.stderr.lastLine(); last != "" {
		return fmt.Errorf("%s ended while starting (%s): %s", e.config.Bootstrap, e.command.ProcessState, last)
	}
	return fmt.Errorf("%s ended while starting (%s) and wrote no reason to its standard error", e.config.Bootstrap, e.command.ProcessState)
}

func (e *environment) alive() bool {
	select {
	case <-e.exited:
		return false
	default:
		return true
	}
}

// invoke sends the process one event and waits for its response. It must not be called
// concurrently.
func (e *environment) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	inv := &invocation{
		id:      uuid.NewString(),
		payload: payload,
		timeout: e.config.Timeout,
		sent:    make(chan struct{}),
		answer:  make(chan answer, 1),
	}
	if err := e.offer(ctx, inv); err != nil {
		return nil, err
	}
	began := time.Now()
	e.deadline = began.Add(inv.timeout)
	got := e.await(ctx, inv)
	<-inv.sent
	e.report(inv, time.Since(began), got.err)
	return got.body, got.err
}

// offer hands over the event when the process asks for one. The process may still be busy after its
// last response; offer gives it until the deadline of that last invocation, and at least a second.
func (e *environment) offer(ctx context.Context, inv *invocation) error {
	select {
	case e.next <- inv:
		return nil
	default:
	}
	limit := time.NewTimer(max(time.Until(e.deadline), time.Second))
	defer limit.Stop()
	select {
	case e.next <- inv:
		return nil
	case <-e.exited:
	case <-limit.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return errNotTaken
}

func (e *environment) await(ctx context.Context, inv *invocation) answer {
	limit := time.NewTimer(inv.timeout)
	defer limit.Stop()
	select {
	case got := <-inv.answer:
		return got
	case <-e.exited:
		return inv.answerOr(e.exitError(inv))
	case <-limit.C:
		e.kill()
		return inv.answerOr(&FunctionError{
			Type:    "Sandbox.Timedout",
			Message: fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", inv.id, inv.timeout.Seconds()),
		})
	case <-ctx.Done():
		e.kill()
		return answer{err: ctx.Err()}
	}
}

// answerOr returns the process's own answer if it came at the last moment, otherwise err.
func (i *invocation) answerOr(err error) answer {
	select {
	case got := <-i.answer:
		return got
	default:
		return answer{err: err}
	}
}

func (e *environment) exitError(inv *invocation) error {
	return &FunctionError{
		Type:    "Runtime.ExitError",
		Message: fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %s", inv.id, e.command.ProcessState),
	}
}

// kill kills the process and its children, and waits until they have ended.
func (e *environment) kill() {
	e.signal(syscall.SIGKILL)
	<-e.exited
}

func (e *environment) signal(s syscall.Signal) {
	if e.alive() {
		signalGroup(e.command.Process, s)
	}
}

// stop ends the environment as Lambda does when it shuts one down.
func (e *environment) stop() {
	if e.extension.Load() {
		e.signal(syscall.SIGTERM)
		select {
		case <-e.exited:
		case <-time.After(shutdownGrace):
		}
	}
	e.kill()
}
