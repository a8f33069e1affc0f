package main

import (
	"encoding/hex"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
	sealing "sqs2pg/pkg/vault"
	"sqs2pg/pkg/vault/open"
)

// newKey makes a key of the vault in a file, and returns it with the setting that has its public key.
func newKey(t *testing.T) (key *open.Key, file, setting string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "vault.key")
	key, err := open.MakeFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return key, file, "VAULT_PUBLIC_KEY=" + key.Public().String()
}

// migrate makes the table, and registers the vault's key.
func (w *world) migrate(pool *postgres.Pool) {
	w.t.Helper()
	if _, err := schema.Apply(w.t.Context(), pool, userLogins(w.t)); err != nil {
		w.t.Fatal(err)
	}
	public := w.key.Public()
	if _, err := schema.Register(w.t.Context(), pool, schema.RecipientOf(public, "")); err != nil {
		w.t.Fatal(err)
	}
}

// compareSeals opens all seals and compares them with the ledger. It returns what is wrong.
func (l *ledger) compareSeals(t *testing.T, db *postgrestest.Database, key *open.Key) (wrong []string) {
	t.Helper()
	openers := map[string]*open.Opener{}
	for _, s := range db.Query(t, "select id, recipient, encode(enc, 'hex') from sqs2pg_vault.sessions") {
		opener, err := key.Session(t.Context(), open.Session{ID: [16]byte(unhex(t, s[0])), Recipient: s[1], Enc: unhex(t, s[2])})
		if err != nil {
			t.Fatal(err)
		}
		openers[s[0]] = opener
	}
	sealed := map[string]bool{}
	for _, row := range db.Query(t, "select event_id, (extract(epoch from sent_at) * 1000000)::bigint, session, encode(sealed, 'hex') from sqs2pg_vault.user_logins") {
		id := row[0]
		want, ok := l.valid[id]
		switch opener := openers[row[2]]; {
		case !ok:
			wrong = append(wrong, "a seal that is not of a valid event: "+id)
		case sealed[id]:
			wrong = append(wrong, "sealed twice: "+id)
		case opener == nil:
			wrong = append(wrong, "a seal whose session was not stored: "+id)
		default:
			micros, _ := strconv.ParseInt(row[1], 10, 64)
			values, err := opener.Open(sealing.Row{Table: "public.user_logins", SentAt: time.UnixMicro(micros), EventID: [16]byte(unhex(t, id))}, unhex(t, row[3]))
			if err != nil || string(values.Raw("ip")) != strconv.Quote(want.from.IP) || string(values.Raw("device_id")) != strconv.Quote(want.from.Device) {
				wrong = append(wrong, "a seal that does not open to what was sent: "+id)
			}
		}
		sealed[id] = true
	}
	for id := range l.valid {
		if !sealed[id] {
			wrong = append(wrong, "not sealed: "+id)
		}
	}
	return wrong
}

// unhex reads hexadecimal digits, or a UUID.
func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
