// Package guard looks at who may do what with the vault of a table. A grant that somebody adds by
// hand breaks nothing that runs, and so nobody notices that the writer can read, or that one person
// has both halves.
package guard

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/sqltext"
)

// Look lists what is wrong, each with what to do. It changes nothing. Roles and rights are read from
// the catalog, which every login may; that each sealed row has its session is checked only for a
// login that may read the vault, such as the owner's, and it reads the whole vault of the table. A
// table without a vault has nothing wrong. Its error is a *postgres.Unavailable.
func Look(ctx context.Context, pool *postgres.Pool, table contract.Table) (wrong []string, err error) {
	if !table.HasVault() {
		return nil, nil
	}
	schema, name := table.Vault()
	vault := sqltext.Name(schema, name)
	lost, err := list(ctx, pool, rolesSQL, vault)
	if err != nil {
		return nil, unavailable(err)
	}
	if len(lost) > 0 {
		return []string{fmt.Sprintf("the server lacks the roles %s, so a restore has left out what they may do: restore again after the roles, see infra/VAULT.md#a-backup-that-is-restored", strings.Join(lost, ", "))}, nil
	}
	reads, err := list(ctx, pool, maySQL, vault)
	if len(reads) == 0 || err != nil { // there is no such table: the comparison says so
		return nil, unavailable(err)
	}
	for _, look := range []struct{ sql, problem string }{
		{bothSQL, "%s may write and reveal: revoke sqs2pg_writer or sqs2pg_revealer from it"},
		{readsSQL, "%s may write, and may read the vault: revoke select on " + schema + "." + name + " and sqs2pg_vault.sessions from it"},
		{unseenSQL, "%s may reveal, and may read the vault without the audit: revoke select on " + schema + "." + name + " and its partitions from it"},
		{createSQL, "everybody may create functions in the schema %s, which may then run with the rights of others: type revoke create on schema public from public"},
		{lostSQL, "sealed rows whose session is lost: %s; nobody can open them: restore sqs2pg_vault.sessions from a backup"},
	} {
		if look.sql == lostSQL && reads[0] == "no" {
			continue
		}
		found, err := list(ctx, pool, look.sql, vault)
		if err != nil {
			return nil, unavailable(err)
		}
		if len(found) > 0 {
			wrong = append(wrong, fmt.Sprintf(look.problem, strings.Join(found, ", ")))
		}
	}
	return wrong, nil
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return postgres.NewUnavailable(err, nil)
}

func list(ctx context.Context, pool *postgres.Pool, sql, vault string) ([]string, error) {
	rows, err := pool.Pgx().Query(ctx, strings.ReplaceAll(sql, "{vault}", vault), pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Roles are the server's: a dump of a database has what they may do, and not the roles.
const rolesSQL = `
	select r from unnest(array['sqs2pg_writer', 'sqs2pg_reader', 'sqs2pg_revealer', 'sqs2pg_eraser', 'sqs2pg_auditor']) as r
	where to_regrole(r) is null and to_regclass('{vault}') is not null order by 1`

const maySQL = `
	select case when has_table_privilege(c, 'select') and has_table_privilege('sqs2pg_vault.sessions', 'select') then 'yes' else 'no' end
	from to_regclass('{vault}') as c where c is not null`

// From Postgres 16 on, who makes a role is a member without its rights, so usage is what counts. A
// superuser has all rights.
const bothSQL = `
	select rolname::text from pg_roles where rolcanlogin and not rolsuper
	  and pg_has_role(oid, 'sqs2pg_writer', 'usage') and pg_has_role(oid, 'sqs2pg_revealer', 'usage') order by 1`

const readsSQL = `
	select rolname::text from pg_roles where not rolsuper and pg_has_role(oid, 'sqs2pg_writer', 'usage')
	  and not pg_has_role(oid, 'sqs2pg_revealer', 'usage')
	  and (has_any_column_privilege(oid, '{vault}', 'select') or has_any_column_privilege(oid, 'sqs2pg_vault.sessions', 'select')) order by 1`

// Default privileges give rights on each new partition, too.
const unseenSQL = `
	select rolname::text from pg_roles r where rolcanlogin and not rolsuper and pg_has_role(oid, 'sqs2pg_revealer', 'usage')
	  and has_schema_privilege(oid, (select relnamespace from pg_class where oid = '{vault}'::regclass), 'usage')
	  and exists (
	    select from pg_class c left join pg_inherits i on i.inhrelid = c.oid
	    where '{vault}'::regclass in (c.oid, i.inhparent) and has_any_column_privilege(r.oid, c.oid, 'select')) order by 1`

// Before Postgres 15 this was the default, and databases of that time keep it. A function or an
// operator of the schema public is called where its types fit better than those of pg_catalog.
// https://wiki.postgresql.org/wiki/A_Guide_to_CVE-2018-1058:_Protect_Your_Search_Path
const createSQL = `
	select nspname::text from pg_namespace where nspname = 'public' and has_schema_privilege('public', oid, 'create')`

const lostSQL = `
	select count(*)::text from {vault} v where not exists (select from sqs2pg_vault.sessions s where s.id = v.session)
	having count(*) > 0`
