// Package runtimeapi runs a Lambda function on this machine as Lambda does: it starts the deployed
// `bootstrap` program and sends it events through the Lambda Runtime API.
//
// Most failures of a function happen outside its handler: at the start, in the environment
// variables, at the deadline, in a crash, with a response that is too large. A handler that is
// called in-process does not show these failures, nor does a container image that serves one call
// at a time. Here each execution environment is an operating-system process with its own API
// endpoint. It handles one invocation at a time, is killed at the timeout, and is replaced after a
// crash.
//
// The rules are those of https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html. Two things differ
// on purpose. The working directory is the caller's instead of /var/task, so relative paths in
// Config.Env mean what they mean to the caller. Processes are not frozen between invocations.
package runtimeapi

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	initTimeout   = 10 * time.Second
	shutdownGrace = 500 * time.Millisecond // Lambda's limit for a runtime with an internal extension

	// responseLimit is Lambda's limit for a synchronous response in bytes, a little over 6 MB.
	responseLimit = 6_291_556
)

// ErrClosed is returned by Invoke after Close was called.
var ErrClosed = errors.New("the function is closed")

// FunctionError means that the function failed an invocation: it returned an error, panicked,
// exited or ran into its timeout.
type FunctionError struct {
	// Type is the type that the function reported (in Go the name of the error's type), or one of
	// Lambda's: Sandbox.Timedout, Runtime.ExitError, Function.ResponseSizeTooLarge.
	Type string

	// Message is the text that the function reported, or Lambda's text. Lambda's text contains no
	// part of the payload.
	Message string
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// Function is one function with its running processes. It is safe for concurrent use.
type Function struct {
	config Config
	free   chan *environment // idle environments; Invoke replaces a dead one
	closed chan struct{}
	close  sync.Once
	output *sharedWriter
	stats  counters

	closing sync.Mutex
	retired int // number of environments that Close took off the free list

	mu  sync.Mutex
	all map[*environment]bool // every live process, for Close
}

// Start starts the processes and returns when each has asked for its first invocation. As in
// Lambda, each has 10 s for that. If one fails, Start stops them all. Its error says what to do:
// the file is missing or not for this machine, or the process exited (with the last line of its
// standard error) or reported an initialisation error.
func Start(ctx context.Context, c Config) (*Function, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	f := &Function{
		config: c,
		free:   make(chan *environment, c.Environments),
		closed: make(chan struct{}),
		output: &sharedWriter{to: c.Output},
		all:    map[*environment]bool{},
	}
	if err := f.startAll(ctx); err != nil {
		f.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return f, nil
}

// startAll puts one environment per slot on the free list, or nil for a process that did not start.
func (f *Function) startAll(ctx context.Context) error {
	errs := make([]error, f.config.Environments)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			env, err := f.start(ctx)
			errs[i] = err
			f.free <- env
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err // all run the same program, so the first error is enough
		}
	}
	return nil
}

// start returns a running environment, or nil and an error.
func (f *Function) start(ctx context.Context) (*environment, error) {
	env, err := newEnvironment(f)
	if err != nil {
		return nil, err
	}
	err = f.register(env)
	if err == nil {
		err = env.awaitInit(ctx)
	}
	if err != nil {
		f.stop(env)
		return nil, err
	}
	f.stats.started(env.initDuration)
	return env, nil
}

// register adds the environment to those that Close stops. After Close it returns ErrClosed.
func (f *Function) register(env *environment) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all[env] = true
	select {
	case <-f.closed:
		return ErrClosed
	default:
		return nil
	}
}

func (f *Function) stop(env *environment) {
	env.stop()
	f.mu.Lock()
	delete(f.all, env)
	f.mu.Unlock()
}

// Invoke sends the payload to an idle environment and returns the function's response. If all are
// busy, it waits.
//
// The error is a *FunctionError if the function failed. After a timeout or a crash the next
// invocation starts a new process. The error is ErrClosed after Close. If ctx ends, it is ctx's
// error; an invocation in progress is then aborted by killing its process, because the Runtime API
// has no other way. Invoke does not use the payload after it has returned.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	select {
	case <-f.closed:
		return nil, ErrClosed
	default:
	}
	select {
	case env := <-f.free:
		answer, env, err := f.invokeOn(ctx, env, payload)
		f.free <- env
		return answer, err
	case <-f.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// invokeOn also returns the environment that the slot holds from now on. It is a new one if the old
// one was dead.
func (f *Function) invokeOn(ctx context.Context, env *environment, payload []byte) ([]byte, *environment, error) {
	for {
		if env == nil || !env.alive() {
			var err error
			if env, err = f.restart(ctx, env); err != nil {
				if ctx.Err() == nil {
					f.account(err)
				}
				return nil, env, err
			}
		}
		answer, err := env.invoke(ctx, payload)
		if errors.Is(err, errNotTaken) {
			env.kill()
			continue
		}
		f.account(err)
		return answer, env, err
	}
}

// restart replaces a dead environment. If the new one does not start, the invocation fails with a
// *FunctionError, as in Lambda.
func (f *Function) restart(ctx context.Context, dead *environment) (*environment, error) {
	if dead != nil {
		f.stop(dead)
	}
	f.stats.restarts.Add(1)
	env, err := f.start(ctx)
	if err == nil || ctx.Err() != nil {
		return env, err
	}
	var failed *FunctionError
	if !errors.As(err, &failed) {
		failed = &FunctionError{Type: "Runtime.ExitError", Message: err.Error()}
	}
	return nil, failed
}

// Close waits for the invocations in progress and then ends the processes. A process that
// registered an extension, as lambda.WithEnableSIGTERM does, gets SIGTERM and 500 ms before
// SIGKILL. If ctx ends while Close waits, the invocations in progress fail, and Close returns ctx's
// error. Close may be called again.
func (f *Function) Close(ctx context.Context) error {
	f.close.Do(func() { close(f.closed) })
	err := f.awaitIdle(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	var wg sync.WaitGroup
	for env := range f.all {
		wg.Go(env.stop)
	}
	wg.Wait()
	clear(f.all)
	return err
}

// awaitIdle takes every environment off the free list: it returns when no invocation is in
// progress.
func (f *Function) awaitIdle(ctx context.Context) error {
	f.closing.Lock()
	defer f.closing.Unlock()
	for ; f.retired < f.config.Environments; f.retired++ {
		select {
		case <-f.free:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
