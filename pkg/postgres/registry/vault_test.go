package registry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/registry"
)

// sealed is a table with a vault and a subject.
func sealed(table contract.Table) contract.Table {
	table.Recover, table.Subject = []string{"page", "referrer"}, "email"
	return table
}

func recovering(table contract.Table, paths ...string) contract.Table {
	table.Recover = paths
	return table
}

func about(table contract.Table, column string) contract.Table {
	table.Subject = column
	return table
}

func TestRefusesToSealLessThanBefore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string
		migrated, table contract.Table
		byHand          string
		want            []string // in the refusal
	}{
		{"x-recover that was removed", sealed(visits()), recovering(sealed(visits()), "page"), "",
			[]string{"referrer can be recovered from the table", "no x-recover in the contract", "put it back"}},
		{"every x-recover removed", sealed(visits()), recovering(sealed(visits())), "", []string{"page can be", "referrer can be"}},
		{"x-subject that was removed", sealed(visits()), about(sealed(visits()), ""), "", []string{"column email says whom", "put x-subject back"}},
		{"another x-subject", sealed(visits()), about(sealed(visits()), "page"), "", []string{"column email says whom", "use another x-table"}},
		{"x-recover that is not migrated", visits(), recovering(visits(), "page"), "", []string{"page has x-recover in the contract", "run sqs2pg migrate", "older rows"}},
		{"one more x-recover", recovering(visits(), "page"), recovering(visits(), "page", "referrer"), "", []string{"referrer has x-recover in the contract", "run sqs2pg migrate"}},
		{"x-subject that is not migrated", visits(), about(visits(), "email"), "", []string{"email has x-subject in the contract", "run sqs2pg migrate"}},
		{"a vault table that was dropped", sealed(visits()), sealed(visits()), "drop table sqs2pg_vault.visits", []string{"vault table sqs2pg_vault.visits is missing", "run sqs2pg migrate"}},
		{"a guard that was dropped", sealed(visits()), sealed(visits()), "drop trigger sqs2pg_guard on visits", []string{"its trigger sqs2pg_guard is missing or disabled", "run sqs2pg migrate"}},
		{"a guard that is off", about(people(), "email"), about(people(), "email"), "alter table people disable trigger all", []string{"its trigger sqs2pg_guard is missing or disabled", "run sqs2pg migrate"}},
		{"a vault table without its key", sealed(visits()), sealed(visits()), "alter table sqs2pg_vault.visits drop constraint visits_pkey", []string{"has the primary key ()", "restore (sent_at, event_id)"}},
		{"a vault table of another kind", sealed(people()), sealed(people()), "drop table sqs2pg_vault.people; create view sqs2pg_vault.people as select 1", []string{"is another kind of relation"}},
		{"a table where the vault will be", visits(), sealed(visits()), "create table sqs2pg_vault.visits (id int)", []string{"a table sqs2pg_vault.visits is there that no migration has made: rename it"}},
		{"no right to seal", sealed(visits()), sealed(visits()), "revoke insert on sqs2pg_vault.visits from sqs2pg_writer", []string{"lacks insert on sqs2pg_vault.visits: run sqs2pg migrate"}},
		{"no right to the vault's schema", sealed(people()), sealed(people()), "revoke usage on schema sqs2pg_vault from sqs2pg_writer",
			[]string{"lacks insert on sqs2pg_vault.people, insert on sqs2pg_vault.sessions, select on sqs2pg_vault.recipients"}},
		{"no right to sessions", sealed(visits()), sealed(visits()), "revoke all (id, recipient, enc) on sqs2pg_vault.sessions from sqs2pg_writer", []string{"lacks insert on sqs2pg_vault.sessions"}},
		{"no right to enter", about(visits(), "email"), about(visits(), "email"), "revoke all on function sqs2pg.enter, sqs2pg.list_erasures from sqs2pg_writer",
			[]string{"lacks execute on sqs2pg.enter, execute on sqs2pg.list_erasures"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, test.migrated)
			if test.byHand != "" {
				db.Exec(t, test.byHand)
			}
			d := read(t, db, test.table)
			refused := errorText(registry.Refusal(append(d.Compare(test.table), d.Rights(test.table)...)))
			for _, part := range test.want {
				if !strings.Contains(refused, part) {
					t.Errorf("%q does not say %q", refused, part)
				}
			}
		})
	}
}

// A table without x-recover and x-subject needs none of the vault's rights.
func TestUnguardedTablesNeedNothingOfTheVault(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, visits())
	db.Exec(t, "revoke usage on schema sqs2pg_vault from sqs2pg_writer; revoke all on function sqs2pg.enter, sqs2pg.list_erasures from sqs2pg_writer")
	if _, err := registry.Check(t.Context(), db.Pool, visits(), one(t)); err != nil {
		t.Error(err)
	}
}

func TestReadTellsWhatIsKnownOfTheVault(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealed(visits()))
	db.Exec(t, `
		delete from sqs2pg_vault.recipients;
		insert into sqs2pg_vault.recipients values ('r1', 'k', 'p1', '', 'active'), ('r2', 'k', 'p2', '', 'revoked');
		insert into sqs2pg.erasures (key_id, subject, before, state) values
		  ('k1', 'k1:aa', '2026-01-01Z', 'done'), ('k1', 'k1:aa', '2026-02-01Z', 'done'), ('k2', 'k2:aa', '2026-01-01Z', 'done'), ('k1', null, '2026-03-01Z', 'done');
		update sqs2pg.tables set retention_days = 30, vault_retention_days = 7`)
	d := read(t, db, sealed(visits()))
	got := registry.Database{Table: &registry.Registration{Recovered: d.Table.Recovered, Subject: d.Table.Subject, VaultDays: d.Table.VaultDays}, Recipients: d.Recipients}
	want := registry.Database{
		Table:      &registry.Registration{Recovered: []string{"page", "referrer"}, Subject: "email", VaultDays: 7},
		Recipients: []registry.Recipient{{ID: "r1", State: "active"}, {ID: "r2", State: "revoked"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	at := func(month time.Month) time.Time { return time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC) }
	erasures := []registry.Erasure{{KeyID: "k1", Subject: "k1:aa", Before: at(2)}, {KeyID: "k2", Subject: "k2:aa", Before: at(1)}}
	if diff := cmp.Diff(erasures, d.Erasures, cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("the later of two erasures counts, and none that is forgotten (-want +got):\n%s", diff)
	}
	for id, want := range map[string]string{"r1": "", "r2": "public key r2 is revoked", "r3": "does not know the vault's public key r3, but r1: use that key, or run sqs2pg migrate with the new VAULT_PUBLIC_KEY"} {
		if refused := errorText(registry.Refusal(d.CompareRecipient(sealed(visits()), id))); !strings.Contains(refused, want) || want == "" && refused != "" {
			t.Errorf("%s: got %q, want %q", id, refused, want)
		}
	}
	if differences := d.CompareRecipient(visits(), "r3"); differences != nil {
		t.Errorf("without x-recover: %v", differences)
	}
}

// MigratedBy takes the place of a database.
func TestMigratedByKnowsTheVault(t *testing.T) {
	t.Parallel()
	for _, table := range []contract.Table{sealed(visits()), sealed(people()), visits(), about(people(), "city")} {
		d := registry.MigratedBy(table)
		if differences := d.Compare(table); differences != nil {
			t.Errorf("%+v: %v", table, differences)
		}
	}
}
