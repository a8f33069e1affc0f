package schema_test

import (
	"slices"
	"strings"
	"testing"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

func parse(t *testing.T, document string) contract.Table {
	t.Helper()
	c, err := contract.Parse("orders", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return c.Table()
}

// orders is a contract of two properties, of which total is written in JSON.
func orders(total, required string) string {
	return `{"x-table": "orders", "type": "object", "properties": {"id": {"type": "integer"}, "total": ` + total + `}, "required": ["id"` + required + `]}`
}

// guardedOrders is orders with a subject.
func guardedOrders(total, required string) string {
	return strings.Replace(orders(total, required), `{"type": "integer"}`, `{"type": "string", "maxLength": 20, "x-subject": true}`, 1)
}

// A person who follows the steps ends with a table that fits the new contract, and with the old
// values where they can be converted.
func TestStepsOfAChangeLeadToTheNewContract(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, old, next, amended, want string }{
		{"a type", orders(`{"type": "integer"}`, `, "total"`), orders(`{"type": "number", "x-type": "numeric(12,2)"}`, `, "total"`),
			orders(`{"type": "number", "x-type": "numeric(12,2)", "x-column": "total_2"}`, ``), "7.00"},
		{"a type in a guarded table", guardedOrders(`{"type": "integer"}`, `, "total"`), guardedOrders(`{"type": "number", "x-type": "numeric(12,2)"}`, `, "total"`),
			guardedOrders(`{"type": "number", "x-type": "numeric(12,2)", "x-column": "total_2"}`, ``), "7.00"},
		{"a mask that was added", orders(`{"type": "string"}`, `, "total"`), orders(`{"type": "string", "x-mask": "token"}`, `, "total"`),
			orders(`{"type": "string", "x-mask": "token", "x-column": "total_2"}`, ``), "NULL"},
		{"another form of tokens", orders(`{"type": "string", "x-mask": "token"}`, ``), orders(`{"type": "string", "x-mask": "token", "x-normalize": "lower"}`, ``),
			orders(`{"type": "string", "x-mask": "token", "x-normalize": "lower", "x-column": "total_2"}`, ``), "NULL"},
		{"a mask inside of an array", orders(`{"type": "array", "items": {"type": "string", "x-mask": "token"}}`, ``), orders(`{"type": "array", "items": {"type": "string", "x-mask": "sha256-8"}}`, ``),
			orders(`{"type": "array", "items": {"type": "string", "x-mask": "sha256-8"}, "x-column": "total_2"}`, ``), "NULL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t, parse(t, test.old))
			db.Exec(t, `select sqs2pg.ensure_partition('orders', '2024-01-01'); select sqs2pg.enter('orders', 1); insert into orders (id, total, sent_at, event_id) values (1, '7', '2024-01-01', gen_random_uuid())`)
			change, err := schema.ChangeOf(parse(t, test.old), parse(t, test.next))
			if err != nil || len(change.Refused) == 0 || len(change.Migration) > 0 || len(change.Ways) != 1 || change.Ways[0].Column != "total" {
				t.Fatalf("got %+v, %v", change, err)
			}
			for _, step := range change.Ways[0].Steps {
				if strings.HasPrefix(step, "run sqs2pg migrate") {
					apply(t, db, parse(t, test.amended))
				}
				if at := strings.LastIndex(step, ": alter table"); at >= 0 {
					step = step[at+2:]
				}
				if strings.HasSuffix(step, ";") {
					db.Exec(t, step)
				}
			}
			if got := apply(t, db, parse(t, test.amended)).String(); got != "nothing to do" {
				t.Errorf("the table does not fit after the steps: %s", got)
			}
			if got := db.QueryStrings(t, "select coalesce(total_2::text, 'NULL') from orders"); !slices.Equal(got, []string{test.want}) {
				t.Errorf("the old row has %v, want %s", got, test.want)
			}
		})
	}
}

func TestChangeSaysWhatMigrateWouldDo(t *testing.T) {
	t.Parallel()
	old := parse(t, orders(`{"type": "integer"}`, ``))
	for _, test := range []struct{ next, sql, refused, tolerated string }{
		{orders(`{"type": "integer"}`, ``), "", "", ""},
		{orders(`{"type": "integer"}, "note": {"type": "string"}`, ``), `alter table "public"."orders" add column "note" text;`, "", ""},
		{orders(`{"type": "integer", "x-column": "sum"}`, ``), `add column "sum" bigint;`, "", "column total is in the table but not in this contract"},
		{orders(`{"type": "integer"}, "note": {"type": "string"}`, `, "note"`), "", "column note is new and required", ""},
		{orders(`{"type": "integer"}`, `, "total"`), "", "", "column total is required in the contract but may be null"},
		{strings.Replace(orders(`{"type": "integer"}`, ``), `"orders"`, `"other"`, 1), `create table "public"."other"`, "", ""},
		{strings.Replace(orders(`{"type": "integer"}`, ``), `"type": "object"`, `"x-write": {"mode": "upsert", "key": ["id"]}, "type": "object"`, 1), "", "made for mode insert", ""},
	} {
		change, err := schema.ChangeOf(old, parse(t, test.next))
		if err != nil {
			t.Fatal(err)
		}
		var sql, refused, tolerated strings.Builder
		change.Migration.Print(&sql)
		for _, d := range change.Refused {
			refused.WriteString(d.String())
		}
		for _, d := range change.Tolerated {
			tolerated.WriteString(d.String())
		}
		for _, pair := range [][2]string{{sql.String(), test.sql}, {refused.String(), test.refused}, {tolerated.String(), test.tolerated}} {
			if !strings.Contains(pair[0], pair[1]) || pair[1] == "" && pair[0] != "" {
				t.Errorf("%s:\ngot  %q\nwant %q", test.next, pair[0], pair[1])
			}
		}
	}
}
