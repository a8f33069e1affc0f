package partitions_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/postgres/postgrestest"
)

// sealed is a table with a vault, in the mode.
func sealed(mode contract.Mode) contract.Table {
	t := contract.Table{Schema: "public", Name: "visits", Mode: mode, Recover: []string{"ip"}, Columns: []contract.Column{{Name: "id", Path: "id", Required: true}}}
	if mode == contract.Upsert {
		t.Key = []string{"id"}
	}
	return t
}

func TestVaultHasAPartitionForEachDayAhead(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealed(contract.Insert))
	db.Exec(t, "drop table sqs2pg_vault.visits_p"+day(3))
	pool := postgrestest.Open(t, db.OwnerURL)
	for _, want := range [][]string{{"sqs2pg_vault.visits_p" + day(3)}, {}} {
		report, err := partitions.Run(t.Context(), pool, sealed(contract.Insert), partitions.Plan{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, report.Partitions); diff != "" || report.DaysAhead != 7 {
			t.Errorf("%d days ahead, made (-want +got):\n%s", report.DaysAhead, diff)
		}
	}
	db.Exec(t, "drop table sqs2pg_vault.visits_p"+day(3)+"; alter table visits detach partition visits_p"+day(3)) // the second is in the way
	report, err := partitions.Run(t.Context(), pool, sealed(contract.Insert), partitions.Plan{})
	if err == nil || report.DaysAhead != 2 {
		t.Errorf("%d days ahead, %v; want 2, and what is in the way", report.DaysAhead, err)
	}
}

func TestVaultHasARetentionOfItsOwn(t *testing.T) {
	t.Parallel()
	names := func(prefix string, days ...int) (list []string) {
		for _, n := range days {
			list = append(list, prefix+day(-n))
		}
		return list
	}
	const table, vault = "public.visits_p", "sqs2pg_vault.visits_p"
	for name, test := range map[string]struct {
		plan    partitions.Plan
		dropped []string
	}{
		"none":                             {partitions.Plan{}, nil},
		"of the table, longer":             {partitions.Plan{RetentionDays: 30, VaultRetentionDays: 7}, slices.Concat(names(table, 40), names(vault, 40, 20))},
		"of the table, shorter":            {partitions.Plan{RetentionDays: 7, VaultRetentionDays: 30}, slices.Concat(names(table, 40, 20), names(vault, 40, 20))},
		"of the table only":                {partitions.Plan{RetentionDays: 30}, slices.Concat(names(table, 40), names(vault, 40))},
		"only of the vault, of every size": {partitions.Plan{VaultRetentionDays: 7}, names(vault, 40, 20)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, sealed(contract.Insert))
			pool := postgrestest.Open(t, db.OwnerURL)
			db.Exec(t, "select sqs2pg.make_partitions('visits', array[now()::date - 40, now()::date - 20])")
			changes, err := partitions.Preview(t.Context(), pool, sealed(contract.Insert), test.plan)
			if diff := cmp.Diff(test.dropped, changes.Expired); diff != "" || err != nil {
				t.Errorf("%v; would drop (-want +got):\n%s", err, diff)
			}
			report, err := partitions.Run(t.Context(), pool, sealed(contract.Insert), test.plan)
			if diff := cmp.Diff(append([]string{}, test.dropped...), report.Dropped); diff != "" || err != nil {
				t.Errorf("%v; dropped (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestVaultDaysAreTheSmallerWindow(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealed(contract.Insert))
	for _, test := range []struct {
		plan partitions.Plan
		want []string // window_days, vault_days
	}{
		{partitions.Plan{}, []string{"1826", "1826"}},
		{partitions.Plan{RetentionDays: 30}, []string{"30", "30"}},
		{partitions.Plan{RetentionDays: 30, VaultRetentionDays: 7}, []string{"30", "7"}},
		{partitions.Plan{RetentionDays: 7, VaultRetentionDays: 30}, []string{"7", "7"}},
		{partitions.Plan{VaultRetentionDays: 7}, []string{"1826", "7"}},
	} {
		if _, err := partitions.Run(t.Context(), postgrestest.Open(t, db.OwnerURL), sealed(contract.Insert), test.plan); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]string{test.want}, db.Query(t, "select window_days, vault_days from sqs2pg.tables")); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.plan, diff)
		}
	}
}

// A newer event has changed the row of a, and nobody can ask for the seal of the older one.
func TestSealsWithoutARowAreDeletedInUpsertMode(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, sealed(contract.Upsert))
	pool := postgrestest.Open(t, db.OwnerURL)
	event := func(n, ago int) string {
		return fmt.Sprintf("now()::date - %d, '00000000-0000-0000-0000-%012d'::uuid", ago, n)
	}
	seals := ""
	for n, ago := range []int{3, 1, 1, 20} {
		seals += "insert into sqs2pg_vault.visits select " + event(n, ago) + ", gen_random_uuid(), 'x';"
	}
	db.Exec(t, seals+"select sqs2pg.enter('visits', 1); insert into visits (id, sent_at, event_id) select 'a', "+event(1, 1)+" union all select 'b', "+event(2, 1)+" union all select 'c', "+event(3, 20))
	for _, test := range []struct {
		plan partitions.Plan
		want int64
	}{{partitions.Plan{}, 1}, {partitions.Plan{}, 0}, {partitions.Plan{VaultRetentionDays: 7, RetentionDays: 3}, 1}} {
		changes, err := partitions.Preview(t.Context(), pool, sealed(contract.Upsert), test.plan)
		if err != nil || len(changes.Steps) == 0 {
			t.Errorf("%v, %d steps", err, len(changes.Steps))
		}
		report, err := partitions.Run(t.Context(), pool, sealed(contract.Upsert), test.plan)
		if err != nil || report.SealsDeleted != test.want {
			t.Errorf("%+v: deleted %d seals, %v; want %d", test.plan, report.SealsDeleted, err, test.want)
		}
	}
	left := db.QueryStrings(t, "select right(event_id::text, 1) from sqs2pg_vault.visits order by 1")
	if diff := cmp.Diff([]string{"1", "2"}, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}
