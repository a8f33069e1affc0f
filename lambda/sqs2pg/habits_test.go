package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/postgres/postgrestest"
)

// habit is a mistake that people make, or a way in which they use a command.
type habit struct {
	name   string
	script string                      // for sh; $SQS is an endpoint, $DB and $OWNER are the URLs of a database
	files  map[string]string           // in the working folder
	set    func(t *testing.T, w world) // makes queues and the like
	db     bool                        // there is a migrated database
	empty  bool                        // there is a database without a table
	env    []string                    // instead of TERM=xterm, LANG=C.UTF-8
	narrow uint16                      // columns instead of 80
	answer string                      // what the person types when await is on the screen; \x03 is Ctrl-C
	await  string
}

// world is what a habit finds.
type world struct {
	dir, sqs string
	db       *postgrestest.Database // nil without one
}

// TestHabits runs each habit in terminals of 80 and 120 columns and in a pipe, and compares what the
// person sees with a file. Every file was read: the answer must say what is wrong and what to do.
func TestHabits(t *testing.T) {
	t.Parallel()
	program := installed(t)
	for i, h := range habits {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			fmt.Fprintf(&got, "%s\n\n$ %s\n", h.name, strings.ReplaceAll(h.script, "\n", "\n$ "))
			columns := cmp.Or(h.narrow, 80)
			first := h.inTerminal(t, program, columns)
			fmt.Fprintf(&got, "\n--- a terminal of %d columns\n%s", columns, first)
			if h.narrow == 0 {
				if wide := h.inTerminal(t, program, 120); wide == first {
					got.WriteString("\n--- a terminal of 120 columns: the same\n")
				} else {
					fmt.Fprintf(&got, "\n--- a terminal of 120 columns\n%s", wide)
				}
			}
			out, errs, code := h.inPipe(t, program)
			if plain := colour.ReplaceAllString(first, ""); plain == errs+out+code || plain == out+errs+code {
				fmt.Fprintf(&got, "\n--- a pipe: the same without colours, %d lines on standard output\n", strings.Count(out, "\n"))
			} else {
				fmt.Fprintf(&got, "\n--- a pipe, standard output\n%s--- a pipe, standard error\n%s%s", out, errs, code)
			}
			golden(t, fmt.Sprintf("habits/%02d-%s.txt", i+1, strings.ReplaceAll(h.name, " ", "-")), got.String())
		})
	}
}

// command returns the habit's script in a world of its own, and what hides the names that change.
func (h *habit) command(t *testing.T, program string) (*exec.Cmd, *strings.Replacer) {
	t.Helper()
	w := world{dir: t.TempDir(), sqs: startSQS(t)}
	if err := os.Mkdir(filepath.Join(w.dir, home.Dir), 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{home.Dir + "/keyring.json": keyring, home.Dir + "/vault.key": postgrestest.VaultKeyFile()}
	for name, text := range h.files {
		files[name] = text
	}
	for name, text := range files {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	// The shell tells the exit code after Ctrl-C, too. Without -echoctl the terminal prints ^C in the
	// middle of a line.
	c := exec.CommandContext(ctx, "sh", "-c", "trap : INT\nstty -echoctl 2>/dev/null\n"+h.script)
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.Dir = w.dir
	c.Env = []string{"HOME=" + w.dir, "PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "SQS=" + w.sqs, "AWS_EC2_METADATA_DISABLED=true"}
	hidden := []string{program, "sqs2pg", w.dir, "DIR", strings.TrimPrefix(w.sqs, "http://127.0.0.1"), ":PORT"}
	switch {
	case h.db:
		w.db = postgrestest.New(t, load(t, "user_logins"))
	case h.empty:
		w.db = postgrestest.New(t)
	}
	if w.db != nil {
		c.Env = append(c.Env, "DB="+w.db.URL, "OWNER="+w.db.OwnerURL)
		address := regexp.MustCompile(`@[^/]*(:\d+)/(\w+)`).FindStringSubmatch(w.db.URL)
		hidden = append(hidden, w.db.URL, "$DB", w.db.OwnerURL, "$OWNER", address[1], ":PGPORT", address[2], "DATABASE")
		c.Env = append(c.Env, "PGPORT_OF_DB="+address[1][1:])
	}
	if h.set != nil {
		h.set(t, w)
	}
	if h.env == nil {
		h.env = []string{"TERM=xterm", "LANG=C.UTF-8"}
	}
	c.Env = append(c.Env, h.env...)
	return c, strings.NewReplacer(hidden...)
}

// colour is what shown makes of a colour.
var colour = regexp.MustCompile(`\\e\[\d*m`)

// changing is what differs from run to run, besides names.
var changing = []struct{ pattern, by string }{
	{`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, "UUID"},
	{`k1:[0-9a-f]{32}`, "k1:TOKEN"},
	{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+Z)?`, "TIME"},
	{`SENT_AT {4,}EVENT_ID`, "SENT_AT  EVENT_ID"}, // a time without a fraction is shorter
	{`127\.0\.0\.1:\d{5}\b`, "127.0.0.1:PORT"},
	{`sqs2pg_test_\w+`, "ROLE"},
	{`[\d,]+/s`, "N/s"},
	{`(?m)^((billed )?seconds|max memory MB)( +)[\d.]+$`, "$1${3}N"},
	{`rate .* seconds .*`, "rate           N/s        database       N          seconds        N"},
	{`p\d{8}`, "pDATE"},
	{`(?m)^(\d+ of \d+ events\n)+`, "N of N events\n"},
	{`\d+ of \d+ events: to go on, add --after \S+`, "N of N events: to go on, add --after PLACE"},
	{`has the key [0-9a-f]{16}`, "has the key KEY"},
	{`sqs2pg \S+ go1\S+ \w+/\w+`, "sqs2pg VERSION"},
}

func blur(text string, names *strings.Replacer) string {
	text = names.Replace(text)
	for _, c := range changing {
		text = regexp.MustCompile(c.pattern).ReplaceAllString(text, c.by)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "(no line break)\n"
	}
	return text
}

func ended(t *testing.T, err error) string {
	t.Helper()
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return "exit 0\n"
	case ok && exit.ExitCode() >= 0:
		return fmt.Sprintf("exit %d\n", exit.ExitCode())
	}
	t.Errorf("ended by %v", err)
	return ""
}

func (h *habit) inTerminal(t *testing.T, program string, columns uint16) string {
	t.Helper()
	c, names := h.command(t, program)
	screen, err := pty.StartWithSize(c, &pty.Winsize{Rows: 50, Cols: columns})
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	answering := &answering{h: h, say: func() { io.WriteString(screen, h.answer) }}
	io.Copy(answering, screen) // until the last program has closed the terminal: EIO
	return blur(shown(answering.text.String()), names) + ended(t, c.Wait())
}

func (h *habit) inPipe(t *testing.T, program string) (stdout, stderr, code string) {
	t.Helper()
	c, names := h.command(t, program)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	c.Stdin = in
	say := func() {
		if h.answer == "\x03" {
			syscall.Kill(-c.Process.Pid, syscall.SIGINT)
		}
	}
	outs, errs := &answering{h: h, say: say}, &answering{h: h, say: say}
	c.Stdout, c.Stderr = outs, errs
	typed.Close()
	err = c.Run()
	return blur(outs.text.String(), names), blur(errs.text.String(), names), ended(t, err)
}

// answering collects output, and answers once when the awaited text has come.
type answering struct {
	h    *habit
	say  func()
	once sync.Once
	text bytes.Buffer
}

func (a *answering) Write(p []byte) (int, error) {
	a.text.Write(p)
	if a.h.await != "" && bytes.Contains(a.text.Bytes(), []byte(a.h.await)) {
		a.once.Do(a.say)
	}
	return len(p), nil
}

var control = regexp.MustCompile(`\x1b\[(\??)(\d*)([A-Za-z])|(?s:.)`)

// shown is what a screen shows after text: what was painted over is gone. Colours stay, as \e[31m.
func shown(text string) string {
	lines, row, column := [][]string{nil}, 0, 0 // a cell is a character, with the colours before it
	colours := ""
	for _, m := range control.FindAllStringSubmatch(text, -1) {
		n := 1
		fmt.Sscan(m[2], &n)
		switch {
		case m[0] == "\r":
			column = 0
		case m[0] == "\n":
			lines[row] = append(lines[row], colours)
			colours = ""
			if row++; row == len(lines) {
				lines = append(lines, nil)
			}
		case m[3] == "A":
			row = max(0, row-n)
		case m[3] == "J":
			lines = lines[:row+1]
			lines[row] = lines[row][:min(column, len(lines[row]))]
		case m[3] == "m":
			colours += `\e` + m[0][1:]
		case m[3] != "" || m[0] == "\x03" || m[0] == "\x04": // the cursor that hides, and what was typed
		default:
			lines[row] = append(lines[row][:min(column, len(lines[row]))], append([]string{colours + m[0]}, lines[row][min(column+1, len(lines[row])):]...)...)
			column++
			colours = ""
		}
	}
	var all strings.Builder
	for i, line := range lines {
		if i > 0 {
			all.WriteByte('\n')
		}
		all.WriteString(strings.TrimRight(strings.Join(line, ""), " "))
	}
	return all.String()
}

func queueNamed(name string) func(*testing.T, world) {
	return func(t *testing.T, w world) { createQueue(t, w.sqs, name, nil) }
}

// twoDead makes the queue logins with a good message, and two letters in its dead-letter queue.
func twoDead(t *testing.T, w world) {
	queue, dead := withDead(t, w.sqs, "logins", 1)
	sqsAt(t, w.sqs).Send(t, queue, sample.ValidLogins(3, 1))
	sendAs(t, w.sqs, dead, []string{`{"ip":"192.0.2.1"}`, sample.ValidLogins(1, 2)[0]}, func(i int) string { return fmt.Sprint(i) })
}

var pretty = "{\n  \"user_id\": \"u-1\",\n  \"device_type\": \"iOS\",\n  \"ip\": \"192.0.2.1\",\n  \"device_id\": \"d-1\",\n  \"locale\": null,\n  \"app_version\": \"2.3.0\"\n}\n"

const (
	invokeLogins = `sqs2pg invoke --endpoint-url $SQS --queue logins --contract user_logins --database-url $DB --idle-timeout 500ms`
	loaded       = "echo '" + oneLogin + "' | sqs2pg send --endpoint-url $SQS --queue logins - >/dev/null 2>&1\n" + invokeLogins + " >/dev/null 2>&1\n"
	oneLogin     = `{"user_id":"u-1","device_type":"iOS","ip":"192.0.2.1","device_id":"d-1","locale":null,"app_version":"2.3.0"}`
	revealOne    = `sqs2pg vault reveal --contract user_logins --database-url $OWNER --where all.sql --fields ip`
	orders       = `{"x-table":"orders","type":"object","properties":{"id":{"type":"string","format":"uuid"}},"required":["id"]}`
)

// habits are in the order in which a person meets them: finding out, typing, naming queue, database,
// contract and messages, doing things twice, stopping them, other terminals.
var habits = []habit{
	{name: "no arguments", script: `sqs2pg | head -n 1`},
	{name: "help as a word", script: `sqs2pg help | head -n 1`},
	{name: "help as a word with a command", script: `sqs2pg help dlq redrive | head -n 1`},
	{name: "half a command", script: `sqs2pg dlq`},
	{name: "version as a flag", script: `sqs2pg --version`},
	{name: "a misspelt command", script: `sqs2pg invok --queue logins`},
	{name: "a command that others have", script: `sqs2pg list`},
	{name: "half a command, misspelt", script: `sqs2pg dlq lst --queue logins`},
	{name: "a command in upper case", script: `sqs2pg SEND --queue logins`},
	{name: "a misspelt flag", script: `sqs2pg send --qeue logins`},
	{name: "one dash", script: `sqs2pg send -queue logins`},
	{name: "an underscore", script: `sqs2pg invoke --batch_size 5`},
	{name: "a flag without its value", script: `sqs2pg send --queue`},
	{name: "flags before the command", script: `sqs2pg --queue logins send`},
	{name: "the queue without its flag", script: `sqs2pg send --endpoint-url $SQS logins`},
	{name: "a word for a number", script: invokeLogins + ` --batch-size many`, db: true},
	{name: "a URL without its flag", script: `sqs2pg migrate --contract user_logins postgres://u:secret-pw@127.0.0.1/logins`},
	{name: "a duration without its unit", script: `sqs2pg invoke --queue logins --timeout 30`},
	{name: "a variable that is not a number", script: `SQS2PG_BATCH_SIZE=many sqs2pg invoke --queue logins`},
	{name: "everything is missing", script: `sqs2pg invoke`},

	{name: "no AWS settings", script: `sqs2pg send --queue logins`},
	{name: "an endpoint without its scheme", script: `AWS_ENDPOINT_URL=localhost:4566 sqs2pg send --queue logins`},
	{name: "nobody listens", script: `sqs2pg send --endpoint-url http://127.0.0.1:1 --queue logins`},
	{name: "the port of Postgres", script: `sqs2pg send --endpoint-url http://127.0.0.1:$PGPORT_OF_DB --queue logins`, empty: true},
	{name: "a queue that does not exist", script: `sqs2pg send --endpoint-url $SQS --queue logins`, set: queueNamed("login")},
	{name: "an ARN for a queue", script: `sqs2pg send --endpoint-url $SQS --queue arn:aws:sqs:us-east-1:000000000000:logins`, set: queueNamed("logins")},
	{name: "a queue name with a blank", script: `sqs2pg send --endpoint-url $SQS --queue "logins "`, set: queueNamed("logins")},

	{name: "no database", script: `sqs2pg migrate --contract user_logins`},
	{name: "nobody listens for Postgres", script: `sqs2pg migrate --contract user_logins --database-url postgres://u:secret-pw@127.0.0.1:1/logins`},
	{name: "a URL of JDBC", script: `sqs2pg migrate --contract user_logins --database-url jdbc:postgresql://127.0.0.1:5432/logins`},
	{name: "a URL of another database", script: `sqs2pg migrate --contract user_logins --database-url mysql://u:secret-pw@127.0.0.1:3306/logins`},
	{name: "quotes of an env file", script: `DATABASE_URL="'postgres://u:secret-pw@127.0.0.1:1/logins'" sqs2pg migrate --contract user_logins`},
	{name: "a database that does not exist", script: `sqs2pg migrate --contract user_logins --database-url "${OWNER%/*}/nowhere"`, empty: true},
	{name: "a wrong password", script: `sqs2pg migrate --contract user_logins --database-url "postgres://nobody:secret-pw@${OWNER#*@}"`, empty: true},
	{name: "invoke before migrate", script: invokeLogins, set: queueNamed("logins"), empty: true},
	{name: "a lost keyring", script: "rm .sqs2pg/keyring.json\n" + invokeLogins, db: true, set: func(t *testing.T, w world) {
		queueNamed("logins")(t, w)
		w.db.Exec(t, "insert into sqs2pg.keys (key_id, fingerprint) values ('k1', '0123456789abcdef')")
	}},

	{name: "no contract", script: `sqs2pg migrate --database-url $OWNER`, empty: true},
	{name: "a misspelt contract", script: `sqs2pg contract check user_login`},
	{name: "a contract that is elsewhere", script: `sqs2pg contract check orders.json`},
	{name: "a contract that is not JSON", script: `sqs2pg contract check orders.json`, files: map[string]string{"orders.json": strings.Replace(orders, "}}", "},}", 1)}},
	{name: "a contract with misspelt keywords", script: `sqs2pg contract check orders.json`, files: map[string]string{"orders.json": strings.NewReplacer("format", "fromat", "required", "requierd").Replace(orders)}},
	{name: "a keyring where others read", script: "chmod 644 .sqs2pg/keyring.json\nsqs2pg doctor --endpoint-url $SQS --queue logins --contract user_logins --database-url $DB", set: queueNamed("logins"), db: true},

	{name: "a pretty-printed message", script: `sqs2pg send --endpoint-url $SQS --queue logins login.json`, set: queueNamed("logins"), files: map[string]string{"login.json": pretty}},
	{name: "messages in a pipe without a dash", script: `echo '{"user_id":"u-1"}' | sqs2pg send --endpoint-url $SQS --queue logins`, set: queueNamed("logins")},
	{name: "messages that are typed", script: `sqs2pg contract try user_logins`, await: "Ctrl-D", answer: "\x04"},
	{name: "a line that is not UTF-8", script: `printf '{"a":1}\n{"b":"\377"}\n' | sqs2pg send --endpoint-url $SQS --queue logins -`, set: queueNamed("logins")},
	{name: "a file that is not there", script: `sqs2pg send --endpoint-url $SQS --queue logins logins.jsonl`, set: queueNamed("logins")},
	{name: "a file that is empty", script: "touch logins.jsonl\nsqs2pg send --endpoint-url $SQS --queue logins logins.jsonl", set: queueNamed("logins")},
	{name: "a folder for a file", script: `sqs2pg send --endpoint-url $SQS --queue logins .`, set: queueNamed("logins")},
	{name: "a file of another kind for replay", script: `sqs2pg replay --contract user_logins --database-url $DB login.json`, db: true, files: map[string]string{"login.json": pretty}},
	{name: "an event of an empty queue", script: `sqs2pg event --endpoint-url $SQS --queue logins --wait 300ms`, set: queueNamed("logins")},

	{name: "the same queue twice", script: "sqs2pg queue create --endpoint-url $SQS logins\nsqs2pg queue create --endpoint-url $SQS logins\nsqs2pg queue create --endpoint-url $SQS logins --max-receive-count 2 --visibility-timeout 30s"},
	{name: "migrate twice", script: "sqs2pg migrate --contract user_logins --database-url $OWNER >first 2>&1\nsqs2pg migrate --contract user_logins --database-url $OWNER", empty: true},
	{name: "an empty queue", script: invokeLogins, set: queueNamed("logins"), db: true},
	{name: "a queue without a dead-letter queue", script: `sqs2pg dlq list --endpoint-url $SQS --queue logins --contract user_logins`, set: queueNamed("logins")},
	{name: "the dead-letter queue itself", script: `sqs2pg dlq list --endpoint-url $SQS --queue dead-logins --contract user_logins`, set: twoDead},
	{name: "the list of dead letters", script: `sqs2pg dlq list --endpoint-url $SQS --queue logins --contract user_logins`, set: twoDead},
	{name: "a letter that is not there", script: `sqs2pg dlq show --endpoint-url $SQS --queue logins --contract user_logins 1`, set: twoDead},
	{name: "redrive of all, and no", script: `sqs2pg dlq redrive --all --endpoint-url $SQS --queue logins --contract user_logins`, set: twoDead, await: "[y/N]", answer: "n\n"},
	{name: "the same port twice", script: `sqs2pg sqs --listen ${SQS#http://}`},

	{name: "doctor without any settings", script: `sqs2pg doctor`},
	{name: "a misspelt environment", script: `sqs2pg doctor --env prd`, files: map[string]string{"sqs2pg.toml": "[local]\n[prod]\n"}},
	{name: "a password in the project file", script: `sqs2pg doctor --env prod`, files: map[string]string{"sqs2pg.toml": "[prod]\ndatabase_url = \"postgres://u:secret-pw@db.example.com/logins\"\n"}},
	{name: "an environment for run", script: `sqs2pg run --env prod`},
	{name: "completion without a shell", script: `sqs2pg completion`},

	{name: "Ctrl-C in sqs", script: `sqs2pg sqs --listen 127.0.0.1:0`, await: "Version 1", answer: "\x03"},
	{name: "Ctrl-C in invoke", script: strings.Replace(invokeLogins, "500ms", "0s", 1), set: twoDead, db: true, await: "3 of 3", answer: "\x03"},
	{name: "only the first line", script: `sqs2pg contract check user_logins | head -n 1`},
	{name: "NO_COLOR", script: `sqs2pg dlq list --endpoint-url $SQS --queue logins --contract user_logins`, set: twoDead, env: []string{"TERM=xterm", "NO_COLOR=1"}},
	{name: "LC_ALL=C", script: invokeLogins, set: twoDead, db: true, env: []string{"TERM=xterm", "LC_ALL=C"}},
	{name: "TERM=dumb", script: invokeLogins, set: twoDead, db: true, env: []string{"TERM=dumb"}},
	{name: "a narrow terminal", script: `sqs2pg dlq list --endpoint-url $SQS --queue logins --contract user_logins`, set: twoDead, narrow: 40},

	{name: "half a vault", script: `sqs2pg vault`},
	{name: "a reveal of nothing", script: `sqs2pg vault reveal`},
	{name: "a reveal", script: loaded + revealOne + ` --purpose support --ticket ABC-123`, files: all, set: queueNamed("logins"), db: true},
	{name: "a reveal without a ticket", script: revealOne + ` --purpose support`, files: all, db: true},
	{name: "a reveal without a purpose", script: revealOne + ` --ticket ABC-123`, files: all, db: true},
	{name: "a reveal out of curiosity", script: revealOne + ` --purpose curiosity --ticket ABC-123`, files: all, db: true},
	{name: "a person for a ticket", script: revealOne + ` --purpose support --ticket ann@example.com`, files: all, db: true},
	{name: "a person on the command line", script: `sqs2pg vault reveal --contract user_logins --subject ann@example.com --fields ip`},
	{name: "a person without a flag", script: `sqs2pg vault reveal --contract user_logins --fields ip ann@example.com`},
	{name: "an empty subject file", script: "touch person\nsqs2pg vault reveal --contract user_logins --database-url $OWNER --subject-file person --fields ip --purpose access-request --ticket ABC-123", db: true},
	{name: "a field that was not sealed", script: strings.Replace(revealOne, "ip", "user_id", 1) + ` --purpose support --ticket ABC-123`, files: all, db: true},
	{name: "an event that is not there", script: `sqs2pg vault reveal --contract user_logins --database-url $OWNER --event 6ba7b810-9dad-11d1-80b4-00c04fd430c8 --fields ip --purpose support --ticket ABC-123`, db: true},
	{name: "an event without a seal", script: loaded + revealOne + ` --purpose support --ticket ABC-123`, files: all, set: func(t *testing.T, w world) {
		queueNamed("logins")(t, w)
		w.db.Exec(t, "create function late() returns trigger language plpgsql as 'begin return null; end'; create trigger late before insert on sqs2pg_vault.user_logins for each row execute function late()")
	}, db: true},
	{name: "a writer who reveals", script: loaded + strings.Replace(revealOne, "$OWNER", "$DB", 1) + ` --purpose support --ticket ABC-123`, files: all, set: queueNamed("logins"), db: true},
	{name: "a vault key where others read", script: loaded + "chmod 644 .sqs2pg/vault.key\n" + revealOne + ` --purpose support --ticket ABC-123`, files: all, set: queueNamed("logins"), db: true},
	{name: "the key of another vault", script: loaded + "rm .sqs2pg/vault.key\nsqs2pg vault key >/dev/null 2>&1\n" + revealOne + ` --purpose support --ticket ABC-123`, files: all, set: queueNamed("logins"), db: true},
	{name: "a lost vault key", script: "rm .sqs2pg/vault.key\n" + invokeLogins, set: queueNamed("logins"), db: true},
	{name: "a private key for a public one", script: "VAULT_PUBLIC_KEY=$(cat .sqs2pg/vault.key) " + invokeLogins, set: queueNamed("logins"), db: true},
	{name: "Ctrl-C in reveal", script: "sqs2pg send --endpoint-url $SQS --queue logins --count 4000 >/dev/null 2>&1\n" + invokeLogins + " --batch-size 1000 >/dev/null 2>&1\n" + revealOne + ` --purpose support --ticket ABC-123 >/dev/null`, files: all, set: func(t *testing.T, w world) {
		withDead(t, w.sqs, "logins", 1)
		w.db.Exec(t, "update sqs2pg.reveal_limit set events_per_hour = 100000")
	}, db: true, await: "500 of", answer: "\x03"},
	{name: "an audit with a head of another", script: "echo 7 " + strings.Repeat("ab", 32) + " >heads\nsqs2pg vault audit verify --database-url $OWNER --anchor heads", db: true},
	{name: "an anchor that is none", script: "touch heads\nsqs2pg vault audit verify --database-url $OWNER --anchor heads", db: true},
	{name: "a reveal after a rotation", script: loaded + "export VAULT_KEY_FILE=new.key\nsqs2pg vault key >/dev/null 2>&1\nsqs2pg migrate --contract user_logins --database-url $OWNER >/dev/null 2>&1\n" + loaded +
		revealOne + " --purpose support --ticket ABC-123\nexport VAULT_KEY_FILE=new.key,.sqs2pg/vault.key\n" + revealOne + ` --purpose support --ticket ABC-123`, files: all, set: queueNamed("logins"), db: true},
}

// all is a condition for all events.
var all = map[string]string{"all.sql": "true"}
