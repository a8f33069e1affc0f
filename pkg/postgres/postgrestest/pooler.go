package postgrestest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// Pooler is a pgbouncer in transaction mode with default settings, so that each transaction may get
// another server process.
type Pooler struct {
	Address string // host:port
	dir     string
	cmd     *exec.Cmd
	input   io.Closer // the process ends when it is closed
}

// PoolerURL returns the writer's URL through a pooler, which all tests share.
func (db *Database) PoolerURL(tb testing.TB) string {
	tb.Helper()
	address, err := shared.poolerAddress()
	if err != nil {
		tb.Fatal("pgbouncer: ", err)
	}
	u, err := url.Parse(db.URL)
	if err != nil {
		tb.Fatal(err)
	}
	u.Host = address
	return u.String()
}

// poolerAddress returns the pooler's address. The first call starts it.
func (s *server) poolerAddress() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pooler == nil {
		base, err := url.Parse(s.base)
		if err != nil {
			return "", err
		}
		if s.pooler, err = StartPooler(base.Host, s.role, s.password); err != nil {
			return "", err
		}
	}
	return s.pooler.Address, nil
}

// StartPooler starts a pooler in front of the server at host:port, for one user.
func StartPooler(server, user, password string) (*Pooler, error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program = "/usr/sbin/pgbouncer"; !exists(program) {
			return nil, fmt.Errorf("%w: install it, on Debian by apt-get install pgbouncer", err)
		}
	}
	p := &Pooler{}
	if p.dir, err = os.MkdirTemp("", "sqs2pg-pgbouncer-"); err != nil {
		return nil, err
	}
	if err := p.configure(server, user, password); err != nil {
		return nil, err
	}
	// The shell ends pgbouncer when its own input is closed, which also happens if this process
	// dies.
	p.cmd = exec.Command("sh", "-c", `"$0" "$1" & cat >/dev/null; kill $!; wait`, program, filepath.Join(p.dir, "pgbouncer.ini"))
	input, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	log, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	p.input = input
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, waitUntilUp(log)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// configure writes the settings that pgbouncer cannot do without, and nothing else.
func (p *Pooler) configure(server, name, password string) error {
	host, serverPort, err := net.SplitHostPort(server)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.Address = listener.Addr().String()
	_, port, _ := net.SplitHostPort(p.Address)
	settings := fmt.Sprintf("[databases]\n* = host=%s port=%s\n[pgbouncer]\npool_mode = transaction\nlisten_addr = 127.0.0.1\nlisten_port = %s\n"+
		"unix_socket_dir =\nauth_file = %s\n", host, serverPort, port, filepath.Join(p.dir, "users"))
	if os.Geteuid() == 0 { // as root it refuses to run
		account, err := user.Lookup("nobody")
		if err != nil {
			return err
		}
		settings += "user = " + account.Username + "\n"
	}
	return errors.Join(
		listener.Close(), // pgbouncer takes the port
		os.Chmod(p.dir, 0o755),
		os.WriteFile(filepath.Join(p.dir, "pgbouncer.ini"), []byte(settings), 0o644),
		os.WriteFile(filepath.Join(p.dir, "users"), fmt.Appendf(nil, "%q %q\n", name, password), 0o644),
	)
}

// waitUntilUp reads pgbouncer's log until it says that it accepts connections.
func waitUntilUp(log io.Reader) error {
	var text strings.Builder
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "process up") {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return nil
		}
		text.WriteString(lines.Text() + "\n")
	}
	return fmt.Errorf("it did not start:\n%s", text.String())
}

// Stop ends it and cuts its connections.
func (p *Pooler) Stop() {
	_ = p.input.Close()
	_ = p.cmd.Wait()
	_ = os.RemoveAll(p.dir)
}
