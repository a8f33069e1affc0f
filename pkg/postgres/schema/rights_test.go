package schema_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/postgrestest"
)

// rightsSQL lists all rights of our roles on anything in the database, and those of everybody on what
// is ours. A star marks a right that may be passed on.
const rightsSQL = `
	with ours as (select oid, rolname from pg_roles where rolname ~ '^sqs2pg_[a-z]+$'),
	objects (kind, name, is_ours, acl) as (
	  select case c.relkind when 'S' then 'sequence' else 'table' end, n.nspname || '.' || c.relname, n.nspname like 'sqs2pg%', c.relacl from pg_class c join pg_namespace n on n.oid = c.relnamespace
	  union all select 'column', n.nspname || '.' || c.relname || '.' || a.attname, n.nspname like 'sqs2pg%', a.attacl
	  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
	  union all select 'function', n.nspname || '.' || p.proname, n.nspname like 'sqs2pg%', coalesce(p.proacl, acldefault('f', p.proowner)) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
	  union all select 'schema', nspname, nspname like 'sqs2pg%', nspacl from pg_namespace
	  union all select 'default', coalesce(n.nspname, 'all schemas') || ' ' || d.defaclobjtype::text, true, d.defaclacl from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace
	  union all select 'database', 'this', false, datacl from pg_database where datname = current_database()
	  union all select 'type', n.nspname || '.' || t.typname, false, t.typacl from pg_type t join pg_namespace n on n.oid = t.typnamespace
	  union all select 'language', lanname, false, lanacl from pg_language
	  union all select 'large object', oid::text, false, lomacl from pg_largeobject_metadata
	  union all select 'parameter', parname, false, paracl from pg_parameter_acl
	)
	select coalesce(r.rolname, 'everybody') || ': ' || o.kind || ' ' || o.name || ': '
	  || string_agg(lower(a.privilege_type) || case when a.is_grantable then '*' else '' end, ', ' order by a.privilege_type)
	from objects o cross join aclexplode(o.acl) a left join ours r on r.oid = a.grantee
	where r.oid is not null or a.grantee = 0 and o.is_ours
	group by r.rolname, o.kind, o.name
	union all
	select rolname || ': role' || case when rolsuper then ' superuser' else '' end || case when rolcreaterole then ' createrole' else '' end
	  || case when rolcreatedb then ' createdb' else '' end || case when rolcanlogin then ' login' else '' end
	  || case when rolreplication then ' replication' else '' end || case when rolbypassrls then ' bypassrls' else '' end
	  || coalesce((select ' member of ' || string_agg(roleid::regrole::text, ', ' order by 1) from pg_auth_members m where m.member = r.oid), '')
	from pg_roles r where oid in (select oid from ours)
	order by 1`

// A new grant must be looked at by a person, so it fails here until the file has it.
func TestRightsAreThoseOfTheFile(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealedLogins(), sealedProfiles())
	golden := filepath.Join("testdata", "rights.txt")
	got := strings.Join(db.QueryStrings(t, rightsSQL), "\n") + "\n"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("rights (-want +got), UPDATE=1 writes %s anew:\n%s", golden, diff)
	}
}

// as returns a pool of a new login that is a member of the role.
func as(t *testing.T, db *postgrestest.Database, role string) *postgres.Pool {
	t.Helper()
	u, err := url.Parse(db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/") + "_" + strings.TrimPrefix(role, "sqs2pg_")
	db.Exec(t, "create role "+name+" login password 'secret' in role "+role)
	t.Cleanup(func() { db.Exec(t, "drop role "+name) })
	u.User = url.UserPassword(name, "secret")
	return postgrestest.Open(t, u.String())
}

// forbidden are statements that each of the roles may not run, unless allowed names it.
var forbidden = []struct {
	sql     string
	allowed string // roles, by the ends of their names
}{
	// what is sealed
	{"select from sqs2pg_vault.user_logins", ""},
	{"select sealed from sqs2pg_vault.user_logins_p0", ""},
	{"select count(*) from sqs2pg_vault.profiles", ""},
	{"copy sqs2pg_vault.user_logins to stdout", ""},
	{"copy (select sealed from sqs2pg_vault.profiles) to stdout", ""},
	{"update sqs2pg_vault.user_logins set sealed = ''", ""},
	{"delete from sqs2pg_vault.user_logins", ""},
	{"delete from sqs2pg_vault.profiles where sent_at < now()", ""},
	{"truncate sqs2pg_vault.profiles", ""},
	{"lock table sqs2pg_vault.profiles in access exclusive mode", ""},
	{"insert into sqs2pg_vault.user_logins select now(), gen_random_uuid(), gen_random_uuid(), ''", "writer"},
	{"insert into sqs2pg_vault.user_logins select now(), gen_random_uuid(), gen_random_uuid(), '' on conflict do nothing", "writer"},
	{"insert into sqs2pg_vault.profiles select now(), gen_random_uuid(), gen_random_uuid(), '', 'k1:t' on conflict do nothing", "writer"},
	{"insert into sqs2pg_vault.user_logins select now(), gen_random_uuid(), gen_random_uuid(), '' on conflict (sent_at, event_id) do nothing", ""},
	{"insert into sqs2pg_vault.user_logins select now(), gen_random_uuid(), gen_random_uuid(), '' returning sealed", ""},
	{"insert into sqs2pg_vault.profiles select now(), gen_random_uuid(), gen_random_uuid(), '' on conflict (sent_at, event_id) do update set sealed = ''", ""},
	{"insert into sqs2pg_vault.user_logins_p0 select now(), gen_random_uuid(), gen_random_uuid(), ''", ""},
	{"create table sqs2pg_vault.mine (n int)", ""},
	{"create trigger t before insert on sqs2pg_vault.profiles execute function sqs2pg.refuse_change()", ""},
	{"alter table sqs2pg_vault.profiles add column n int", ""},
	{"create temp table copied as select * from sqs2pg_vault.profiles", ""},
	{"create temp table more () inherits (sqs2pg_vault.profiles)", ""},
	// recipients and sessions
	{"select id, state from sqs2pg_vault.recipients", "writer revealer"},
	{"select public_key from sqs2pg_vault.recipients", "revealer"},
	{"update sqs2pg_vault.recipients set public_key = ''", ""},
	{"update sqs2pg_vault.recipients set state = 'revoked'", ""},
	{"insert into sqs2pg_vault.recipients values ('a', 'b', 'c', 'd')", ""},
	{"select enc from sqs2pg_vault.sessions", "revealer"},
	{"insert into sqs2pg_vault.sessions (id, recipient, enc) values (gen_random_uuid(), 'r', '')", "writer"},
	{"insert into sqs2pg_vault.sessions (id, recipient, enc, created_at) values (gen_random_uuid(), 'r', '', now())", ""},
	{"insert into sqs2pg_vault.sessions (id, recipient, enc) values (gen_random_uuid(), 'r', '') returning enc", ""},
	{"update sqs2pg_vault.sessions set enc = ''", ""},
	{"delete from sqs2pg_vault.sessions", ""},
	// the tables
	{"select user_id from user_logins", "reader revealer"},
	{"select sent_at, event_id from user_logins", "reader revealer writer"},
	{entered("user_logins") + "insert into user_logins (user_id, device_type, masked_ip, masked_device_id, app_version, sent_at, event_id) select 'u', 'd', 'i', 'd', 'a', now(), gen_random_uuid()", "writer"},
	{"update user_logins set user_id = ''", ""},
	{"delete from user_logins", ""},
	{"select * from profiles", "reader revealer writer"},
	{entered("profiles") + "update profiles set score = 1", "writer"},
	{"delete from profiles", ""},
	// what the database knows
	{"select epoch from sqs2pg.tables", "writer revealer"},
	{"update sqs2pg.tables set epoch = epoch", ""},
	{"select from sqs2pg.keys", "writer revealer"},
	{"select from sqs2pg.erasures", "auditor"},
	{"insert into sqs2pg.erasures (key_id, before, state) values ('k1', now(), 's')", ""},
	{"delete from sqs2pg.erasures", ""},
	{"select from sqs2pg.list_erasures()", "writer"},
	{"select sqs2pg.enter('user_logins', 1)", "writer"},
	{"select from sqs2pg.make_partitions('user_logins', '{2026-01-01}')", ""},
	{"select from sqs2pg.cover('user_logins', 'day', '2026-01-01', '{}')", ""},
	{"select sqs2pg.vault_of('user_logins')", ""},
	{"select sqs2pg.guard('user_logins')", ""},
	{"alter table user_logins disable trigger sqs2pg_guard", ""},
	{"drop trigger sqs2pg_guard on profiles", ""},
	// the audit
	{"select from sqs2pg.audit", "auditor"},
	{"insert into sqs2pg.audit (seq) values (1)", ""},
	{"update sqs2pg.audit set n = 1", ""},
	{"delete from sqs2pg.audit", ""},
	{"truncate sqs2pg.audit", ""},
	{"lock table sqs2pg.audit in share mode", ""},
	{"alter table sqs2pg.audit disable trigger all", ""},
	{"select from sqs2pg.reveal_limit", ""},
	{"update sqs2pg.reveal_limit set events_per_hour = 1000000", ""},
	{"select from sqs2pg.request('user_logins', 'fraud', 'A-1', '', '{ip}', array[now()], array[gen_random_uuid()])", "revealer"},
	{"select from sqs2pg.sealed_for('user_logins', array[now()], array[gen_random_uuid()])", "revealer"},
	{"select from sqs2pg.fetch(0, '{}', '{}')", ""}, // of the revealer the function itself refuses it
	{"select sqs2pg.hash_of(null)", ""},
	// ways around
	{"set role sqs2pg_revealer; select 1 from sqs2pg_vault.sessions", "revealer"},
	{"set session_replication_role = replica", ""},
	{"create or replace function sqs2pg.fetch(bigint) returns int language sql as 'select 1'", ""},
}

// entered makes a guarded table take rows, though its caller may have no right to enter it.
func entered(table string) string {
	return "select set_config('sqs2pg.entered', '" + table + "'::regclass::oid::text, true); "
}

func TestEachRoleMayDoItsPartOnly(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealedLogins(), sealedProfiles())
	db.Exec(t, `insert into sqs2pg_vault.recipients values ('r', 'k', 'p', '');
		alter table `+vaultPartition(0)+` rename to user_logins_p0`)
	for _, role := range []string{"writer", "reader", "revealer", "eraser", "auditor"} {
		pool := as(t, db, "sqs2pg_"+role)
		for _, test := range forbidden {
			want := "42501"
			if strings.Contains(test.allowed, role) {
				want = ""
			}
			got := exec(t, pool, "begin; "+test.sql+"; rollback")
			if role == "revealer" && strings.Contains(test.sql, "sqs2pg.fetch(0") {
				want = "SQ005"
			}
			if got != want {
				t.Errorf("as %s: %s: SQLSTATE %q, want %q", role, test.sql, got, want)
			}
		}
	}
}
