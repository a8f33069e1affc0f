package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
)

// testdata/upgrade is a database as the first release left it, with the batches that it had loaded
// and those that were still on its queues. They were masked by this key.
const upgradeKey = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"

// TestUpgradesTheFirstRelease migrates that database, and loads both kinds of batches into it.
func TestUpgradesTheFirstRelease(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, "drop schema sqs2pg, sqs2pg_vault cascade")
	db.Exec(t, upgradeFile(t, "database.sql"))
	db.Exec(t, "select set_config('search_path', 'public', false)")
	logins, people := loginContract(t), parseContract(t, "people", upgradeFile(t, "people.json"))
	keyring := parseKeyring(t, `{"current": "k1", "k1": "`+upgradeKey+`"}`)
	before := upgradeTokens(t, db)

	refusedAsNotMigrated(t, db, logins, keyring)
	owner := postgrestest.Open(t, db.OwnerURL)
	if _, err := schema.Apply(t.Context(), owner, logins.Table(), people.Table()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"true true"}, db.QueryStrings(t,
		"select bool_and(unconfirmed_key = 'k1') || ' ' || bool_or(token_key = 'k1') from sqs2pg.tables")); diff != "" {
		t.Errorf("what is known of the tokens (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"true"}, db.QueryStrings(t, `
		select bool_and(has_table_privilege(role, name, 'select'))::text
		from unnest(array['sqs2pg_reader', 'sqs2pg_revealer']) role, unnest(array['user_logins', 'people']) name`)); diff != "" {
		t.Errorf("the readers' rights (-want +got):\n%s", diff)
	}
	key := keyring.Fingerprints()[0]
	if _, err := registry.Check(t.Context(), db.Pool, logins.Table(), keyring); err == nil || !strings.Contains(err.Error(), "--confirm-key k1="+key.Fingerprint) {
		t.Fatalf("before the key is confirmed: got %v, want how to confirm it", err)
	}
	if err := schema.ConfirmKeys(t.Context(), owner, key); err != nil {
		t.Fatal(err)
	}

	load(t, db, logins, keyring, "logins-loaded.json", 0)
	load(t, db, people, keyring, "people-loaded.json", 0)
	if diff := cmp.Diff(before, upgradeTokens(t, db)); diff != "" {
		t.Errorf("batches that were loaded by the first release changed something (-before +after):\n%s", diff)
	}
	load(t, db, logins, keyring, "logins-queued.json", 10)
	load(t, db, people, keyring, "people-queued.json", -1)
	want := []string{"30 logins, 30 events", "k1", "7 people, 7 tokens"}
	got := db.QueryStrings(t, `
		select count(*) || ' logins, ' || count(distinct event_id) || ' events' from user_logins
		union all select distinct split_part(masked_ip, ':', 1) from user_logins
		union all select count(*) || ' people, ' || count(distinct email) || ' tokens' from people`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after the upgrade (-want +got):\n%s", diff)
	}
}

func refusedAsNotMigrated(t *testing.T, db *postgrestest.Database, c *contract.Contract, keyring *mask.Keyring) {
	t.Helper()
	_, err := registry.Check(t.Context(), db.Pool, c.Table(), keyring)
	if _, ok := errors.AsType[*registry.Mismatch](err); !ok || !strings.Contains(err.Error(), "run sqs2pg migrate") {
		t.Errorf("before the migration: got %v, want a mismatch that says to migrate", err)
	}
}

// load has the function load a recorded batch. written is how many rows it adds, -1 for any number.
func load(t *testing.T, db *postgrestest.Database, c *contract.Contract, keyring *mask.Keyring, file string, written int) {
	t.Helper()
	if _, err := registry.Check(t.Context(), db.Pool, c.Table(), keyring); err != nil {
		t.Fatal(err)
	}
	var e events.SQSEvent
	if err := json.Unmarshal([]byte(upgradeFile(t, file)), &e); err != nil {
		t.Fatal(err)
	}
	count := func() int { return len(db.QueryStrings(t, "select event_id from "+c.Table().Name)) }
	before := count()
	h := gated(handler(t, c, postgres.NewWriter(db.Pool, c.Table())), db.Pool)
	h.Keyring = func(context.Context) (*mask.Keyring, error) { return keyring, nil }
	h.Now = time.Now
	answer, err := h.Invoke(t.Context(), payload(t, e))
	if err != nil {
		t.Fatal(err)
	}
	if failed := failedIDs(t, answer); len(failed) > 0 {
		t.Errorf("%s: %d messages failed", file, len(failed))
	}
	if got := count() - before; written >= 0 && got != written {
		t.Errorf("%s added %d rows, want %d", file, got, written)
	}
}

// upgradeTokens are the rows of both tables.
func upgradeTokens(t *testing.T, db *postgrestest.Database) []string {
	t.Helper()
	return db.QueryStrings(t, "select l::text from user_logins l union all select (email, city, logins, create_date, sent_at, event_id)::text from people order by 1")
}

func upgradeFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/upgrade/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parseContract(t testing.TB, name, document string) *contract.Contract {
	t.Helper()
	c, err := contract.Parse(name, []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parseKeyring(t *testing.T, text string) *mask.Keyring {
	t.Helper()
	k, err := mask.ParseKeyring([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func loginDocument(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../infra/contracts/user_logins.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
