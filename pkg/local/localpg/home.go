package localpg

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const superuser = "postgres"

// home is the folder of a server: cluster/data, cluster/password and a lock file.
type home struct {
	path      string
	temporary bool
	durable   bool // the server flushes each commit to the disk
	download  bool // the server is the downloaded one
	settings  []string
	account   *account
	lock      *os.File
}

func (h home) cluster() string      { return filepath.Join(h.path, "cluster") }
func (h home) data() string         { return filepath.Join(h.cluster(), "data") }
func (h home) passwordFile() string { return filepath.Join(h.cluster(), "password") }

// openHome makes the folder if it is missing, checks its owner, and locks it against a second
// server.
func openHome(dir string, a *account) (home, error) {
	h := home{temporary: dir == "", account: a}
	var err error
	if h.path, err = makeHome(dir, a); err != nil {
		return h, fmt.Errorf("folder for the local Postgres: %w", err)
	}
	if mine, err := a.owns(h.path); err != nil || !mine {
		return h, errors.Join(err, fmt.Errorf("%s does not belong to the user that Postgres runs as: remove it", h.path))
	}
	if h.lock, err = os.OpenFile(filepath.Join(h.path, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return h, fmt.Errorf("folder for the local Postgres: %w", err)
	}
	if err := syscall.Flock(int(h.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = h.lock.Close()
		return h, fmt.Errorf("%w: %s, %s", ErrRunning, h.path, h.describePID())
	}
	return h, nil
}

// Kept reports whether a server that Start has started with this Dir has left its data.
func Kept(dir string) bool {
	a, err := serverAccount()
	if err != nil {
		return false
	}
	path, err := place(dir, a)
	if err != nil {
		return false
	}
	_, err = os.Stat(home{path: path}.cluster())
	return err == nil
}

// place is where the files of a folder are.
func place(dir string, a *account) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil || a == nil {
		return dir, err
	}
	sum := sha256.Sum256([]byte(dir))
	return "/var/tmp/sqs2pg-" + hex.EncodeToString(sum[:4]), nil
}

func makeHome(dir string, a *account) (string, error) {
	switch {
	case dir == "" && a == nil:
		return os.MkdirTemp("", "sqs2pg-")
	case dir == "":
		path, err := os.MkdirTemp("/var/tmp", "sqs2pg-tmp-")
		return path, errors.Join(err, a.own(path))
	}
	path, err := place(dir, a)
	if err != nil {
		return "", err
	}
	if a == nil {
		return path, os.MkdirAll(path, 0o700)
	}
	if err := os.Mkdir(path, 0o700); errors.Is(err, fs.ErrExist) {
		return path, nil
	} else if err != nil {
		return "", err
	}
	return path, a.own(path)
}

// close releases the lock, and removes a temporary folder. A program that this process is starting
// right now has the lock's descriptor, too, for a moment: so closing it alone would not release it.
func (h home) close() error {
	err := errors.Join(syscall.Flock(int(h.lock.Fd()), syscall.LOCK_UN), h.lock.Close())
	if h.temporary {
		err = errors.Join(err, os.RemoveAll(h.path))
	}
	return err
}

// version returns the major version that made the data; "" if there are no data yet.
func (h home) version() (string, error) {
	text, err := os.ReadFile(filepath.Join(h.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

// initialise makes the cluster if it does not exist. It makes it under another name and renames it
// when it is complete, so an interrupted initialisation is never mistaken for a cluster. The caller
// holds the lock.
func (h home) initialise(ctx context.Context, b binaries) error {
	if version, err := h.version(); err != nil || version != "" {
		return err
	}
	work := filepath.Join(h.path, "cluster.new")
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	if err := os.Mkdir(work, 0o700); err != nil {
		return err
	}
	password := filepath.Join(work, "password")
	if err := os.WriteFile(password, []byte(rand.Text()), 0o600); err != nil {
		return err
	}
	if err := errors.Join(h.account.own(work), h.account.own(password)); err != nil {
		return err
	}
	cmd := b.command(ctx, "initdb", "--pgdata="+filepath.Join(work, "data"), "--pwfile="+password, "--username="+superuser,
		"--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: initdb: %w\n%s", ErrStart, err, lastLines(string(out)))
	}
	return os.Rename(work, h.cluster())
}

// refuseRunning returns ErrRunning if a server runs in the folder: it may have outlived the process
// that started it. It waits for a server that is stopping. It ignores the postmaster.pid of a
// killed server: Postgres replaces that file.
func (h home) refuseRunning(ctx context.Context) error {
	for {
		pid, port, status := h.postmaster()
		if pid == 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return nil
		}
		connection, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
		if err != nil {
			return nil
		}
		_ = connection.Close()
		if status != "stopping" {
			return fmt.Errorf("%w: %s, %s", ErrRunning, h.path, h.describePID())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %s, still stopping", ErrRunning, h.path)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (h home) describePID() string {
	pid, _, _ := h.postmaster()
	if pid == 0 {
		return "still starting"
	}
	return fmt.Sprintf("process %d: stop it (kill %d) or use it", pid, pid)
}

// postmaster reads process id, port and status from postmaster.pid. The order of its lines is
// fixed: process id, data directory, start time, port, socket directory, listen address, shared
// memory, status. See https://www.postgresql.org/docs/current/storage-file-layout.html.
func (h home) postmaster() (pid, port int, status string) {
	text, err := os.ReadFile(filepath.Join(h.data(), "postmaster.pid"))
	if err != nil {
		return 0, 0, ""
	}
	lines := append(strings.Split(string(text), "\n"), make([]string, 8)...) // it may be incomplete
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	port, _ = strconv.Atoi(strings.TrimSpace(lines[3]))
	return max(pid, 0), port, strings.TrimSpace(lines[7])
}

// command prepares one of the binaries to run as the account, in a folder that the account may
// enter. It does not pass on our environment, which may hold settings for another server (PGPORT,
// PGDATA).
func (b binaries) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(b.dir, name), args...)
	cmd.SysProcAttr = b.account.attributes()
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	return cmd
}
