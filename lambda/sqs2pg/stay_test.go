package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/postgres/postgrestest"
)

// announcement is a standard error. It gives what was written up to a line that holds the text at.
type announcement struct {
	at   string
	came chan string

	mu   sync.Mutex
	text bytes.Buffer
}

func (a *announcement) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := strings.Contains(a.text.String(), a.at)
	a.text.Write(p)
	if !before && strings.Contains(a.text.String(), a.at) {
		a.came <- a.text.String()
	}
	return len(p), nil
}

// TestStayingRunLoadsWhatItsCommandsSend pastes the commands that run --stay prints.
func TestStayingRunLoadsWhatItsCommandsSend(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	ctx, stop := context.WithCancel(t.Context())
	talk := &announcement{at: "The queue is http", came: make(chan string, 1)}
	exit := make(chan int)
	go func() {
		exit <- execute(ctx, []string{"run", "--stay", "--function", bootstrap, "--database-url", db.OwnerURL},
			&streams{In: strings.NewReader(""), Out: io.Discard, Err: talk, Dir: folder(t)})
	}()
	defer func() {
		stop()
		if code := <-exit; code != 0 {
			t.Errorf("exits with %d after Ctrl-C: %s", code, &talk.text)
		}
		if !strings.Contains(talk.text.String(), "\nstopped: 99 written, 0 duplicates, ") {
			t.Errorf("does not say what is where after Ctrl-C: %s", &talk.text)
		}
	}()
	var said string
	select {
	case said = <-talk.came:
	case code := <-exit:
		go func() { exit <- code }()
		t.Fatalf("exits with %d and does not stay: %s", code, &talk.text)
	}
	if !strings.Contains(said, "psql '"+db.OwnerURL+"'\n") {
		t.Errorf("does not say how to look into the database:\n%s", said)
	}
	var commands [][]string
	for line := range strings.Lines(said) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == os.Args[0] {
			commands = append(commands, strings.Fields(strings.ReplaceAll(line, "'", ""))[1:])
		}
	}
	if len(commands) != 4 {
		t.Fatalf("%d commands, want 4:\n%s", len(commands), said)
	}
	succeed(t, commands[0]...) // send
	for end := time.Now().Add(30 * time.Second); !slices.Equal(db.QueryStrings(t, "select count(*) from user_logins"), []string{"198"}); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s rows, want 198", db.QueryStrings(t, "select count(*) from user_logins"))
		}
	}
	if out := succeed(t, commands[1]...); !strings.Contains(out, "invalid: user_id required") { // dlq list
		t.Errorf("dead letters:\n%s", out)
	}
	if out := succeed(t, commands[2]...); !strings.Contains(out, "would redrive 0 messages") { // dlq redrive --dry-run
		t.Errorf("redrive:\n%s", out)
	}
	if out := succeed(t, commands[3]...); strings.Count(out, "yes") != 2 { // vault reveal, of two fields
		t.Errorf("revealed:\n%s", out)
	}
}

// TestStayingRunSaysThatItsPostgresHasEnded kills the Postgres that run has started. Its log stays, and
// has no personal value.
func TestStayingRunSaysThatItsPostgresHasEnded(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	talk := &announcement{at: "The queue is http", came: make(chan string, 1)}
	exit := make(chan int, 1)
	go func() {
		exit <- execute(t.Context(), []string{"run", "--stay", "--messages", "1", "--function", bootstrap},
			&streams{In: strings.NewReader(""), Out: io.Discard, Err: talk, Dir: dir})
	}()
	select {
	case said := <-talk.came:
		data := regexp.MustCompile("started, data in (.*)").FindStringSubmatch(said)[1]
		t.Cleanup(func() { os.RemoveAll(data) })
		owner := postgrestest.Open(t, regexp.MustCompile("psql '(.*)'").FindStringSubmatch(said)[1])
		if _, err := owner.Pgx().Exec(t.Context(), "insert into user_logins (user_id) values ('personal value')"); err == nil {
			t.Error("a row without its time was written")
		}
		kill(t, filepath.Join(data, "cluster", "data", "postmaster.pid"))
	case code := <-exit:
		t.Fatalf("exits with %d and does not stay: %s", code, &talk.text)
	}
	log := filepath.Join(dir, home.Dir, "postgres.log")
	code, want := <-exit, "\nsqs2pg: the local Postgres has ended by itself: see its log, "+log+", and start again; the rows are kept\n"
	if code != 1 || !strings.HasSuffix(talk.text.String(), want) {
		t.Errorf("exits with %d and says %s, want 1 and %s", code, &talk.text, want)
	}
	text, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(text), "ERROR:  ") || strings.Contains(string(text), "personal value") {
		t.Errorf("the log is %q, %v, want errors without rows and statements", text, err)
	}
}

// kill kills the process whose id is in the first line of a file.
func kill(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
