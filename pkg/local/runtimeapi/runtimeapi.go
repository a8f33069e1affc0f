// Package runtimeapi runs a Lambda function on this machine as Lambda runs it: it starts the very `bootstrap` that is
// deployed and feeds it through the Lambda Runtime API.
//
// It exists because most of what goes wrong in a function goes wrong around the handler: the start, the environment
// variables, the deadline, a crash, a response that is too large. A handler called in-process, or a container image made
// for one call at a time, shows none of these. Here every execution environment is one operating-system process with an
// API endpoint of its own; it is killed on a timeout and replaced after a crash, and it handles one invocation at a time.
//
// The rules are those of https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html. Two things differ on purpose. The working
// directory stays the caller's and is not /var/task, so a relative path in Config.Env means what it means to the caller.
// And nothing is frozen between invocations.
package runtimeapi

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	initTimeout   = 10 * time.Second
	shutdownGrace = 500 * time.Millisecond // what Lambda gives a runtime with a registered internal extension

	// responseLimit is Lambda's for a synchronous response: 6 MB and a little.
	responseLimit = 6_291_556
)

// ErrClosed is returned by Invoke once Close was called.
var ErrClosed = errors.New("the function is closed")

// FunctionError is an invocation that the function failed: it returned an error, panicked, exited or took too long.
type FunctionError struct {
	// Type is the error's type as the function gave it (for Go the error's type name), or one of Lambda's own:
	// Sandbox.Timedout, Runtime.ExitError, Function.ResponseSizeTooLarge.
	Type string

	// Message is the function's own text, or Lambda's, which holds no part of the payload.
	Message string
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// Function is a set of running processes of one function. It is safe for concurrent use.
type Function struct {
	config Config
	free   chan *environment // environments without an invocation; dead ones are replaced when taken
	closed chan struct{}
	close  sync.Once
	output *sharedWriter
	stats  counters

	closing sync.Mutex
	retired int // environments that Close took off the free list

	mu  sync.Mutex
	all map[*environment]bool // every live process, for Close
}

// Start starts the processes and returns when each has asked for its first invocation, within the 10 s that Lambda gives.
// Otherwise it stops them all and returns an error that says what to do: the file is missing, it is not for this machine,
// it exited (with the last line of its standard error), it reported an initialisation error.
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

// startAll puts one environment per slot on the free list; the slot is there even when its process did not start.
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
			return err // they all run the same program: the first reason is the reason
		}
	}
	return nil
}

// start returns a running environment, or nil and the reason.
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

// register makes the environment one that Close stops. After Close there are none.
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

// Invoke hands the payload to a free environment, waiting for one if need be, and returns what the function answered.
//
// The error is a *FunctionError if the function failed; after a timeout or a crash the process is replaced before the next
// invocation of its environment. It is ErrClosed after Close, and the context's when that ends: an invocation in progress is
// then given up by killing its process, since Lambda knows no other way. The payload is not used after Invoke returns.
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

// invokeOn returns the environment that the slot now holds, which is another one if the first was found dead.
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

// restart replaces a dead environment. That the new one does not start is the invocation's failure, as in Lambda.
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

// Close ends the processes: SIGTERM and 500 ms for those that registered an extension, as lambda.WithEnableSIGTERM does,
// then SIGKILL. It waits for invocations in progress unless the context ends first; then these fail. It returns the context's
// error in that case, and may be called again.
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

// awaitIdle takes every environment off the free list, so that none has an invocation.
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
