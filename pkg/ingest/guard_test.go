package ingest_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/ingest"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
	"sqs2pg/pkg/telemetry"
	"sqs2pg/pkg/vault"
	vaultkey "sqs2pg/pkg/vault/open"
)

// guardedLogins is the contract of logins with a vault and a subject. root has more keywords of its
// root.
func guardedLogins(root string) string {
	return `{"x-table": "user_logins", "type": "object", ` + root + `
		"required": ["user_id", "device_type", "ip", "device_id", "app_version"], "properties": {
		"user_id": {"type": "string", "maxLength": 128, "x-subject": true},
		"device_type": {"type": "string"},
		"ip": {"type": "string", "format": "ip", "x-column": "masked_ip", "x-mask": "token", "x-recover": true},
		"device_id": {"type": "string", "x-column": "masked_device_id", "x-mask": "token", "x-recover": true},
		"locale": {"type": ["string", "null"]},
		"app_version": {"type": "string"}}}`
}

// guardedFunction is a function whose table has a vault and a subject.
type guardedFunction struct {
	*function
	key *vaultkey.Key
}

func newGuarded(t *testing.T, root string) guardedFunction {
	t.Helper()
	g := unstarted(t, guardedLogins(root))
	g.Handler = g.start(t, root)
	return g
}

// unstarted is a database with the table of a contract, without its function.
func unstarted(t *testing.T, document string) guardedFunction {
	t.Helper()
	db, key := postgrestest.New(t, parseContract(t, "user_logins", document).Table()), newVaultKey(t)
	register(t, db, key)
	g := guardedFunction{&function{db: db, log: &bytes.Buffer{}, metrics: &bytes.Buffer{}}, key}
	t.Cleanup(func() { g.checkNothingPersonal(t) })
	return g
}

func newVaultKey(tb testing.TB) *vaultkey.Key {
	tb.Helper()
	key, err := vaultkey.MakeFile(filepath.Join(tb.TempDir(), "vault.key"))
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// register makes a key known to the database, as a migration does.
func register(t *testing.T, db *postgrestest.Database, key *vaultkey.Key) {
	t.Helper()
	public := key.Public()
	if _, err := schema.Register(t.Context(), postgrestest.Open(t, db.OwnerURL), schema.RecipientOf(public, "")); err != nil {
		t.Fatal(err)
	}
}

// start starts a function with a session and connections of its own.
func (g guardedFunction) start(t *testing.T, root string) ingest.Handler {
	t.Helper()
	return g.startIn(t, fstest.MapFS{"user_logins.json": {Data: []byte(guardedLogins(root))}}, "user_logins")
}

// startIn starts a function of the named contracts of a folder.
func (g guardedFunction) startIn(t *testing.T, folder fs.FS, contracts string) ingest.Handler {
	t.Helper()
	env := environment("CONTRACT="+contracts, "DATABASE_URL="+g.db.URL, "MASK_KEYRING="+keyring("0123456789abcdef"), "VAULT_PUBLIC_KEY="+g.key.Public().String())
	env.Folder, env.Log = folder, telemetry.NewLogger(g.log, "")
	h, stop, err := ingest.New(t.Context(), env, g.metrics)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return *h
}

// logins are n messages with ids of their own, sent now, of as many people.
func logins(arn string, n int) events.SQSEvent {
	var bodies []string
	for i := range n {
		bodies = append(bodies, login(func(m map[string]any) { m["user_id"] = fmt.Sprintf("person%d", i) }))
	}
	e := messages(arn, bodies...)
	for i := range e.Records {
		e.Records[i].MessageId = uuid.NewString()
		e.Records[i].Attributes["SentTimestamp"] = strconv.FormatInt(time.Now().UnixMilli(), 10)
	}
	return e
}

// erase puts a tombstone by hand and raises the epoch, as an erasure does.
func (g guardedFunction) erase(t *testing.T, person string, before time.Time) {
	t.Helper()
	token, ok := parseKeyring(t, keyring("0123456789abcdef")).TokenBy("k1", table.SubjectDomain, person)
	if !ok {
		t.Fatal("no key k1")
	}
	g.db.Exec(t, "with tombstone as (insert into sqs2pg.erasures (key_id, subject, before, state) values ('k1', $1, $2, 'marked')) update sqs2pg.tables set epoch = epoch + 1", token, before)
}

// counted adds up what the lines of metrics say.
func (g guardedFunction) counted(t *testing.T, names ...string) []float64 {
	t.Helper()
	sums := make([]float64, len(names))
	for line := range strings.Lines(g.metrics.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			n, _ := m[name].(float64)
			sums[i] += n
		}
	}
	return sums
}

// rowsAndSeals is how many rows the table and its vault have, and how many of them one lacks.
func (g guardedFunction) rowsAndSeals(t *testing.T) []string {
	t.Helper()
	return g.db.Query(t, `select count(t.event_id), count(v.event_id), count(*) filter (where t.event_id is null or v.event_id is null)
		from user_logins t full join sqs2pg_vault.user_logins v using (sent_at, event_id)`)[0]
}

func TestSealsWhatTheContractRecovers(t *testing.T) {
	t.Parallel()
	for name, root := range map[string]string{"insert": "", "upsert": `"x-write": {"mode": "upsert", "key": ["user_id"]},`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuarded(t, root)
			e := logins(standard, 3)
			g.invoke(t, e)
			g.invoke(t, e)
			if diff := cmp.Diff([]string{"3", "3", "0"}, g.rowsAndSeals(t)); diff != "" {
				t.Errorf("rows, seals, unequal (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{ip + " " + deviceID}, slices.Compact(g.revealed(t))); diff != "" {
				t.Errorf("revealed (-want +got):\n%s", diff)
			}
			if name == "upsert" {
				keys := parseKeyring(t, keyring("0123456789abcdef"))
				want := []string{}
				for i := range 3 {
					token, _ := keys.TokenBy("k1", table.SubjectDomain, fmt.Sprintf("person%d", i))
					want = append(want, token)
				}
				got := g.db.QueryStrings(t, "select v.subject from sqs2pg_vault.user_logins v join user_logins using (sent_at, event_id) order by user_id")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("subjects (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// revealed opens all seals.
func (g guardedFunction) revealed(t *testing.T) (all []string) {
	t.Helper()
	unhex := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, row := range g.db.Query(t, `select (extract(epoch from v.sent_at) * 1000000)::bigint, replace(event_id::text, '-', ''), encode(v.sealed, 'hex'), replace(s.id::text, '-', ''), s.recipient, encode(s.enc, 'hex')
		from sqs2pg_vault.user_logins v join sqs2pg_vault.sessions s on s.id = v.session`) {
		opener, err := g.key.Session(t.Context(), vaultkey.Session{ID: [16]byte(unhex(row[3])), Recipient: row[4], Enc: unhex(row[5])})
		if err != nil {
			t.Fatal(err)
		}
		micros, _ := strconv.ParseInt(row[0], 10, 64)
		values, err := opener.Open(vault.Row{Table: "public.user_logins", SentAt: time.UnixMicro(micros), EventID: [16]byte(unhex(row[1]))}, unhex(row[2]))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.ReplaceAll(string(values.Raw("ip"))+" "+string(values.Raw("device_id")), `"`, ""))
	}
	return all
}

// before runs something before each of the first writes.
type before struct {
	ingest.Writer
	times int64
	do    func()
	done  atomic.Int64
}

func (b *before) Stream(ctx context.Context, epoch int64, chunks iter.Seq[[]postgres.Event]) (postgres.Result, error) {
	if b.done.Add(1) <= b.times {
		b.do()
	}
	return b.Writer.Stream(ctx, epoch, chunks)
}

// The set-up changes between the reading of the epoch and the write: the part is decoded and written
// again, and each message counts once.
func TestWritesAgainWhenTheEpochHasChanged(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 300} {
		t.Run(fmt.Sprintf("%d messages", n), func(t *testing.T) {
			t.Parallel()
			g := newGuarded(t, "")
			g.Tables[0].Writer = &before{Writer: g.Tables[0].Writer, times: 2, do: func() { g.erase(t, "person3", time.Now().Add(time.Hour)) }}
			e := logins(standard, n)
			e.Records[5].Body = `{}`
			if diff := cmp.Diff([]string{e.Records[5].MessageId}, g.invoke(t, e)); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			rows := float64(n - 2)
			got := g.counted(t, "Written", "Duplicates", "Erased", "Invalid", "Failed", "Received", "Undecided", "Unavailable")
			if diff := cmp.Diff([]float64{rows, 0, 1, 1, 1, float64(n), 0, 0}, got); diff != "" {
				t.Errorf("Written, Duplicates, Erased, Invalid, Failed, Received, Undecided, Unavailable (-want +got):\n%s", diff)
			}
			if len(g.lines(t)) != 1 {
				t.Errorf("%d lines, want one for the invalid message: %v", len(g.lines(t)), g.lines(t))
			}
			want := fmt.Sprint(rows)
			if diff := cmp.Diff([]string{want, want, "0"}, g.rowsAndSeals(t)); diff != "" {
				t.Errorf("rows, seals, unequal (-want +got):\n%s", diff)
			}
		})
	}
}

// A function that was started before its table got a vault and a subject gives everything back, and
// the function of the new contract writes it once. One of an older release compares less than this
// one, so it gets the database's own refusal.
func TestAnOlderFunctionWritesNothingUnsealed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, root, after, says string
		n                       int
	}{
		{"INSERT", "", "select", "ip can be recovered from the table, but has no x-recover in the contract", 10},
		{"COPY", "", "select", "ip can be recovered from the table, but has no x-recover in the contract", 300},
		{"upsert", `"x-write": {"mode": "upsert", "key": ["user_id"]},`, "select", "ip can be recovered from the table, but has no x-recover in the contract", 10},
		{"a release that compares less", "", "update sqs2pg.tables set recovered = null, subject = null", "deploy the release and the contract that the table was migrated for (SQLSTATE SQ007)", 300},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			plain := strings.NewReplacer(`, "x-subject": true`, "", `, "x-recover": true`, "").Replace(guardedLogins(test.root))
			g := unstarted(t, plain)
			g.Handler = g.startIn(t, fstest.MapFS{"user_logins.json": {Data: []byte(plain)}}, "user_logins")
			g.invoke(t, logins(standard, 1))
			guarded := parseContract(t, "user_logins", guardedLogins(test.root)).Table()
			if _, err := schema.Apply(t.Context(), postgrestest.Open(t, g.db.OwnerURL), guarded); err != nil {
				t.Fatal(err)
			}
			g.db.Exec(t, test.after)
			e := logins(standard, test.n)
			_, err := g.Invoke(t.Context(), payload(t, e))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want one that says %q", err, test.says)
			}
			if diff := cmp.Diff([]float64{float64(test.n), 1, 0, float64(test.n)}, g.counted(t, "SetupFault", "Written", "Rejected", "Unavailable")); diff != "" {
				t.Errorf("SetupFault, Written, Rejected, Unavailable (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"1", "0", "1"}, g.rowsAndSeals(t)); diff != "" {
				t.Errorf("rows, seals, unequal (-want +got):\n%s", diff)
			}

			g.db.Exec(t, "update sqs2pg.tables set recovered = $1, subject = $2", guarded.Recover, guarded.Subject)
			g.Handler = g.start(t, test.root)
			want := []string{strconv.Itoa(test.n + 1), strconv.Itoa(test.n), "1"}
			if test.name == "upsert" { // the first person's row is a newer event's now
				want = []string{strconv.Itoa(test.n), strconv.Itoa(test.n), "0"}
			}
			for range 2 {
				g.invoke(t, e)
				if diff := cmp.Diff(want, g.rowsAndSeals(t)); diff != "" {
					t.Errorf("the new function's rows, seals, unequal (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestReturnsBatchWhenTheEpochKeepsChanging(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, "")
	raise := &before{Writer: g.Tables[0].Writer, times: 1000, do: func() { g.db.Exec(t, "update sqs2pg.tables set epoch = epoch + 1") }}
	g.Tables[0].Writer = raise
	_, err := g.Invoke(t.Context(), payload(t, logins(standard, 10)))
	if err == nil || !strings.Contains(err.Error(), "SQ001") || strings.Contains(g.metrics.String(), "SetupFault") {
		t.Errorf("%v, want SQ001 and no fault of the set-up: %s", err, g.metrics)
	}
	if n := raise.done.Load(); n != 5 {
		t.Errorf("%d writes, want 5", n)
	}
	if got := g.counted(t, "Unavailable")[0]; got != 10 {
		t.Errorf("%v unavailable, want 10", got)
	}
}

// A part of the batch is committed when the epoch changes: only the rest is written again.
func TestKeepsWhatWasWrittenBeforeTheEpochChanged(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, "")
	// A row of the table's days in another chunk: 101 days make two transactions.
	e := logins(standard, 202)
	for i := range e.Records {
		e.Records[i].Attributes["SentTimestamp"] = strconv.FormatInt(time.Now().AddDate(0, 0, -i/2).UnixMilli(), 10)
	}
	g.invoke(t, logins(standard, 1))
	g.db.Exec(t, `create function raise_epoch() returns trigger language plpgsql security definer as $$ begin
			update sqs2pg.tables set epoch = epoch + 1; return null; end $$;
		create trigger raise_epoch after insert on user_logins for each statement execute function raise_epoch()`)
	g.metrics.Reset()
	if failed := g.invoke(t, e); len(failed) > 0 {
		t.Errorf("%d failed", len(failed))
	}
	got := g.counted(t, "Written", "Duplicates", "Received")
	if diff := cmp.Diff([]float64{202, 0, 202}, got); diff != "" {
		t.Errorf("Written, Duplicates, Received (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"203", "203", "0"}, g.rowsAndSeals(t)); diff != "" {
		t.Errorf("rows, seals, unequal (-want +got):\n%s", diff)
	}
}

func TestDoesNotWriteWhatAnErasedPersonSentBefore(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, "")
	erased := time.Now().Add(-time.Hour)
	g.erase(t, "person0", erased)
	e := logins(fifo, 3)
	for i, at := range []time.Time{erased.Add(-time.Millisecond), erased.Add(time.Millisecond), erased.Add(-time.Hour)} {
		e.Records[i].Attributes["SentTimestamp"] = strconv.FormatInt(at.UnixMilli(), 10)
		e.Records[i].Body = login(func(m map[string]any) { m["user_id"] = []string{"person0", "person0", "person1"}[i] })
	}
	for range 2 {
		if failed := g.invoke(t, grouped(e, "a", "a", "a")); len(failed) > 0 {
			t.Errorf("failed: %v", failed)
		}
	}
	if diff := cmp.Diff([]string{"person0", "person1"}, g.db.QueryStrings(t, "select user_id from user_logins order by 1")); diff != "" {
		t.Errorf("rows of (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{2, 2, 2, 0}, g.counted(t, "Erased", "Written", "Duplicates", "Failed")); diff != "" {
		t.Errorf("Erased, Written, Duplicates, Failed (-want +got):\n%s", diff)
	}
}

func TestRefusesKeyringThatCannotTellWhoWasErased(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, "")
	g.db.Exec(t, "insert into sqs2pg.erasures (key_id, subject, before, state) values ('k0', 'k0:00', now(), 'marked')")
	_, err := g.Invoke(t.Context(), payload(t, logins(standard, 1)))
	if err == nil || !strings.Contains(err.Error(), "masking key k0, which this keyring does not have") {
		t.Errorf("%v, want one that names the key k0", err)
	}
	if got := g.counted(t, "SetupFault")[0]; got != 1 {
		t.Errorf("SetupFault %v, want 1", got)
	}
}

func TestWritesEventsPastTheRetentionOfTheVaultWithoutSeal(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, "")
	g.db.Exec(t, "update sqs2pg.tables set vault_retention_days = 30")
	e := logins(standard, 4)
	for i, days := range []int{0, 28, 31, 400} {
		e.Records[i].Attributes["SentTimestamp"] = strconv.FormatInt(time.Now().AddDate(0, 0, -days).UnixMilli(), 10)
	}
	if failed := g.invoke(t, e); len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	if diff := cmp.Diff([]string{"4", "2", "2"}, g.rowsAndSeals(t)); diff != "" {
		t.Errorf("rows, seals, unequal (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{4, 2}, g.counted(t, "Written", "Unsealed")); diff != "" {
		t.Errorf("Written, Unsealed (-want +got):\n%s", diff)
	}
}

func TestWritesNothingUnlessItsSessionIsStored(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		breakIt, repair, says string
		warm                  bool // the function has a session already
	}{
		"right revoked":       {"revoke insert on sqs2pg_vault.sessions from sqs2pg_writer", "grant insert (id, recipient, enc) on sqs2pg_vault.sessions to sqs2pg_writer", "sqs2pg_vault.sessions", false},
		"recipient unknown":   {"alter table sqs2pg_vault.recipients rename to others; create table sqs2pg_vault.recipients (like sqs2pg_vault.others); grant select on sqs2pg_vault.recipients to sqs2pg_writer", "drop table sqs2pg_vault.recipients; alter table sqs2pg_vault.others rename to recipients", "run sqs2pg migrate with VAULT_PUBLIC_KEY", false},
		"vault dropped":       {"alter table sqs2pg_vault.user_logins rename to hidden", "alter table sqs2pg_vault.hidden rename to user_logins", "vault table sqs2pg_vault.user_logins is missing: run sqs2pg migrate", false},
		"vault dropped, warm": {"alter table sqs2pg_vault.user_logins rename to hidden", "alter table sqs2pg_vault.hidden rename to user_logins", "vault table sqs2pg_vault.user_logins is missing: run sqs2pg migrate", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, rows := newGuarded(t, ""), 0
			if test.warm {
				rows++
				g.invoke(t, logins(standard, 1))
			}
			g.db.Exec(t, test.breakIt)
			_, err := g.Invoke(t.Context(), payload(t, logins(standard, 1)))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want one that says %q", err, test.says)
			}
			if got := g.db.QueryStrings(t, "select count(*) from user_logins")[0]; got != strconv.Itoa(rows) {
				t.Errorf("%s rows, want %d", got, rows)
			}
			g.db.Exec(t, test.repair)
			if failed := g.invoke(t, logins(standard, 1)); len(failed) > 0 {
				t.Errorf("failed after the repair: %v", g.lines(t))
			}
		})
	}
}

func TestSealsNothingForAKeyThatWasRevokedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 300} {
		t.Run(fmt.Sprintf("%d messages", n), func(t *testing.T) {
			t.Parallel()
			g := newGuarded(t, "")
			g.invoke(t, logins(standard, 1))
			g.db.Exec(t, "update sqs2pg_vault.recipients set state = 'revoked' where id = $1", g.key.Public().ID())
			if _, err := g.Invoke(t.Context(), payload(t, logins(standard, n))); err == nil || !strings.Contains(err.Error(), "is revoked: set VAULT_PUBLIC_KEY to a new one") {
				t.Errorf("%v, want one that says what to do", err)
			}
			if diff := cmp.Diff([]string{"1", "1", "0"}, g.rowsAndSeals(t)); diff != "" {
				t.Errorf("rows, seals, unequal (-want +got):\n%s", diff)
			}
		})
	}
}

// A partition of the vault that somebody has dropped is made again.
func TestMakesMissingPartitionOfTheVault(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 300} {
		t.Run(fmt.Sprintf("%d messages", n), func(t *testing.T) {
			t.Parallel()
			g := newGuarded(t, "")
			g.invoke(t, logins(standard, 1))
			g.db.Exec(t, "do $$ begin execute (select string_agg('drop table ' || inhrelid::regclass, '; ') from pg_inherits where inhparent = 'sqs2pg_vault.user_logins'::regclass); end $$")
			if failed := g.invoke(t, logins(standard, n)); len(failed) > 0 {
				t.Errorf("failed: %v", g.lines(t)[0])
			}
			if got := g.db.QueryStrings(t, "select count(*) from sqs2pg_vault.user_logins")[0]; got != strconv.Itoa(n) {
				t.Errorf("%s seals, want %d", got, n)
			}
		})
	}
}

func TestStartNeedsThePublicKeyOfTheVault(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ setting, says string }{
		"missing":   {"VAULT_PUBLIC_KEY=", "VAULT_PUBLIC_KEY is missing, and the contract user_logins has x-recover: set it"},
		"not a key": {"VAULT_PUBLIC_KEY=DHKEM-P256:AAAA", "VAULT_PUBLIC_KEY: "},
	} {
		env := environment("DATABASE_URL=postgres://u:p@127.0.0.1:1/d", test.setting)
		env.Folder = fstest.MapFS{"user_logins.json": {Data: []byte(guardedLogins(""))}}
		_, _, err := ingest.New(t.Context(), env, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "no masking keyring") {
			t.Errorf("%s: %v, want %q beside the other errors", name, err, test.says)
		}
	}
}

// Each table is entered by itself: one whose epoch changes is written again, and the other is not.
func TestGuardsEachOfSeveralTables(t *testing.T) {
	t.Parallel()
	for _, arn := range []string{standard, fifo} {
		t.Run(arn, func(t *testing.T) {
			t.Parallel()
			folder, key := fstest.MapFS{}, newVaultKey(t)
			var tables []contract.Table
			for _, name := range []string{"orders", "refunds"} {
				text := `{"x-table": "` + name + `", "x-match": {"body": {"type": ["` + name + `"]}}, "type": "object", "required": ["who", "n"], "properties": {
					"who": {"type": "string", "x-mask": "token", "x-subject": true}, "n": {"type": "integer"}, "card": {"type": "string", "x-mask": "last-4", "x-recover": true}}}`
				folder[name+".json"] = &fstest.MapFile{Data: []byte(text)}
				tables = append(tables, parseContract(t, name, text).Table())
			}
			db := postgrestest.New(t, tables...)
			register(t, db, key)
			g := guardedFunction{&function{db: db, log: &bytes.Buffer{}, metrics: &bytes.Buffer{}}, key}
			g.Handler = g.startIn(t, folder, "orders,refunds")
			g.erase(t, "person1", time.Now().Add(time.Hour))
			raise := &before{Writer: g.Tables[1].Writer, times: 1, do: func() { db.Exec(t, "update sqs2pg.tables set epoch = epoch + 1 where table_name = 'refunds'") }}
			g.Tables[1].Writer = raise
			e := logins(arn, 30)
			for i := range e.Records {
				e.Records[i].Body = fmt.Sprintf(`{"type": %q, "who": "person%d", "n": %d, "card": "4111111111111111"}`, []string{"orders", "refunds"}[i%2], i%3, i)
			}
			if arn == fifo {
				e = grouped(e, slices.Repeat([]string{"a", "a", "b"}, 10)...)
			}
			if failed := g.invoke(t, e); len(failed) > 0 {
				t.Errorf("failed: %s", g.log)
			}
			for _, name := range []string{"orders", "refunds"} {
				rows := db.Query(t, `select count(t.n), count(v.sealed), count(distinct v.session) from `+name+` t full join sqs2pg_vault.`+name+` v using (sent_at, event_id)`)[0]
				if diff := cmp.Diff([]string{"10", "10", "1"}, rows); diff != "" {
					t.Errorf("%s: rows, seals, sessions (-want +got):\n%s", name, diff)
				}
			}
			if diff := cmp.Diff([]float64{20, 10, 0, 0}, g.counted(t, "Written", "Erased", "Duplicates", "Failed")); diff != "" {
				t.Errorf("Written, Erased, Duplicates, Failed (-want +got):\n%s", diff)
			}
		})
	}
}
