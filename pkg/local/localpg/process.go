package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// process is a running postmaster.
type process struct {
	cmd  *exec.Cmd
	log  *serverLog
	done chan struct{} // closed when the process has ended
}

// launch starts the server on a free port. It retries, four times at most, if another process took
// the port in between, or if children of a killed server still hold its shared memory.
func launch(ctx context.Context, h home, b binaries, log io.Writer) (*process, int, error) {
	for attempt := 1; ; attempt++ {
		port, err := freePort()
		if err != nil {
			return nil, 0, err
		}
		p, err := run(ctx, h, b, port, log)
		if err == nil {
			return p, port, nil
		}
		transient := strings.Contains(err.Error(), "could not bind") || strings.Contains(err.Error(), "is still in use")
		if !transient || attempt == 5 {
			return nil, 0, err
		}
		select {
		case <-ctx.Done():
			return nil, 0, err
		case <-time.After(time.Duration(attempt) * 100 * time.Millisecond):
		}
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// settings are the server's command-line settings. They allow the many connections of tests and
// benchmarks, and override the machine's own configuration. The log goes to stderr in English,
// because serverLog looks there for the line that says that the server is ready.
func settings(h home, port int) []string {
	list := []string{
		"listen_addresses=127.0.0.1", fmt.Sprintf("port=%d", port), "unix_socket_directories=",
		"max_connections=200", "shared_buffers=256MB", "max_wal_size=4GB", "timezone=UTC",
		"lc_messages=C", "log_destination=stderr", "logging_collector=off",
	}
	if !h.durable {
		list = append(list, "fsync=off", "full_page_writes=off", "synchronous_commit=off")
	}
	return append(list, h.settings...)
}

// run starts the server and returns when it accepts connections, when it has ended, or when ctx
// ends.
func run(ctx context.Context, h home, b binaries, port int, log io.Writer) (*process, error) {
	args := []string{"-D", h.data()}
	for _, setting := range settings(h, port) {
		args = append(args, "-c", setting)
	}
	p := &process{log: newServerLog(log), done: make(chan struct{})}
	p.cmd = b.command(context.WithoutCancel(ctx), "postgres", args...)
	dieWithParent(p.cmd.SysProcAttr)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.WaitDelay = p.log, p.log, time.Second
	if err := p.start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	select {
	case <-p.log.ready:
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("%w; its log ends:\n%s", ErrStart, p.log.tail())
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("%w: %w; its log ends:\n%s", ErrStart, context.Cause(ctx), p.log.tail()), p.end(time.Second, os.Kill))
	}
}

// start starts the server from a thread that lives as long as the server: Linux sends the
// parent-death signal when the starting thread ends.
func (p *process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // the server's log says how it ended
			close(p.done)
		}
	}()
	return <-started
}

// end sends the signals one after the other, and waits after each, until the server has ended.
func (p *process) end(wait time.Duration, signals ...os.Signal) error {
	for _, s := range signals {
		if err := p.cmd.Process.Signal(s); errors.Is(err, os.ErrProcessDone) {
			<-p.done
			return nil
		}
		select {
		case <-p.done:
			return nil
		case <-time.After(wait):
		}
	}
	return fmt.Errorf("local Postgres does not end: kill process %d", p.cmd.Process.Pid)
}

// serverLog passes the log on, keeps its last 4 KiB, and recognises that the server is ready.
type serverLog struct {
	ready chan struct{} // closed when the server accepts connections

	mu   sync.Mutex
	to   io.Writer
	kept []byte
	once sync.Once
}

func newServerLog(to io.Writer) *serverLog {
	if to == nil {
		to = io.Discard
	}
	return &serverLog{ready: make(chan struct{}), to: to}
}

// Write never fails: a broken log destination must not stop Postgres.
func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.to.Write(p)
	l.kept = append(l.kept, p...)
	if bytes.Contains(l.kept, []byte("ready to accept connections")) {
		l.once.Do(func() { close(l.ready) })
	}
	if over := len(l.kept) - 4096; over > 0 {
		l.kept = append(l.kept[:0], l.kept[over:]...)
	}
	return len(p), nil
}

func (l *serverLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return lastLines(string(l.kept))
}

// lastLines returns the last ten lines of text: enough to see the problem.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
