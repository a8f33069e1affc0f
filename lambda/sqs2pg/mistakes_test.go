package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/postgres/postgrestest"
)

// TestReceivesNothingThatTheTableWouldNotTake makes the mistakes that people make before the first
// row. The command must name the mistake and what to do, and leave every message on the queue.
func TestReceivesNothingThatTheTableWouldNotTake(t *testing.T) {
	t.Parallel()
	login := loginDocument(t)
	edited := func(old, new string) func(*testing.T, string) []string {
		return func(t *testing.T, dir string) []string {
			path := filepath.Join(dir, "user_logins.json")
			if err := os.WriteFile(path, []byte(strings.Replace(login, old, new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			return []string{"--contract", path}
		}
	}
	for _, test := range []struct {
		name    string
		byHand  string // SQL
		mistake func(t *testing.T, dir string) []string
		want    []string
	}{
		{"a mask that was removed", "", edited(`"x-column": "masked_ip",
      "x-mask": "token",
      "x-recover": true`, `"x-column": "masked_ip"`), []string{"column masked_ip", "masked by token", "the contract says none", "ip can be recovered from the table"}},
		{"a column that was not migrated", "", edited(`"properties": {`, `"properties": {"country": {"type": ["string", "null"]},`),
			[]string{"column country", "not in the table", "sqs2pg migrate"}},
		{"another key under the same name", "", func(*testing.T, string) []string {
			return []string{"--keyring", `{"current":"k1","k1":"another key of thirty-two characters"}`}
		}, []string{"masking key k1 has the fingerprint", "use the keyring that made them"}},
		{"a keyring that was lost", "", func(t *testing.T, dir string) []string {
			if err := os.Remove(filepath.Join(dir, home.Dir, "keyring.json")); err != nil {
				t.Fatal(err)
			}
			return nil
		}, []string{"the database holds tokens", "MASK_KEYRING_FILE"}},
		{"a key that was dropped", "alter table user_logins drop constraint user_logins_pkey", nil, []string{"primary key is ()", "restore it"}},
		{"a table that was dropped", "drop table user_logins", nil, []string{"missing", "sqs2pg migrate"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			endpoint, dir := startSQS(t), folder(t)
			db := postgrestest.New(t, load(t, "user_logins"))
			queue := createQueue(t, endpoint, "logins", nil)
			sendAs(t, endpoint, queue, sample.Messages(2, 1), func(i int) string { return fmt.Sprint(i) })
			invoke := []string{"invoke", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL,
				"--function", bootstrap, "--idle-timeout", "500ms"}
			if code, _, errs := sqs2pgIn(t.Context(), dir, "", invoke...); code != 0 {
				t.Fatalf("before the mistake: exits with %d: %s", code, errs)
			}
			sendAs(t, endpoint, queue, sample.Messages(3, 2), func(i int) string { return fmt.Sprint("later ", i) })

			if test.byHand != "" {
				db.Exec(t, test.byHand)
			}
			if test.mistake != nil {
				invoke = append(invoke, test.mistake(t, dir)...)
			}
			code, _, errs := sqs2pgIn(t.Context(), dir, "", invoke...)
			if code == 0 {
				t.Error("exits with 0")
			}
			for _, want := range test.want {
				if !strings.Contains(errs, want) {
					t.Errorf("%q is not in: %s", want, errs)
				}
			}
			if n := count(t, endpoint, queue); n != "3" {
				t.Errorf("the queue holds %s, want 3 messages that were not received", n)
			}
		})
	}
}

func TestConfirmsTheKeyOfAnEarlierRelease(t *testing.T) {
	t.Parallel()
	endpoint, dir := startSQS(t), folder(t)
	db := postgrestest.New(t, load(t, "user_logins"))
	db.Exec(t, "update sqs2pg.tables set unconfirmed_key = 'k1'")
	queue := createQueue(t, endpoint, "logins", nil)
	sendAs(t, endpoint, queue, sample.Messages(2, 1), func(i int) string { return fmt.Sprint(i) })
	invoke := []string{"invoke", "--endpoint-url", endpoint, "--queue", "logins", "--database-url", db.URL, "--function", bootstrap, "--idle-timeout", "500ms"}
	_, _, errs := sqs2pgIn(t.Context(), dir, "", invoke...)
	_, command, ok := strings.Cut(strings.TrimSpace(errs), "run sqs2pg ")
	if !ok || !strings.HasPrefix(command, "migrate --confirm-key k1=") {
		t.Fatalf("says %q, want the command that confirms", errs)
	}
	if code, _, errs := sqs2pgIn(t.Context(), dir, "", append(strings.Fields(command), "--database-url", db.OwnerURL)...); code != 0 || !strings.Contains(errs, "confirmed the masking key k1") {
		t.Fatalf("%s exits with %d: %s", command, code, errs)
	}
	if code, _, errs := sqs2pgIn(t.Context(), dir, "", invoke...); code != 0 {
		t.Errorf("once confirmed: exits with %d: %s", code, errs)
	}
	if n := db.QueryStrings(t, "select count(*) from user_logins")[0]; n != "2" {
		t.Errorf("%s rows, want 2", n)
	}
}

func loginDocument(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../infra/contracts/user_logins.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A key alone is no database of run: a forgotten DATABASE_URL starts no empty Postgres.
func TestVaultCommandsStartNoPostgresThatRunHasNotFilled(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	if code, _, errs := sqs2pgIn(t.Context(), dir, "", "vault", "key"); code != 0 {
		t.Fatal(errs)
	}
	code, _, errs := sqs2pgIn(t.Context(), dir, "", "vault", "audit", "list")
	if code != 2 || !strings.Contains(errs, "no database: set DATABASE_URL") {
		t.Errorf("exits with %d and says %q", code, errs)
	}
}

// TestPrintedCommandsCanBePasted runs the commands that errors and findings print. They must look at
// the same queue, by the same contract.
func TestPrintedCommandsCanBePasted(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	_, dead := withDead(t, endpoint, "logins", 3)
	sendAs(t, endpoint, dead, []string{"not json"}, func(i int) string { return fmt.Sprint(i) })
	printed := regexp.MustCompile(`(?:see|with) sqs2pg ([a-z].*)`)
	const logins = "../../infra/contracts/user_logins.json"
	at := []string{"--endpoint-url", endpoint, "--queue", "logins", "--contract", logins}
	for _, test := range []struct {
		typed, want []string
	}{
		{append([]string{"dlq", "show", "1"}, at...), []string{"dlq", "list", "--queue", "logins", "--endpoint-url", endpoint, "--contract", logins}},
		{append([]string{"event", "--wait", "300ms"}, at[:4]...), []string{"send", "--queue", "logins", "--endpoint-url", endpoint}},
	} {
		_, out, errs := sqs2pg(t, test.typed...)
		m := printed.FindStringSubmatch(out + errs)
		if m == nil {
			t.Errorf("%q prints no command:\n%s%s", test.typed, out, errs)
			continue
		}
		if diff := cmp.Diff(test.want, strings.Fields(m[1])); diff != "" {
			t.Errorf("%q prints another command (-want +got):\n%s", test.typed, diff)
		}
		succeed(t, strings.Fields(m[1])...)
	}
}

func TestNothingToSendIsAnErrorOfAFileOnly(t *testing.T) {
	t.Parallel()
	endpoint, dir := startSQS(t), t.TempDir()
	createQueue(t, endpoint, "logins", nil)
	send := []string{"send", "--endpoint-url", endpoint, "--queue", "logins"}
	for text, path := range map[string]string{"": dir + "/empty", "\n": dir + "/line", "[]": dir + "/array"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := sqs2pg(t, append(send, path)...)
		if want := "sqs2pg: nothing to send: " + path + " is empty\n"; code != 1 || out != "" || errs != want {
			t.Errorf("%q: exits with %d and says %q, want 1 and %q", text, code, errs, want)
		}
	}
	if code, _, errs := sqs2pg(t, append(send, "-")...); code != 0 || !strings.HasSuffix(errs, "sent 0 messages to logins\n") {
		t.Errorf("an empty pipe: exits with %d and says %q", code, errs)
	}
}

func TestMigrateRefusesTwoContractsOfOneTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a.json", "b.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(orders), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, b := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")
	code, _, errs := sqs2pg(t, "migrate", "--contract", a+","+b, "--database-url", "postgres://u@127.0.0.1:1/d")
	if want := "sqs2pg: " + a + " and " + b + " fill the same table public.orders: "; code != 2 || !strings.HasPrefix(errs, want) {
		t.Errorf("exits with %d and says %q, want 2 and %q", code, errs, want)
	}
}
