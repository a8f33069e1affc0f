// Package localpg starts a Postgres server on this machine, temporary or kept in a folder. `sqs2pg
// run` keeps its database in such a server, and the tests run against one instead of a mock.
//
// The server listens on 127.0.0.1 only, on a free port. It asks for a password, which is generated
// once for each data directory. Postgres refuses to run as root. Where we are root, as in a
// container, the server therefore runs as the user postgres, or nobody, and keeps its data under
// /var/tmp, where that user can reach them.
//
// The package uses the newest Postgres installed on the machine. If there is no Postgres,
// github.com/fergusstrange/embedded-postgres downloads one, once. The package does not depend on a
// driver: it returns a URL.
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
	// ErrRunning means that a server is already running in Options.Dir. The error's text names its
	// process id.
	ErrRunning = errors.New("a server is already running there")
	// ErrVersion means that the data in Options.Dir were made by a major version of Postgres that
	// is not installed on this machine.
	ErrVersion = errors.New("made by another major version of Postgres")
	// ErrStart means that the server did not start. The error's text ends with the last lines of
	// the server's log.
	ErrStart = errors.New("local Postgres did not start")
)

// Options say where a server keeps its files and its log.
type Options struct {
	// Dir is the folder that keeps the data from one start to the next. Start makes it if it is
	// missing. If we are root, the data are under /var/tmp instead, in a folder whose name is
	// derived from Dir. Empty means a temporary server, whose data are not durable and which Stop
	// removes.
	Dir string
	// Durable makes a temporary server flush each commit to the disk before it answers, as a kept
	// server does. Benchmarks set it.
	Durable bool
	// Download makes Start use the Postgres that it downloads, even if another one is installed.
	Download bool
	// Log receives the server's log; nil discards it. Only one goroutine writes to it at a time.
	Log io.Writer
	// Settings of Postgres, such as "log_error_verbosity=terse", besides those that Start makes.
	Settings []string
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

// Start starts a server and returns when it accepts connections. Its errors wrap ErrRunning,
// ErrVersion or ErrStart where these apply. ctx limits only the start; end the server with Stop. On
// Linux the server also shuts down in good order when this process ends without calling Stop.
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
	home.download, home.settings = o.Download, o.Settings
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

// URL returns a connection string for a database of this server, as the superuser postgres. The
// database "postgres" always exists. The string contains the password.
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

// Stop ends the server, even if clients are connected, and removes a temporary server's folder. It
// takes 15 s at most. Calling it again is safe and returns the result of the first call.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		// Postgres calls these two shutdowns "fast" and "immediate"; SIGKILL is the last resort.
		signals := []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL}
		if s.home.temporary {
			signals = signals[1:]
		}
		s.stopErr = errors.Join(s.process.end(5*time.Second, signals...), s.home.close())
	})
	return s.stopErr
}

// Ended is closed when the server has ended, whoever ended it.
func (s *Server) Ended() <-chan struct{} { return s.process.done }

// Crash ends the server at once, without a checkpoint, as if the machine had failed. The next Start
// with the same Dir recovers the data from the write-ahead log. It takes 10 s at most. Stop need
// not be called after it.
func (s *Server) Crash() error {
	s.stop.Do(func() {
		s.stopErr = errors.Join(s.process.end(5*time.Second, syscall.SIGQUIT, syscall.SIGKILL), s.home.close())
	})
	return s.stopErr
}

// Dir returns the folder of the server's files. It is Options.Dir, except for a temporary server
// and where we are root.
func (s *Server) Dir() string { return filepath.Clean(s.home.path) }
