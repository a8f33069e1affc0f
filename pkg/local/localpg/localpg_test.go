package localpg_test

import (
	"bufio"
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"sqs2pg/pkg/local/localpg"
)

// TestMain is also the program that one test kills: with LOCALPG_TEST_CHILD it starts a server in
// that folder, prints its URL and folder, and waits.
func TestMain(m *testing.M) {
	if dir, ok := os.LookupEnv("LOCALPG_TEST_CHILD"); ok {
		s, err := localpg.Start(context.Background(), localpg.Options{Dir: dir})
		if err != nil {
			os.Stdout.WriteString("error " + err.Error() + "\n")
			os.Exit(1)
		}
		os.Stdout.WriteString(s.URL("postgres") + "\n" + s.Dir() + "\n")
		select {}
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, dir string) *localpg.Server {
	t.Helper()
	s, err := localpg.Start(t.Context(), localpg.Options{Dir: dir, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	dataDirs.Store(dir, s.Dir())
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// stopped starts a kept server, stops it, and returns its Options.Dir and the folder of its files.
func stopped(t *testing.T) (dir, files string) {
	t.Helper()
	dir = keptDir(t)
	s := start(t, dir)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	return dir, s.Dir()
}

// query runs a query and returns its only value. The text may have another statement before the
// query, separated by a semicolon.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if before, last, several := strings.Cut(sql, ";"); several {
		if _, err := conn.Exec(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		sql = last
	}
	rows, err := conn.Query(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	value, err := pgx.CollectOneRow(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// keptDir returns a folder for a kept server. The cleanup also removes the data, which are
// elsewhere if we are root; dataDirs says where.
func keptDir(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "postgres")
	t.Cleanup(func() {
		if data, ok := dataDirs.Load(dir); ok {
			os.RemoveAll(data.(string))
		}
	})
	return dir
}

var dataDirs sync.Map // Options.Dir -> Server.Dir

func TestStopRemovesTemporaryServer(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	if got := query(t, s.URL("postgres"), "select current_user || ' ' || current_setting('fsync')"); got != "postgres off" {
		t.Errorf("got %q", got)
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(s.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there", s.Dir())
	}
}

func TestAcceptsOnlyLocalConnectionsWithThePassword(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	u, err := url.Parse(s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if host := u.Hostname(); host != "127.0.0.1" {
		t.Errorf("host %s", host)
	}
	if got := query(t, s.URL("postgres"), "select current_setting('listen_addresses') || ' ' || current_setting('unix_socket_directories')"); got != "127.0.0.1 " {
		t.Errorf("the server listens on %q", got)
	}
	u.User = url.UserPassword("postgres", "wrong")
	if conn, err := pgx.Connect(t.Context(), u.String()); err == nil {
		conn.Close(t.Context())
		t.Error("the server accepts a wrong password")
	}
	info, err := os.Stat(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the mode of the server's folder is %v, want 0700", info.Mode().Perm())
	}
}

func TestRunsSeveralServersAtOnce(t *testing.T) {
	t.Parallel()
	for range 3 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			query(t, start(t, "").URL("postgres"), "select 'x'")
		})
	}
}

func TestKeptServerKeepsDataAndPassword(t *testing.T) {
	t.Parallel()
	dir := keptDir(t)
	if localpg.Kept(dir) {
		t.Error("before the first start there is a server")
	}
	first := start(t, dir)
	query(t, first.URL("postgres"), "create table kept as select 1; select 'made'")
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second := start(t, dir)
	if got := query(t, second.URL("postgres"), "select count(*)::text || current_setting('fsync') from kept"); got != "1on" {
		t.Errorf("got %q, want one row, and fsync on", got)
	}
	a, _ := url.Parse(first.URL(""))
	b, _ := url.Parse(second.URL(""))
	if a.User.String() != b.User.String() {
		t.Error("the password changed")
	}
	if !localpg.Kept(dir) {
		t.Error("after it there is none")
	}
}

func TestRefusesSecondServerInOneFolderAndNamesItsProcess(t *testing.T) {
	t.Parallel()
	dir := keptDir(t)
	s := start(t, dir)
	_, err := localpg.Start(t.Context(), localpg.Options{Dir: dir})
	if !errors.Is(err, localpg.ErrRunning) || !strings.Contains(err.Error(), "process "+strconv.Itoa(postmaster(t, s.Dir()))) {
		t.Errorf("got %v", err)
	}
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "cluster", "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestKilledServerStartsAgain(t *testing.T) {
	t.Parallel()
	dir := keptDir(t)
	s := start(t, dir)
	query(t, s.URL("postgres"), "create table kept as select 1; select 'made'")
	if err := syscall.Kill(postmaster(t, s.Dir()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.Dir(), "cluster", "data", "postmaster.pid")); err != nil {
		t.Fatal("the killed server left no postmaster.pid, so this test would show nothing")
	}
	if got := query(t, start(t, dir).URL("postgres"), "select count(*)::text from kept"); got != "1" {
		t.Errorf("%s rows", got)
	}
}

func TestRepeatsInterruptedInitialisation(t *testing.T) {
	t.Parallel()
	dir := keptDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := localpg.Start(ctx, localpg.Options{Dir: dir}); err == nil {
		t.Fatal("the server started although the context had ended")
	}
	s := start(t, dir)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.Dir(), "cluster"), filepath.Join(s.Dir(), "cluster.new")); err != nil {
		t.Fatal(err)
	}
	query(t, start(t, dir).URL("postgres"), "select 'x'")
}

func TestRefusesDataOfAnotherMajorVersion(t *testing.T) {
	t.Parallel()
	dir, files := stopped(t)
	if err := os.WriteFile(filepath.Join(files, "cluster", "data", "PG_VERSION"), []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Start(t.Context(), localpg.Options{Dir: dir})
	if !errors.Is(err, localpg.ErrVersion) || !strings.Contains(err.Error(), "needs Postgres 12") {
		t.Errorf("got %v", err)
	}
}

func TestFailedStartShowsTheServersLog(t *testing.T) {
	t.Parallel()
	dir, files := stopped(t)
	if err := os.WriteFile(filepath.Join(files, "cluster", "data", "postgresql.conf"), []byte("nonsense = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Start(t.Context(), localpg.Options{Dir: dir})
	if !errors.Is(err, localpg.ErrStart) || !strings.Contains(err.Error(), `unrecognized configuration parameter "nonsense"`) {
		t.Errorf("got %v", err)
	}
}

// A server must end when the process that started it is killed, and a kept server must start again
// after that.
func TestServerEndsWithTheProcessThatStartedIt(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a parent-death signal")
	}
	t.Parallel()
	dir := keptDir(t)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "LOCALPG_TEST_CHILD="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	u, err := url.Parse(lines.Text())
	if err != nil || u.Host == "" {
		t.Fatal(lines.Text())
	}
	lines.Scan()
	dataDirs.Store(dir, lines.Text())
	conn, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := conn.WaitForNotification(ctx); err == nil || ctx.Err() != nil {
		t.Fatalf("the server is still running: %v", err)
	}
	query(t, start(t, dir).URL("postgres"), "select 'x'")
}
