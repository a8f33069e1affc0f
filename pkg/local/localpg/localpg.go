// Package localpg starts a Postgres of our own, so that one command works on a machine where none is running:
// `sqs2pg run` keeps its database with it, and every test process has a real server instead of a mock.
//
// The server listens on 127.0.0.1 only, on a free port, and asks for a password that is made anew for each data
// directory. It works as root too, as in a container: Postgres refuses to run as root, so it is then started as the
// user postgres, or nobody, with its data under /var/tmp where that user can reach it.
//
// The binaries are those of the machine, the newest found; without any, github.com/fergusstrange/embedded-postgres
// downloads them once. The package knows nothing of any driver: it hands out a URL.
package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

var (
	// ErrRunning means that the kept directory already has a running server; the text names its process id.
	ErrRunning = errors.New("a server is already running there")
	// ErrVersion means that the kept directory was made by another major version than any found on this machine.
	ErrVersion = errors.New("made by another major version of Postgres")
	// ErrStart means that the server did not come up; the text ends with the last lines of its log.
	ErrStart = errors.New("local Postgres did not start")
)

// Options say where a server keeps its files.
type Options struct {
	// Dir is kept from one start to the next, with the data, and is made if it is missing. As root the data are not in
	// it but under /var/tmp, in a folder whose name follows from Dir.
	// Empty means a temporary server: not durable, and removed by Stop.
	Dir string
	// Durable makes a temporary server write as a kept one does, to the disk before it answers: for measurements.
	Durable bool
	// Log receives the server's log; nil discards it. It is written to from one goroutine at a time.
	Log io.Writer
}

// Server is a running Postgres. Its methods are safe for concurrent use.
type Server struct {
	home    home
	process *process
	port    int
	pass    string
	stop    sync.Once
	stopErr error
}

// Start returns a server that accepts connections, or an error that ends with the tail of the server's log.
// ctx limits the start alone, not the life of the server: call Stop. On Linux the server also ends, in good order, when
// this process ends without having called it.
func Start(ctx context.Context, o Options) (*Server, error) {
	account, err := serverAccount()
	if err != nil {
		return nil, err
	}
	home, err := openHome(o.Dir, account)
	if err != nil {
		return nil, err
	}
	home.durable = !home.temporary || o.Durable
	s, err := startAt(ctx, home, o.Log)
	if err != nil {
		return nil, errors.Join(err, home.close())
	}
	return s, nil
}

func startAt(ctx context.Context, h home, log io.Writer) (*Server, error) {
	binaries, err := findBinaries(ctx, h)
	if err != nil {
		return nil, err
	}
	if err := h.refuseRunning(ctx); err != nil {
		return nil, err
	}
	if err := h.initialise(ctx, binaries); err != nil {
		return nil, err
	}
	pass, err := os.ReadFile(h.passwordFile())
	if err != nil {
		return nil, fmt.Errorf("password of the local Postgres: %w", err)
	}
	s := &Server{home: h, pass: string(pass)}
	s.process, s.port, err = launch(ctx, h, binaries, log)
	return s, err
}

// URL is the connection string of the superuser postgres for a database of this server, "postgres" being there from the
// start. It holds the password.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, s.pass),
		Host:     "127.0.0.1:" + strconv.Itoa(s.port),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Stop ends the server, whoever is connected, and removes a temporary one. It takes 10 s at most. A second call returns
// what the first did.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		signals := []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} // fast, immediate, at any price
		if s.home.temporary {
			signals = signals[1:]
		}
		s.stopErr = errors.Join(s.process.end(5*time.Second, signals...), s.home.close())
	})
	return s.stopErr
}

// Crash ends the server as a failure of its machine would look to clients: at once, without a word to them and without a
// checkpoint, so that the next Start on the same Dir begins with a recovery from the log. Stop need not be called after it.
func (s *Server) Crash() error {
	s.stop.Do(func() {
		s.stopErr = errors.Join(s.process.end(5*time.Second, syscall.SIGQUIT, syscall.SIGKILL), s.home.close())
	})
	return s.stopErr
}

// Dir is where the server's files are: Options.Dir itself, except as root and for a temporary server.
func (s *Server) Dir() string { return filepath.Clean(s.home.path) }
