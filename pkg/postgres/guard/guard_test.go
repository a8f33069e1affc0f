package guard_test

import (
	"strings"
	"testing"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/guard"
	"sqs2pg/pkg/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func TestEachWeaknessOfTheVaultIsFoundAlone(t *testing.T) {
	t.Parallel()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	table := c.Table()
	table.Recover = []string{"ip"}
	for name, test := range map[string]struct {
		sql   string
		owner string // what the owner is told
		user  string // and the writer
	}{
		"nothing":                                {"", "", ""},
		"a login that does both":                 {"create role {role} login in role sqs2pg_writer, sqs2pg_revealer", "{role} may write and reveal", "{role} may write and reveal"},
		"a writer that reads the vault":          {"create role {role} login in role sqs2pg_writer; grant select (sealed) on sqs2pg_vault.user_logins to {role}", "{role} may write, and may read the vault", "{role} may write, and may read the vault"},
		"a writer that reads sessions":           {"create role {role} login in role sqs2pg_writer; grant select on sqs2pg_vault.sessions to {role}", "{role} may write, and may read the vault", "{role} may write, and may read the vault"},
		"a revealer that reads the vault":        {"create role {role} login in role sqs2pg_revealer; grant select on sqs2pg_vault.user_logins to {role}", "{role} may reveal, and may read the vault without the audit", "{role} may reveal, and may read the vault without the audit"},
		"a revealer that reads later partitions": {"create role {role} login in role sqs2pg_revealer; alter default privileges grant select on tables to {role}; select sqs2pg.make_partitions('user_logins', array[current_date + 300])", "{role} may reveal, and may read the vault", "{role} may reveal, and may read the vault"},
		"a revealer that reads all":              {"create role {role} login in role sqs2pg_revealer, pg_read_all_data", "{role} may reveal, and may read the vault", "{role} may reveal, and may read the vault"},
		"a revealer as it is made":               {"create role {role} login in role sqs2pg_revealer", "", ""},
		"rows without their session": {
			"insert into sqs2pg_vault.user_logins (sent_at, event_id, session, sealed) values (now(), gen_random_uuid(), gen_random_uuid(), '')", "sealed rows whose session is lost: 1;", ""},
		"a schema where everybody creates": {"grant create on schema public to public", "revoke create on schema public from public", "revoke create on schema public from public"},
		"no vault table":                   {"drop table sqs2pg_vault.user_logins", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, table)
			role := strings.Replace(db.QueryStrings(t, "select current_database()")[0], "sqs2pg_", "sqs2pg_guard_", 1)
			named := strings.NewReplacer("{role}", role)
			if test.sql != "" {
				db.Exec(t, named.Replace(test.sql))
			}
			t.Cleanup(func() {
				db.Exec(t, "do $$ begin if to_regrole('"+role+"') is not null then drop owned by "+role+"; drop role "+role+"; end if; end $$")
			})
			for who, look := range map[string]struct {
				pool *postgres.Pool
				want string
			}{"the owner": {postgrestest.Open(t, db.OwnerURL), test.owner}, "the writer": {db.Pool, test.user}} {
				wrong, err := guard.Look(t.Context(), look.pool, table)
				// Roles are the server's, so those of other tests are found as well.
				var own []string
				for _, w := range wrong {
					if test.sql == "" || strings.Contains(w, role) || strings.Contains(w, "is lost") || strings.Contains(w, "everybody") {
						own = append(own, w)
					}
				}
				if text := strings.Join(own, "\n"); err != nil || look.want == "" != (text == "") || !strings.Contains(text, named.Replace(look.want)) {
					t.Errorf("%s is told %q, %v, want %q", who, text, err, look.want)
				}
			}
		})
	}
}

// It is not parallel: roles are the server's, and the other tests need this one.
func TestARoleThatARestoreLacksIsNamed(t *testing.T) {
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	db := postgrestest.New(t, c.Table())
	db.Exec(t, "alter role sqs2pg_auditor rename to sqs2pg_guard_lost")
	t.Cleanup(func() { db.Exec(t, "alter role sqs2pg_guard_lost rename to sqs2pg_auditor") })
	wrong, err := guard.Look(t.Context(), db.Pool, c.Table())
	if len(wrong) != 1 || err != nil || !strings.Contains(wrong[0], "lacks the roles sqs2pg_auditor,") {
		t.Errorf("got %q, %v, want the role that is missing", wrong, err)
	}
}

func TestTableWithoutAVaultHasNothingWrong(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	if wrong, err := guard.Look(t.Context(), db.Pool, contract.Table{Schema: "public", Name: "user_logins"}); wrong != nil || err != nil {
		t.Errorf("%v, %v", wrong, err)
	}
}
