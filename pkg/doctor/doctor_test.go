package doctor_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/local/sqsserver/sqstest"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/vault/open"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

const keyring = `{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}`

func verdicts(found []doctor.Finding) (all []string) {
	for _, f := range found {
		all = append(all, string(f.Verdict)+" "+f.Subject)
	}
	return all
}

func TestQueueSaysWhichSettingsLoseMessages(t *testing.T) {
	t.Parallel()
	server := sqstest.Start(t)
	long := map[string]string{"MessageRetentionPeriod": "1209600"}
	server.CreateQueue(t, "dead-sound", long)
	server.CreateQueues(t, "sound", 5, map[string]string{"VisibilityTimeout": "185"})
	_, dead := server.CreateQueues(t, "hasty", 2, map[string]string{"VisibilityTimeout": "60"})
	server.CreateQueue(t, "dead-full", long)
	_, full := server.CreateQueues(t, "full", 5, map[string]string{"VisibilityTimeout": "185"})
	server.Send(t, full, []string{"a dead letter"})
	server.CreateQueue(t, "alone", map[string]string{"VisibilityTimeout": "185"})
	server.CreateQueue(t, "plain", map[string]string{"VisibilityTimeout": "185", "SqsManagedSseEnabled": "false"})
	if _, err := queue.Create(t.Context(), server.Client, "created", queue.Settings{VisibilityTimeout: 185 * time.Second, MaxReceiveCount: 5}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"sound":   {"ok queue", "ok visibility", "ok redrive", "ok dead letters"},
		"hasty":   {"ok queue", "fix visibility", "fix redrive", "fix dead letters"}, // which keeps messages no longer
		"full":    {"ok queue", "ok visibility", "ok redrive", "fix dead letters"},
		"alone":   {"ok queue", "ok visibility", "fix redrive"},
		"plain":   {"ok queue", "ok visibility", "note encryption", "fix redrive"},
		"created": {"ok queue", "ok visibility", "ok redrive", "ok dead letters"},
		"nowhere": {"fix queue"},
	} {
		url := strings.Replace(dead, "dead-hasty", name, 1)
		found, _ := doctor.Queue(t.Context(), queue.New(server.Client, url), 30*time.Second, 5*time.Second, "sqs2pg dlq list")
		if diff := cmp.Diff(want, verdicts(found)); diff != "" {
			t.Errorf("%s (-want +got):\n%s%+v", name, diff, found)
		}
		if name == "full" && found[3].Text != "1 in dead-full: see sqs2pg dlq list" {
			t.Errorf("of dead letters: %s", found[3].Text)
		}
	}
}

func TestDatabaseSaysWhatTheFunctionWouldRefuse(t *testing.T) {
	t.Parallel()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	k, err := mask.ParseKeyring([]byte(keyring))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		sql  string
		want []string
	}{
		"sound":              {"", []string{"ok database", "ok table", "ok tokens", "ok privileges", "ok partitions"}},
		"a missing column":   {"alter table user_logins drop column locale", []string{"ok database", "fix table", "ok tokens", "ok privileges", "ok partitions"}},
		"no right to insert": {"revoke insert on user_logins from sqs2pg_writer", []string{"ok database", "ok table", "ok tokens", "fix privileges", "ok partitions"}},
		"an unconfirmed key": {"update sqs2pg.tables set unconfirmed_key = 'k1'", []string{"ok database", "ok table", "fix tokens", "ok privileges", "ok partitions"}},
		"a gap in the past":  {"select sqs2pg.make_partition('user_logins', '2026-01-05Z')", []string{"ok database", "ok table", "ok tokens", "ok privileges", "ok partitions", "note partitions"}},
		"a narrow window":    {"update sqs2pg.tables set retention_days = 17", []string{"ok database", "ok table", "ok tokens", "ok privileges", "ok partitions", "note window"}},
		"a wide window":      {"update sqs2pg.tables set retention_days = 18", []string{"ok database", "ok table", "ok tokens", "ok privileges", "ok partitions"}},
		"no table":           {"drop table user_logins", []string{"ok database", "fix table"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, c.Table())
			if test.sql != "" {
				db.Exec(t, test.sql)
			}
			found := doctor.Database(t.Context(), db.Pool, c.Table(), doctor.Keys{Masking: k}, 4*24*time.Hour)
			if diff := cmp.Diff(test.want, verdicts(found)); diff != "" {
				t.Errorf("findings (-want +got):\n%s%+v", diff, found)
			}
		})
	}
}

func TestVaultSaysWhoMayUseItAndForWhichKeyItIs(t *testing.T) {
	t.Parallel()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	table := c.Table()
	table.Recover = []string{"ip"}
	key, err := open.MakeFile(filepath.Join(t.TempDir(), "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	known := fmt.Sprintf("insert into sqs2pg_vault.recipients (id, kem, public_key, locator) values ('%s', '%s', '%s', '')",
		key.Public().ID(), key.Public().KEM(), key.Public())
	for name, test := range map[string]struct {
		sql  string
		want string // of the vault
	}{
		"a key that the database knows": {known, "ok the database knows the public key " + key.Public().ID()},
		"a key that it does not know":   {"select 1", "fix the database does not know the vault's public key " + key.Public().ID()},
		"a key that is revoked":         {known + "; update sqs2pg_vault.recipients set state = 'revoked'", "fix the vault's public key " + key.Public().ID() + " is revoked"},
		"a vault that everybody reads":  {known + "; grant select on sqs2pg_vault.sessions to public", "sqs2pg_writer may write, and may read the vault"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, table)
			db.Exec(t, test.sql)
			var got []string
			for _, f := range doctor.Database(t.Context(), db.Pool, table, doctor.Keys{Vault: key.Public()}, 0) {
				if f.Subject == "vault" {
					got = append(got, string(f.Verdict)+" "+f.Text)
				}
			}
			if !strings.Contains(strings.Join(got, "\n"), test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestFilesMustBeWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		found doctor.Finding
		want  doctor.Verdict
		text  string
	}{
		{doctor.Function(write("program", "", 0o755)), doctor.OK, "program"},
		{doctor.Function(write("text", "", 0o644)), doctor.Fix, "chmod +x"},
		{doctor.Function(dir), doctor.Fix, "correct --function"},
		{doctor.Function(filepath.Join(dir, "nothing")), doctor.Fix, "correct --function"},
	} {
		if test.found.Verdict != test.want || !strings.Contains(test.found.Text, test.text) {
			t.Errorf("%+v, want %s and %q", test.found, test.want, test.text)
		}
	}
	for _, test := range []struct {
		path string
		want []string
	}{
		{write("keyring", keyring, 0o600), []string{"ok keyring"}},
		{write("open", keyring, 0o604), []string{"fix keyring"}},
		{write("short", `{"current":"k1","k1":"short"}`, 0o600), []string{"fix keyring"}},
		{write("short and open", `{"current":"k1","k1":"short"}`, 0o666), []string{"fix keyring", "fix keyring"}},
		{filepath.Join(dir, "nothing"), []string{"ok keyring"}}, // the first invoke makes it
	} {
		if _, found := doctor.KeyringFile(test.path, false); !cmp.Equal(test.want, verdicts(found)) {
			t.Errorf("%s: %+v, want %v", test.path, found, test.want)
		}
	}
}
