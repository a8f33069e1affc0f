package schema_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

func TestApplyTwiceChangesNothingTheSecondTime(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	first := apply(t, db, logins(), profiles())
	if diff := cmp.Diff([]string{"public.user_logins", "public.profiles"}, first.Created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if len(first.Partitions) != 8 {
		t.Errorf("%d partitions made ahead, want today and 7 days", len(first.Partitions))
	}
	if got := apply(t, db, logins(), profiles()).String(); got != "nothing to do" {
		t.Errorf("second time: %s", got)
	}
}

func TestConcurrentApplies(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, "drop schema sqs2pg, sqs2pg_vault cascade")
	var wg sync.WaitGroup
	created := make(chan string, 100)
	for range 6 {
		wg.Go(func() {
			report, err := schema.Apply(t.Context(), owner(t, db), logins(), profiles())
			if err != nil {
				t.Error(err)
			}
			for _, name := range append(report.Created, report.Migrations...) {
				created <- name
			}
		})
	}
	wg.Wait()
	close(created)
	if len(created) != 2+migrations(t) {
		t.Errorf("%d things made, want two tables and each migration once", len(created))
	}
}

func TestApplyWithAPoolOfOneConnection(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, "drop schema sqs2pg, sqs2pg_vault cascade")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	report, err := schema.Apply(ctx, postgrestest.Open(t, db.OwnerURL+"&pool_max_conns=1"), logins())
	if err != nil || len(report.Migrations) != migrations(t) {
		t.Errorf("%v, %v", report, err)
	}
}

// migrations is the number of SQL files.
func migrations(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("*.sql")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// Roles belong to the cluster. Two databases may be migrated at once, and the role that one of them
// has made must not disturb the other.
func TestWriterRoleMayBeMadeByAnotherDatabaseMeanwhile(t *testing.T) {
	t.Parallel()
	first, second := postgrestest.New(t), postgrestest.New(t)
	var wg sync.WaitGroup
	for _, db := range []*postgrestest.Database{first, second} {
		db.Exec(t, "drop schema sqs2pg, sqs2pg_vault cascade")
		wg.Go(func() {
			if _, err := schema.Apply(t.Context(), owner(t, db), logins()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestDDLIsGolden(t *testing.T) {
	t.Parallel()
	for _, table := range []contract.Table{logins(), profiles()} {
		golden := filepath.Join("testdata", table.Name+".sql")
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(golden, []byte(schema.DDL(table)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), schema.DDL(table)); diff != "" {
			t.Errorf("%s (-want +got), UPDATE=1 writes it anew:\n%s", golden, diff)
		}
	}
}

func TestApplyQuotesNames(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, `create schema "order"`)
	table := contract.Table{Schema: "order", Name: "select", Columns: []contract.Column{{Name: "user", Path: `a'b`}, {Name: "at"}}}
	apply(t, db, table)
	if got := apply(t, db, table).String(); got != "nothing to do" {
		t.Error(got)
	}
}

func TestEveryConstraintHasAChosenName(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, logins(), profiles())
	got := db.QueryStrings(t, `select conname from pg_constraint c join pg_class r on r.oid = c.conrelid join pg_namespace n on n.oid = r.relnamespace
		where (n.nspname in ('sqs2pg', 'sqs2pg_vault') or r.relname in ('user_logins', 'profiles')) and contype <> 'n' and r.relname <> 'migrations' order by 1`)
	want := []string{
		"audit_pkey", "audit_prev_key", "erasures_pkey", "keys_fingerprint_check", "keys_key_id_check", "keys_pkey", "profiles_pkey", "recipients_pkey", "recipients_state_check",
		"reveal_limit_only_row_check", "reveal_limit_pkey", "sessions_pkey", "sessions_recipient_fkey", "tables_mode_check", "tables_partition_width_check", "tables_pkey", "tables_recovered_check",
		"tables_retention_days_check", "tables_vault_retention_days_check", "user_logins_pkey",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestApplyWithoutPrivilegesSaysWhatToDo(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, "drop schema sqs2pg, sqs2pg_vault cascade")
	_, err := schema.Apply(t.Context(), db.Pool, logins()) // as the writer
	if err == nil || !strings.Contains(err.Error(), "run it as the owner of the database") || !strings.Contains(err.Error(), "42501") {
		t.Errorf("got %v", err)
	}
}
