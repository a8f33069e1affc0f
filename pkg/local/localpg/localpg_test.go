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

// TestMain is also the program that some tests kill: it starts a server in the folder that it is told, and waits.
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
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// query returns the one value of a query, before which there may be another statement.
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

// keptDir is a folder for a kept server whose data, which as root are elsewhere, are removed with it.
func keptDir(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "postgres")
	t.Cleanup(func() {
		if where := lastDir(dir); where != dir {
			os.RemoveAll(where)
		}
	})
	return dir
}

var dirs sync.Map // Options.Dir -> Server.Dir

func lastDir(dir string) string {
	where, ok := dirs.Load(dir)
	if !ok {
		return dir
	}
	return where.(string)
}

func TestATemporaryServerIsGoneAfterStop(t *testing.T) {
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

func TestItIsReachableWithThePasswordAndFromHereOnly(t *testing.T) {
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
		t.Errorf("it listens on %q", got)
	}
	u.User = url.UserPassword("postgres", "wrong")
	if conn, err := pgx.Connect(t.Context(), u.String()); err == nil {
		conn.Close(t.Context())
		t.Error("it takes any password")
	}
	info, err := os.Stat(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("its folder is %v, want 0700", info.Mode().Perm())
	}
}

func TestServersStandSideBySide(t *testing.T) {
	t.Parallel()
	for range 3 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			query(t, start(t, "").URL("postgres"), "select 'x'")
		})
	}
}

func TestAKeptServerKeepsDataAndPassword(t *testing.T) {
	t.Parallel()
	dir := keptDir(t)
	first := start(t, dir)
	dirs.Store(dir, first.Dir())
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
}

func TestASecondServerInTheSameFolderIsRefusedByName(t *testing.T) {
	t.Parallel()
	dir := keptDir(t)
	s := start(t, dir)
	dirs.Store(dir, s.Dir())
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

func TestAKilledServerStartsAgain(t *testing.T) {
	t.Parallel()
	dir := keptDir(t)
	s := start(t, dir)
	dirs.Store(dir, s.Dir())
	query(t, s.URL("postgres"), "create table kept as select 1; select 'made'")
	if err := syscall.Kill(postmaster(t, s.Dir()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.Dir(), "cluster", "data", "postmaster.pid")); err != nil {
		t.Fatal("no postmaster.pid was left, so this test shows nothing")
	}
	if got := query(t, start(t, dir).URL("postgres"), "select count(*)::text from kept"); got != "1" {
		t.Errorf("%s rows", got)
	}
}

func TestAnInterruptedInitialisationIsDoneAgain(t *testing.T) {
	t.Parallel()
	dir := keptDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := localpg.Start(ctx, localpg.Options{Dir: dir}); err == nil {
		t.Fatal("it started all the same")
	}
	s := start(t, dir)
	dirs.Store(dir, s.Dir())
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.Dir(), "cluster"), filepath.Join(s.Dir(), "cluster.new")); err != nil {
		t.Fatal(err)
	}
	query(t, start(t, dir).URL("postgres"), "select 'x'")
}

func TestDataOfAnotherMajorVersionAreRefused(t *testing.T) {
	t.Parallel()
	dir := keptDir(t)
	s := start(t, dir)
	dirs.Store(dir, s.Dir())
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir(), "cluster", "data", "PG_VERSION"), []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Start(t.Context(), localpg.Options{Dir: dir})
	if !errors.Is(err, localpg.ErrVersion) || !strings.Contains(err.Error(), "needs Postgres 12") {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatCannotStartShowsItsLog(t *testing.T) {
	t.Parallel()
	dir := keptDir(t)
	s := start(t, dir)
	dirs.Store(dir, s.Dir())
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir(), "cluster", "data", "postgresql.conf"), []byte("nonsense = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Start(t.Context(), localpg.Options{Dir: dir})
	if !errors.Is(err, localpg.ErrStart) || !strings.Contains(err.Error(), `unrecognized configuration parameter "nonsense"`) {
		t.Errorf("got %v", err)
	}
}

// A server must not outlive a process that was killed, and a kept one must come up again after it.
func TestItDiesWithTheProcessThatStartedIt(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has such a facility")
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
	said := bufio.NewScanner(out)
	said.Scan()
	u, err := url.Parse(said.Text())
	if err != nil || u.Host == "" {
		t.Fatal(said.Text())
	}
	said.Scan()
	dirs.Store(dir, said.Text())
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
		t.Fatalf("the server lives on: %v", err)
	}
	query(t, start(t, dir).URL("postgres"), "select 'x'")
}
