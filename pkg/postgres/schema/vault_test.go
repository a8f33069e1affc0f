package schema_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/plan"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

// sealedLogins and sealedProfiles are tables with a vault and a subject.
func sealedLogins() contract.Table {
	table := logins()
	table.Recover, table.Subject = []string{"ip", "device_id"}, "user_id"
	return table
}

func sealedProfiles() contract.Table {
	table := profiles()
	table.Recover, table.Subject = []string{"ip", "ssn"}, "user_id"
	return table
}

func TestAVaultTableIsMadeBesideTheTable(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, "create schema shop")
	inShop := sealedLogins()
	inShop.Schema = "shop"
	report := apply(t, db, sealedLogins(), sealedProfiles(), inShop)
	want := []string{
		"public.user_logins", "sqs2pg_vault.user_logins", "public.profiles", "sqs2pg_vault.profiles", "shop.user_logins", "sqs2pg_vault_shop.user_logins",
	}
	if diff := cmp.Diff(want, report.Created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if got := apply(t, db, sealedLogins(), sealedProfiles(), inShop).String(); got != "nothing to do" {
		t.Errorf("second time: %s", got)
	}
	got := db.QueryStrings(t, `select attrelid::regclass::text || ' ' || string_agg(attname || ' ' || format_type(atttypid, null) || case when attnotnull then '' else ' null' end, ', ' order by attnum)
		from pg_attribute where attrelid in ('sqs2pg_vault.user_logins'::regclass, 'sqs2pg_vault.profiles'::regclass) and attnum > 0 group by attrelid order by 1`)
	columns := "sent_at timestamp with time zone, event_id uuid, session uuid, sealed bytea"
	if diff := cmp.Diff([]string{"sqs2pg_vault.profiles " + columns + ", subject text null", "sqs2pg_vault.user_logins " + columns}, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

// A day has its partition of the vault as long as it is sealed.
func TestPartitionsOfTheVaultAreMadeWithThoseOfTheTable(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealedLogins())
	db.Exec(t, "update sqs2pg.tables set vault_retention_days = 30")
	made := db.Query(t, "select day - now()::date, made is null, vault is null from sqs2pg.make_partitions('user_logins', array[now()::date - 31, now()::date - 30, now()::date])")
	if diff := cmp.Diff([][]string{{"-31", "f", "t"}, {"-30", "f", "f"}, {"0", "t", "t"}}, made); diff != "" {
		t.Errorf("by the owner (-want +got):\n%s", diff)
	}
	steps := []struct {
		name, before string
		ago          int
		want         []string // partitions of the table and of its vault
	}{
		{"a day that is sealed", "select", 20, []string{"1", "1"}},
		{"a day that is older", "select", 40, []string{"1", "0"}},
		{"a day that lacks only that of the vault", "drop table " + vaultPartition(0), 0, []string{"1", "1"}},
		{"a day whose rows are in a DEFAULT partition", "create table rest partition of user_logins default", 15, []string{"0", "1"}},
	}
	for _, step := range steps {
		db.Exec(t, step.before)
		got := rowsAs(t, db.Pool, fmt.Sprintf("select refusal, reason from sqs2pg.ensure_partitions('user_logins', array[now()::date - %d])", step.ago))
		if diff := cmp.Diff([][]string{{"NULL", "NULL"}}, got); diff != "" {
			t.Errorf("%s: refused (-want +got):\n%s", step.name, diff)
		}
		name := "user_logins_p" + time.Now().UTC().AddDate(0, 0, -step.ago).Format("20060102")
		there := db.QueryStrings(t, `select count(*) from pg_inherits where inhparent = 'user_logins'::regclass and inhrelid = to_regclass('public.' || $1)
			union all select count(*) from pg_inherits where inhparent = 'sqs2pg_vault.user_logins'::regclass and inhrelid = to_regclass('sqs2pg_vault.' || $1)`, name)
		if diff := cmp.Diff(step.want, there); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func vaultPartition(ago int) string {
	return "sqs2pg_vault.user_logins_p" + time.Now().UTC().AddDate(0, 0, -ago).Format("20060102")
}

func TestEnterRefusesAnotherEpochAndAnotherIsolation(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealedLogins())
	for _, test := range []struct{ name, begin, call, want string }{
		{"the epoch of the table", "begin", "enter('user_logins', 1)", ""},
		{"an older epoch", "begin", "enter('user_logins', 0)", "SQ001"},
		{"a newer epoch", "begin", "enter('user_logins', 2)", "SQ001"},
		{"no epoch", "begin", "enter('user_logins', null)", "SQ001"},
		{"a table that is not registered", "begin", "enter('pg_class', 1)", "SQ001"},
		{"repeatable read", "begin isolation level repeatable read", "enter('user_logins', 1)", "SQ002"},
		{"serializable", "begin isolation level serializable", "enter('user_logins', 1)", "SQ002"},
	} {
		if got := exec(t, db.Pool, test.begin+"; select sqs2pg."+test.call+"; commit"); got != test.want {
			t.Errorf("%s: SQLSTATE %q, want %q", test.name, got, test.want)
		}
	}
}

// In a database that was made before Postgres 15, everybody may make functions in the schema public.
// They must not run with the writer's rights.
func TestEnterRunsNoFunctionOfTheSchemaPublic(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealedLogins())
	for _, function := range []string{
		"set_config(varchar, varchar, boolean) returns text", "set_config(text, varchar, boolean) returns text",
		"pg_identify_object_as_address(regclass, regclass, integer, out object_names text[], out object_args text[])",
		"current_setting(varchar) returns text", "hashtextextended(varchar, bigint) returns bigint", "pg_advisory_xact_lock_shared(numeric) returns void",
	} {
		db.Exec(t, "create function public."+function+" language plpgsql as $$ begin raise 'it ran' using errcode = 'SQ999'; end $$")
	}
	if got := exec(t, db.Pool, "select sqs2pg.enter('user_logins', 1)"); got != "" {
		t.Errorf("SQLSTATE %q", got)
	}
}

// byHand are statements that write rows of sealedLogins and sealedProfiles.
var byHand = map[string]string{
	"INSERT":              insertLogin + "select 'u', 'd', 'i', 'v', '1', now(), gen_random_uuid()",
	"INSERT of no rows":   insertLogin + "select 'u', 'd', 'i', 'v', '1', now(), gen_random_uuid() where false",
	"UPDATE":              "update user_logins set locale = 'x'",
	"UPDATE of its time":  "update user_logins set sent_at = now() - interval '1 second'",
	"INSERT or UPDATE":    insertProfile + "on conflict (tenant, user_id) do update set score = 2",
	"UPDATE of a profile": "update profiles set score = 1",
	"MERGE": "merge into profiles p using (select 1 as tenant) n on p.tenant = n.tenant when matched then update set score = 3 " +
		"when not matched then insert (tenant, user_id, sent_at, event_id) values (1, gen_random_uuid(), now(), gen_random_uuid())",
}

const insertLogin = "insert into user_logins (user_id, device_type, masked_ip, masked_device_id, app_version, sent_at, event_id) "

const insertProfile = "insert into profiles (tenant, user_id, sent_at, event_id) values (1, '00000000-0000-0000-0000-000000000001', now(), gen_random_uuid()) "

// The owner may do everything, so only the triggers keep a mistake of his from the tables.
func TestATableRefusesRowsOfWhoHasNotEnteredIt(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealedLogins(), sealedProfiles())
	pool := owner(t, db)
	for name, sql := range byHand {
		refused := refusalOf(t, pool, sql)
		if refused.Code != "SQ007" {
			t.Errorf("%s: SQLSTATE %s, want SQ007", name, refused.Code)
			continue
		}
		table, other := "user_logins", "profiles"
		if strings.Contains(sql, other) {
			table, other = other, table
		}
		for _, before := range []string{
			"select sqs2pg.enter('" + other + "', 1)", "savepoint s; select sqs2pg.enter('" + table + "', 1); rollback to s",
			"select sqs2pg.enter('" + table + "', 1); commit; begin",
		} {
			if got := exec(t, pool, "begin; "+before+"; "+sql+"; rollback"); got != "SQ007" {
				t.Errorf("%s after %s: SQLSTATE %q, want SQ007", name, before, got)
			}
		}
		// Somebody does as the hint says.
		_, steps, _ := strings.Cut(refused.Hint, "erased: ")
		steps = strings.Replace(steps, "then your statement", sql, 1)
		if got := exec(t, pool, steps); got != "" || !strings.Contains(steps, sql) {
			t.Errorf("%s: SQLSTATE %q by the steps of the hint: %s", name, got, steps)
		}
	}
	for _, sql := range []string{"delete from user_logins", "delete from profiles", "truncate user_logins"} {
		if got := exec(t, pool, sql); got != "" {
			t.Errorf("%s: SQLSTATE %s", sql, got)
		}
	}
}

// refusalOf is the server's error.
func refusalOf(t *testing.T, pool *postgres.Pool, sql string) *pgconn.PgError {
	t.Helper()
	_, err := pool.Pgx().Exec(t.Context(), sql)
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused
	}
	return &pgconn.PgError{Code: fmt.Sprint(err)}
}

// A dump has the condition as text, and the table that it makes has another number.
func TestTheGuardOfATableIsDumpedByTheTablesName(t *testing.T) {
	t.Parallel()
	shop := sealedLogins()
	shop.Schema, shop.Name = "shop", "user's logins"
	db := postgrestest.New(t)
	db.Exec(t, "create schema shop")
	apply(t, db, sealedProfiles(), shop)
	db.Exec(t, `set search_path = ''; do $$
		declare
		  made text;
		begin
		  for made in select pg_get_triggerdef(oid) from pg_trigger where tgname = 'sqs2pg_guard' loop
		    execute replace(made, 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER');
		  end loop;
		end $$`)
	got := db.QueryStrings(t, "select substring(pg_get_triggerdef(oid) from 'FROM .*::regclass') from pg_trigger where tgname = 'sqs2pg_guard' order by 1")
	want := []string{"FROM (('profiles'::regclass", "FROM (('shop.\"user''s logins\"'::regclass"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// guards lists the tables whose guard is on.
const guards = "select tgrelid::regclass::text from pg_trigger where tgname = 'sqs2pg_guard' and tgenabled = 'O' order by 1"

// Tables with a vault or a subject of the release before this one are guarded by the migration alone.
func TestTheMigrationGuardsTablesThatAreThere(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, "create schema shop")
	onlySubject, dropped := sealedLogins(), sealedLogins()
	onlySubject.Schema, onlySubject.Recover, dropped.Name = "shop", nil, "dropped"
	plain := logins()
	plain.Name = "plain"
	apply(t, db, sealedLogins(), sealedProfiles(), onlySubject, plain, dropped)
	db.Exec(t, "drop function sqs2pg.guard, sqs2pg.refuse_rows, sqs2pg.sealed_for cascade; delete from sqs2pg.migrations where version_id > 4; drop table dropped")
	if got := exec(t, owner(t, db), byHand["INSERT"]); got != "" {
		t.Fatalf("before: SQLSTATE %s", got)
	}
	apply(t, db)
	if diff := cmp.Diff([]string{"profiles", "shop.user_logins", "user_logins"}, db.QueryStrings(t, guards)); diff != "" {
		t.Errorf("guarded (-want +got):\n%s", diff)
	}
	if got := exec(t, owner(t, db), byHand["INSERT"]); got != "SQ007" {
		t.Errorf("after: SQLSTATE %q, want SQ007", got)
	}
}

func TestThePlanOfTheGuardHasTheLocksOfItsTables(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealedLogins(), sealedProfiles())
	db.Exec(t, "delete from sqs2pg.migrations where version_id >= 5")
	steps, _, err := schema.Plan(t.Context(), owner(t, db), sealedLogins())
	if err != nil || len(steps) == 0 {
		t.Fatalf("got %v, %v", steps, err)
	}
	want := []plan.Lock{{Table: "public.profiles", Mode: "share row exclusive"}, {Table: "public.user_logins", Mode: "share row exclusive"}}
	if diff := cmp.Diff(want, steps[0].Locks); diff != "" {
		t.Errorf("locks of 0005_guard.sql (-want +got):\n%s", diff)
	}
}

func TestMigrateRestoresTheGuardOfATable(t *testing.T) {
	t.Parallel()
	for _, byHand := range []string{"disable trigger all", "disable trigger sqs2pg_guard", "enable replica trigger sqs2pg_guard"} {
		db := postgrestest.New(t, sealedLogins())
		db.Exec(t, "alter table user_logins "+byHand)
		if diff := cmp.Diff([]string{"public.user_logins"}, apply(t, db, sealedLogins()).Guarded); diff != "" {
			t.Errorf("%s (-want +got):\n%s", byHand, diff)
		}
		if diff := cmp.Diff([]string{"user_logins"}, db.QueryStrings(t, guards)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", byHand, diff)
		}
		if got := apply(t, db, sealedLogins()).String(); got != "nothing to do" {
			t.Errorf("second time: %s", got)
		}
	}
}

// An erasure holds the lock, raises the epoch and commits. Whoever waited for the lock meanwhile must
// see the new epoch, though its statement began before; and later ones wait until it is gone.
func TestEnterReadsTheEpochAfterTheLock(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealedLogins())
	const key = "hashtextextended('sqs2pg.enter', 'user_logins'::regclass::oid::bigint)"
	eraser, err := owner(t, db).Pgx().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer eraser.Rollback(t.Context())
	if _, err := eraser.Exec(t.Context(), "select pg_advisory_xact_lock("+key+"); update sqs2pg.tables set epoch = epoch + 1"); err != nil {
		t.Fatal(err)
	}
	entered := make(chan string)
	go func() { entered <- exec(t, db.Pool, "select sqs2pg.enter('user_logins', 1)") }()
	for db.QueryStrings(t, "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())")[0] == "0" {
		select {
		case got := <-entered:
			t.Fatalf("it did not wait for the lock: SQLSTATE %q", got)
		default:
		}
	}
	if err := eraser.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-entered; got != "SQ001" {
		t.Errorf("SQLSTATE %q, want SQ001", got)
	}
	writer, err := db.Pool.Pgx().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Rollback(t.Context())
	if _, err := writer.Exec(t.Context(), "select sqs2pg.enter('user_logins', 2)"); err != nil {
		t.Fatal(err)
	}
	for _, test := range [][2]string{{"pg_try_advisory_lock_shared", "true"}, {"pg_try_advisory_lock", "false"}} {
		if got := db.QueryStrings(t, "select "+test[0]+"("+key+")::text")[0]; got != test[1] {
			t.Errorf("beside a writer %s is %s, want %s", test[0], got, test[1])
		}
	}
}

// A dump reads all tables in one long transaction. Functions that start meanwhile must not wait for
// it, behind the migration.
func TestMigrationGivesUpBesideALongTransaction(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, "drop schema sqs2pg, sqs2pg_vault cascade; create schema sqs2pg")
	older, err := sql.Open("pgx", db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer older.Close()
	files, err := goose.NewProvider(goose.DialectPostgres, older, os.DirFS("."), goose.WithTableName("sqs2pg.migrations"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := files.UpTo(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	dump, err := older.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dump.Exec("select from sqs2pg.tables"); err != nil {
		t.Fatal(err)
	}
	pool := postgrestest.Open(t, db.OwnerURL)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := schema.Apply(ctx, pool, logins()); err == nil || !strings.Contains(err.Error(), "end the long transactions") {
		t.Errorf("beside a dump: %v", err)
	}
	if err := dump.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := schema.Apply(t.Context(), pool, logins()); err != nil {
		t.Errorf("after the dump: %v", err)
	}
}

// A function that runs has read the state of its key, and reads it again for another epoch.
func TestARevokedRecipientRaisesTheEpochOfSealedTables(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins(), sealedProfiles())
	const epochs = "select table_name || ' ' || epoch from sqs2pg.tables order by 1"
	db.Exec(t, "update sqs2pg_vault.recipients set locator = 'arn'")
	if diff := cmp.Diff([]string{"profiles 1", "user_logins 1"}, db.QueryStrings(t, epochs)); diff != "" {
		t.Errorf("after another locator (-want +got):\n%s", diff)
	}
	db.Exec(t, "update sqs2pg_vault.recipients set state = 'revoked'")
	if diff := cmp.Diff([]string{"profiles 2", "user_logins 1"}, db.QueryStrings(t, epochs)); diff != "" {
		t.Errorf("after the revocation (-want +got):\n%s", diff)
	}
}

// No contract with a vault may have a table of these names.
func TestTablesOfTheVaultAreKnownToContracts(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins())
	if diff := cmp.Diff(table.OfVault, db.QueryStrings(t, "select tablename::text from pg_tables where schemaname = 'sqs2pg_vault' order by 1")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRegisterAddsARecipientOnce(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealedLogins())
	r := schema.Recipient{ID: "0123456789abcdef", KEM: "MLKEM768-X25519", PublicKey: "MLKEM768-X25519:AAAA"}
	for _, want := range []bool{true, false} {
		added, err := schema.Register(t.Context(), owner(t, db), r)
		if err != nil || added != want {
			t.Errorf("added %t, %v; want %t", added, err, want)
		}
		r.Locator = "arn:aws:kms:eu-west-1:1:key/k"
	}
	if diff := cmp.Diff([][]string{{"active", "arn:aws:kms:eu-west-1:1:key/k"}}, db.Query(t, "select state, locator from sqs2pg_vault.recipients where id = '0123456789abcdef'")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Rows that are there stay without a sealed value. The writers of the older contract are told at
// once, because the epoch is another one.
func TestATableGetsItsVaultLater(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]contract.Table{{logins(), sealedLogins()}, {profiles(), sealedProfiles()}} {
		plain, sealed := pair[0], pair[1]
		db := postgrestest.New(t, plain)
		steps, _, err := schema.Plan(t.Context(), owner(t, db), sealed)
		if err != nil || !strings.Contains(fmt.Sprint(steps), `create table "sqs2pg_vault"."`+plain.Name+`" (`) {
			t.Errorf("plan %v, %v", steps, err)
		}
		change, err := schema.ChangeOf(plain, sealed)
		if err != nil || len(change.Refused) > 0 || !strings.Contains(fmt.Sprint(change.Migration), `create table "sqs2pg_vault"`) {
			t.Errorf("change %+v, %v", change, err)
		}
		report := apply(t, db, sealed)
		if diff := cmp.Diff([]string{"sqs2pg_vault." + plain.Name}, report.Created); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		if got := len(report.Partitions); plain.Mode == contract.Insert && got != 8 {
			t.Errorf("%d partitions of the vault, want 8", got)
		}
		if diff := cmp.Diff([]string{plain.Name}, db.QueryStrings(t, guards)); diff != "" {
			t.Errorf("guarded (-want +got):\n%s", diff)
		}
		if got := apply(t, db, sealed).String(); got != "nothing to do" {
			t.Errorf("second time: %s", got)
		}
		got := db.Query(t, "select epoch, recovered, subject from sqs2pg.tables")
		if diff := cmp.Diff([][]string{{"2", "{" + strings.Join(sealed.Recover, ",") + "}", "user_id"}}, got); diff != "" {
			t.Errorf("known (-want +got):\n%s", diff)
		}
		if _, err := schema.Apply(t.Context(), owner(t, db), plain); !errors.Is(err, schema.ErrDiffers) || !strings.Contains(err.Error(), "no x-recover in the contract") {
			t.Errorf("the older contract: got %v, want ErrDiffers", err)
		}
	}
}

// One more property needs no other table.
func TestATableRecoversOneMoreProperty(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealedLogins())
	more := sealedLogins()
	more.Recover = []string{"ip", "device_id", "locale"}
	if report := apply(t, db, more); len(report.Created) > 0 {
		t.Errorf("created %v", report.Created)
	}
	if diff := cmp.Diff([][]string{{"2", "{ip,device_id,locale}"}}, db.Query(t, "select epoch, recovered from sqs2pg.tables")); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
}

func TestATableThatIsTakenOverGetsAVault(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, exercise+"insert into user_logins values ('u1', 'ios', 'aa', 'bb', 'DE', 2, '2013-01-31'), ('u2', 'ios', 'cc', 'dd', null, 3, now()::date)")
	report := apply(t, db, sealedLogins())
	if len(report.TakenOver) != 1 || report.TakenOver[0].Rows != 2 || len(report.Created) != 1 {
		t.Errorf("report %+v", report)
	}
	got := db.Query(t, "select (select count(*) from user_logins), (select count(*) from sqs2pg_vault.user_logins), (select count(*) from pg_inherits where inhparent = 'sqs2pg_vault.user_logins'::regclass)")
	if diff := cmp.Diff([][]string{{"2", "0", "8"}}, got); diff != "" {
		t.Errorf("rows, seals and partitions of the vault (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"user_logins"}, db.QueryStrings(t, guards)); diff != "" {
		t.Errorf("guarded (-want +got):\n%s", diff)
	}
	if got := apply(t, db, sealedLogins()).String(); got != "nothing to do" {
		t.Errorf("second time: %s", got)
	}
}
