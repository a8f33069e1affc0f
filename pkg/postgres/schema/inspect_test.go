package schema_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
)

func TestInspectReportsWhatIsMissing(t *testing.T) {
	t.Parallel()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	table := c.Table()
	migrated := func(t *testing.T, sql string) *postgrestest.Database {
		db := postgrestest.New(t, table)
		if sql != "" {
			db.Exec(t, sql)
		}
		return db
	}
	sound := schema.State{Coverage: partitions.Coverage{DaysAhead: 7}}
	with := func(change func(*schema.State)) schema.State { s := sound; change(&s); return s }
	tests := map[string]struct {
		db   *postgrestest.Database
		want schema.State
	}{
		"a migrated database":      {migrated(t, ""), sound},
		"an empty database":        {postgrestest.New(t), schema.State{}},
		"a column that is missing": {migrated(t, "alter table user_logins drop column locale"), sound},
		"no partition": {migrated(t, `do $$ declare p regclass; begin for p in select inhrelid from pg_inherits where inhparent = 'user_logins'::regclass
			loop execute 'drop table ' || p; end loop; end $$`), with(func(s *schema.State) { s.DaysAhead = -1 })},
		"a gap tomorrow and one in the past": {migrated(t, `select sqs2pg.make_partition('user_logins', '2026-01-05Z');
			do $$ begin execute 'drop table user_logins_p' || to_char(now() at time zone 'UTC' + interval '1 day', 'YYYYMMDD'); end $$`),
			with(func(s *schema.State) {
				today := time.Now().UTC().Truncate(24 * time.Hour)
				tomorrow := today.AddDate(0, 0, 1)
				s.DaysAhead = 0
				s.Gaps = []partitions.Gap{{From: time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC), To: today}, {From: tomorrow, To: tomorrow.AddDate(0, 0, 1)}}
			})},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := schema.Inspect(t.Context(), test.db.Pool, table)
			if err != nil {
				t.Fatal(err)
			}
			if got.Database.User == "" {
				t.Error("no user")
			}
			if exists, want := got.Database.Found != nil, name != "an empty database"; exists != want {
				t.Errorf("the table exists: %v, want %v", exists, want)
			}
			if got.Connections < 1 {
				t.Errorf("%d connections", got.Connections)
			}
			got.Database, got.Connections = registry.Database{}, 0
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}
