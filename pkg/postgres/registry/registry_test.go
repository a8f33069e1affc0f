package registry_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// visits has a token, a plain column, an optional one and a required one.
func visits() contract.Table {
	return contract.Table{Schema: "public", Name: "visits", Columns: []contract.Column{
		{Name: "email", Mask: mask.Token, Domain: "email", Required: true, Path: "email"},
		{Name: "page", Required: true, Path: "page"},
		{Name: "referrer", Path: "referrer"},
	}}
}

// people is an upsert table that is keyed by a token.
func people() contract.Table {
	return contract.Table{Schema: "public", Name: "people", Mode: contract.Upsert, Key: []string{"email"}, Columns: []contract.Column{
		{Name: "email", Mask: mask.Token, Required: true, Path: "email"},
		{Name: "city", Path: "city"},
	}}
}

// with returns the table with one column changed.
func with(table contract.Table, name string, change func(*contract.Column)) contract.Table {
	table.Columns = append([]contract.Column{}, table.Columns...)
	for i := range table.Columns {
		if table.Columns[i].Name == name {
			change(&table.Columns[i])
		}
	}
	return table
}

func without(table contract.Table, name string) contract.Table {
	var kept []contract.Column
	for _, c := range table.Columns {
		if c.Name != name {
			kept = append(kept, c)
		}
	}
	table.Columns = kept
	return table
}

func plus(table contract.Table, c contract.Column) contract.Table {
	table.Columns = append(append([]contract.Column{}, table.Columns...), c)
	return table
}

const (
	keyOne = "0123456789abcdefghijklmnopqrstuvwxyz"
	keyTwo = "zyxwvutsrqponmlkjihgfedcba9876543210"
)

func keyring(t *testing.T, text string) *mask.Keyring {
	t.Helper()
	k, err := mask.ParseKeyring([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func one(t *testing.T) *mask.Keyring { return keyring(t, `{"current": "k1", "k1": "`+keyOne+`"}`) }

func read(t *testing.T, db *postgrestest.Database, table contract.Table) registry.Database {
	t.Helper()
	var d registry.Database
	err := db.Pool.Pgx().AcquireFunc(t.Context(), func(conn *pgxpool.Conn) (err error) {
		d, err = registry.Read(t.Context(), conn, table)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRefusesRowsThatDoNotFitTheTable(t *testing.T) {
	t.Parallel()
	upsert := visits()
	upsert.Mode, upsert.Key = contract.Upsert, []string{"email"}
	for _, test := range []struct {
		name   string
		table  contract.Table
		byHand string
		want   []string // the column, both sides, what to do
	}{
		{"a mask that was removed", with(visits(), "email", func(c *contract.Column) { c.Mask = mask.None }), "",
			[]string{"column email", "masked by token", "says none", "keep the mask"}},
		{"a mask that was changed", with(visits(), "email", func(c *contract.Column) { c.Mask = mask.SHA256 }), "",
			[]string{"column email", "masked by token", "says sha256-8", "keep the mask"}},
		{"another domain of its tokens", with(visits(), "email", func(c *contract.Column) { c.Domain = "person" }), "",
			[]string{"column email", "tokens of domain email", "tokens of domain person", "keep the domain"}},
		{"another form of its tokens", with(visits(), "email", func(c *contract.Column) { c.Form = "ip" }), "",
			[]string{"column email", "tokens of domain email and", "form ip"}},
		{"a mask that was added", with(visits(), "page", func(c *contract.Column) { c.Mask = mask.Token }), "",
			[]string{"column page", "as they were sent", "says token", "another x-column"}},
		{"a column that is not migrated", plus(visits(), contract.Column{Name: "country"}), "",
			[]string{"column country", "in the contract", "not in the table", "sqs2pg migrate"}},
		{"a required column that is not migrated", plus(visits(), contract.Column{Name: "country", Required: true}), "",
			[]string{"column country", "new and required", "optional"}},
		{"a column added by hand", plus(visits(), contract.Column{Name: "country"}), "alter table visits add column country text",
			[]string{"column country", "by hand", "sqs2pg migrate"}},
		{"optional over not null", with(visits(), "page", func(c *contract.Column) { c.Required = false }), "",
			[]string{"column page", "not null in the table", "optional in the contract", "drop not null"}},
		{"a required column that the contract lacks", without(visits(), "page"), "",
			[]string{"column page", "not null in the table", "no longer in the contract", "put it back"}},
		{"a column that no row can fill", visits(), "alter table visits add column batch int not null",
			[]string{"column batch", "not null without a default", "give it a default"}},
		{"another mode", upsert, "", []string{"made for mode insert", "says upsert", "keep the mode"}},
		{"a changed type", with(visits(), "page", func(c *contract.Column) { c.Type = contract.BigInt }), "",
			[]string{"column page", "text in the table", "bigint in the contract", "keep the type"}},
		{"a key that was dropped", visits(), "alter table visits drop constraint visits_pkey",
			[]string{"primary key is ()", "must be (sent_at, event_id)", "restore it"}},
		{"a column that was dropped", visits(), "alter table visits drop column referrer",
			[]string{"column referrer", "dropped from the table", `add column "referrer" text`}},
		{"a table that was dropped", visits(), "drop table visits", []string{"public.visits", "missing", "sqs2pg migrate"}},
		{"a right to insert that was revoked", visits(), "revoke insert on visits from sqs2pg_writer",
			[]string{"lacks insert", "sqs2pg_writer"}},
		{"a right to partitions that was revoked", visits(), "revoke execute on function sqs2pg.ensure_partitions from sqs2pg_writer",
			[]string{"lacks execute on sqs2pg.ensure_partitions"}},
		{"a table that was never migrated", with(people(), "", nil), "", []string{"public.people", "not migrated", "sqs2pg migrate"}},
		{"a database that was never migrated", visits(), "drop schema sqs2pg cascade", []string{"public.visits", "not migrated", "sqs2pg migrate"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, visits())
			if test.byHand != "" {
				db.Exec(t, test.byHand)
			}
			_, err := registry.Check(t.Context(), db.Pool, test.table, one(t))
			mismatch, ok := errors.AsType[*registry.Mismatch](err)
			if !ok {
				t.Fatalf("got %v, want a mismatch", err)
			}
			for _, want := range test.want {
				if !strings.Contains(mismatch.Error(), want) {
					t.Errorf("%q is not in: %v", want, mismatch)
				}
			}
		})
	}
}

func TestToleratesWhatOldAndNewCodeCanWriteSideBySide(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		table  contract.Table
		byHand string
		want   []string
	}{
		{"nothing", visits(), "", nil},
		{"an optional column that an older contract lacks", without(visits(), "referrer"), "",
			[]string{"column referrer is in the table but not in this contract: rows of this contract leave it empty"}},
		{"a column added by hand", visits(), "alter table visits add column note text", nil},
		{"a column added by hand with a default", visits(), "alter table visits add column batch int not null default 0", nil},
		{"a required column that may be null", with(visits(), "referrer", func(c *contract.Column) { c.Required = true }), "",
			[]string{`column referrer is required in the contract but may be null in the table: to change that, fill it and run alter table "public"."visits" alter column "referrer" set not null`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, visits())
			if test.byHand != "" {
				db.Exec(t, test.byHand)
			}
			differences, err := registry.Check(t.Context(), db.Pool, test.table, one(t))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range differences {
				got = append(got, d.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("tolerated (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusesAnotherKeyOfTheSameName(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, visits(), people())
	if _, err := registry.Check(t.Context(), db.Pool, visits(), one(t)); err != nil {
		t.Fatal(err)
	}
	forked := keyring(t, `{"current": "k1", "k1": "`+keyTwo+`"}`)
	for _, table := range []contract.Table{visits(), people()} {
		_, err := registry.Check(t.Context(), db.Pool, table, forked)
		if err == nil || !strings.Contains(err.Error(), one(t).Fingerprints()[0].Fingerprint) || !strings.Contains(err.Error(), forked.Fingerprints()[0].Fingerprint) {
			t.Errorf("%s: got %v, want a refusal with both fingerprints", table.Name, err)
		}
	}
	rotated := keyring(t, `{"current": "k2", "k1": "`+keyOne+`", "k2": "`+keyTwo+`"}`)
	if _, err := registry.Check(t.Context(), db.Pool, visits(), rotated); err != nil {
		t.Errorf("a new key id: %v", err)
	}
	want := []registry.Key{{ID: "k1", Fingerprint: rotated.Fingerprints()[0].Fingerprint}, {ID: "k2", Fingerprint: rotated.Fingerprints()[1].Fingerprint}}
	if diff := cmp.Diff(want, read(t, db, visits()).Keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestAContractWithoutTokensFitsEveryKeyring(t *testing.T) {
	t.Parallel()
	table := visits()
	table.Columns = table.Columns[1:]
	db := postgrestest.New(t, table)
	for _, text := range []string{`{"current": "k1", "k1": "` + keyOne + `"}`, `{"current": "k1", "k1": "` + keyTwo + `"}`} {
		if _, err := registry.Check(t.Context(), db.Pool, table, keyring(t, text)); err != nil {
			t.Error(err)
		}
	}
	if keys := read(t, db, table).Keys; len(keys) > 0 {
		t.Errorf("registered %v, want no key", keys)
	}
}

func TestRefusesAnUpsertTableThatMayNotBeUpdated(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, people())
	db.Exec(t, "revoke update on people from sqs2pg_writer")
	if _, err := registry.Check(t.Context(), db.Pool, people(), one(t)); !strings.Contains(errorText(err), "lacks update") {
		t.Errorf("got %v, want the missing right", err)
	}
}

func TestAnUpsertTableKeyedByATokenStaysWithItsKey(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, people(), visits())
	if _, err := registry.Check(t.Context(), db.Pool, people(), one(t)); err != nil {
		t.Fatal(err)
	}
	rotated := keyring(t, `{"current": "k2", "k1": "`+keyOne+`", "k2": "`+keyTwo+`"}`)
	_, err := registry.Check(t.Context(), db.Pool, people(), rotated)
	if err == nil || !strings.Contains(err.Error(), `set "current" to k1`) {
		t.Errorf("got %v, want a refusal that names k1", err)
	}
	if _, err := registry.Check(t.Context(), db.Pool, visits(), rotated); err != nil {
		t.Errorf("an insert table: %v", err)
	}
	back := keyring(t, `{"current": "k1", "k1": "`+keyOne+`", "k2": "`+keyTwo+`"}`)
	if _, err := registry.Check(t.Context(), db.Pool, people(), back); err != nil {
		t.Errorf("with the old current key: %v", err)
	}
}

func TestTokensOfAnEarlierReleaseMustBeConfirmed(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, visits())
	db.Exec(t, "update sqs2pg.tables set unconfirmed_key = 'k1'")
	key := one(t).Fingerprints()[0]
	_, err := registry.Check(t.Context(), db.Pool, visits(), one(t))
	if err == nil || !strings.Contains(err.Error(), "sqs2pg migrate --confirm-key k1="+key.Fingerprint) {
		t.Fatalf("got %v, want a refusal that says how to confirm", err)
	}
	if keys := read(t, db, visits()).Keys; len(keys) > 0 {
		t.Errorf("registered %v before it was confirmed", keys)
	}
	owner := postgrestest.Open(t, db.OwnerURL)
	for range 2 {
		if err := schema.ConfirmKeys(t.Context(), owner, key); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := registry.Check(t.Context(), db.Pool, visits(), one(t)); err != nil {
		t.Errorf("once confirmed: %v", err)
	}
	for _, test := range []struct {
		key  mask.Fingerprint
		want string
	}{
		{mask.Fingerprint{ID: "k1", Fingerprint: "0123456789abcdef"}, key.Fingerprint},
		{mask.Fingerprint{ID: "kl", Fingerprint: key.Fingerprint}, "no token of an earlier release was made by it"},
	} {
		if err := schema.ConfirmKeys(t.Context(), owner, test.key); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: got %v, want a refusal with %s", test.key, err, test.want)
		}
	}
	if diff := cmp.Diff([]registry.Key{{ID: "k1", Fingerprint: key.Fingerprint}}, read(t, db, visits()).Keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestTheWriterMayNotChangeTheRegistry(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, visits())
	for _, sql := range []string{
		"update sqs2pg.tables set unconfirmed_key = null", "delete from sqs2pg.keys", "truncate sqs2pg.keys",
		"insert into sqs2pg.keys (key_id, fingerprint) values ('k9', '0123456789abcdef')",
	} {
		if _, err := db.Pool.Pgx().Exec(t.Context(), sql); err == nil {
			t.Errorf("%s: allowed", sql)
		}
	}
}

func TestAGateAsksOnceUntilItIsShut(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, visits())
	gate := registry.Gate{Pool: db.Pool, Table: visits(), Log: slog.New(slog.DiscardHandler), Now: time.Now}
	k := one(t)
	if _, err := gate.Enter(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "alter table visits drop column referrer")
	if _, err := gate.Enter(t.Context(), k); err != nil {
		t.Errorf("an open gate: %v", err)
	}
	gate.Shut()
	if _, err := gate.Enter(t.Context(), k); !strings.Contains(errorText(err), "referrer") {
		t.Errorf("a gate that was shut: got %v, want the column referrer", err)
	}
	db.Exec(t, "alter table visits add column referrer text")
	if _, err := gate.Enter(t.Context(), k); err != nil {
		t.Errorf("after the repair: %v", err)
	}
	if _, err := gate.Enter(t.Context(), keyring(t, `{"current": "k1", "k1": "`+keyTwo+`"}`)); err == nil {
		t.Error("another keyring went through")
	}
}

// What a function read before the gate was shut must not open it again.
func TestAGateThatIsShutDuringEnterStaysShut(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, visits())
	var gate registry.Gate
	gate = registry.Gate{Pool: db.Pool, Table: visits(), Log: slog.New(during(func() { gate.Shut() })), Now: time.Now}
	db.Exec(t, "alter table visits add column later text; update sqs2pg.tables set columns = columns || '[{\"name\": \"later\", \"type\": \"text\", \"mask\": \"none\"}]'")
	k := one(t)
	if _, err := gate.Enter(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "alter table visits drop column referrer")
	if _, err := gate.Enter(t.Context(), k); !strings.Contains(errorText(err), "referrer") {
		t.Errorf("got %v, want the column referrer", err)
	}
}

// during calls itself for each line of a log: a gate logs between its question and its passing.
type during func()

func (during) Enabled(context.Context, slog.Level) bool    { return true }
func (d during) Handle(context.Context, slog.Record) error { d(); return nil }
func (d during) WithAttrs([]slog.Attr) slog.Handler        { return d }
func (d during) WithGroup(string) slog.Handler             { return d }

func TestAGateReturnsTheWindowOfTheTable(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, visits(), people())
	k, now := one(t), time.Now()
	newGate := func(table contract.Table) *registry.Gate {
		return &registry.Gate{Pool: db.Pool, Table: table, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
	}
	gate := newGate(visits())
	for _, step := range []struct {
		name string
		gate *registry.Gate
		days string // the table's retention when the gate is asked
		wait time.Duration
		want registry.Window
	}{
		{"as migrated", gate, "null", 0, registry.Window{Days: 1826, Minutes: 24 * 60}},
		{"of a table in upsert mode", newGate(people()), "null", 0, registry.Window{Days: 1826, Minutes: 15}},
		{"changed, doubted after a minute", gate, "400", time.Minute, registry.Window{Days: 1826, Minutes: 24 * 60}},
		{"changed, doubted after more than a minute", gate, "400", time.Second, registry.Window{Days: 400, Minutes: 24 * 60}},
	} {
		db.Exec(t, "update sqs2pg.tables set retention_days = "+step.days)
		now = now.Add(step.wait)
		step.gate.Doubt()
		if pass, err := step.gate.Enter(t.Context(), k); err != nil || pass.Window != step.want {
			t.Errorf("%s: %+v, %v; want %+v", step.name, pass, err, step.want)
		}
	}
}

// A database of the release before keeps masking keys already, and is not migrated yet.
func TestKeysAreKnownBeforeTheMigration(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, visits())
	if _, err := registry.Check(t.Context(), db.Pool, visits(), one(t)); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "drop function sqs2pg.enter")
	d := read(t, db, visits())
	if refused := errorText(registry.Refusal(d.Compare(visits()))); !d.HoldsTokens() || !strings.Contains(refused, "not migrated") {
		t.Errorf("tokens %v, refusal %q; want tokens, and that it is not migrated", d.HoldsTokens(), refused)
	}
}

func TestADatabaseThatIsDownIsNotAMismatch(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, visits())
	gone := postgrestest.Open(t, strings.Replace(db.URL, "?", "_gone?", 1))
	_, err := registry.Check(t.Context(), gone, visits(), one(t))
	if _, ok := errors.AsType[*postgres.Unavailable](err); !ok {
		t.Errorf("got %v, want Unavailable", err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
