package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/postgres/schema"
)

// payments is a table with one column of the type that x-type gives.
func payments(t *testing.T, xType string) contract.Table {
	t.Helper()
	c, err := contract.Parse("payments", []byte(`{"x-table": "payments", "type": "object", "properties": {"price": {"type": "number", "x-type": "`+xType+`"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	return c.Table()
}

func TestMigratesNumericColumnsOnce(t *testing.T) {
	t.Parallel()
	for _, xType := range []string{"numeric", "numeric(12,2)"} {
		db := postgrestest.New(t, payments(t, xType))
		if got := apply(t, db, payments(t, xType)).String(); got != "nothing to do" {
			t.Errorf("%s, second time: %s", xType, got)
		}
		if _, err := schema.Apply(t.Context(), owner(t, db), payments(t, "numeric(14,2)")); err == nil || !strings.Contains(err.Error(), "price") {
			t.Errorf("%s: a contract with numeric(14,2) is migrated: %v", xType, err)
		}
	}
}

func TestTakesOverNumbersWithoutLoss(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		old, xType string
		isTaken    bool
	}{
		{"numeric(20,4)", "numeric", true}, {"bigint", "numeric", true}, {"double precision", "numeric", false}, {"text", "numeric", false},
		{"numeric(12,2)", "numeric(12,2)", true}, {"numeric(12,4)", "numeric(12,2)", false}, {"numeric", "numeric(12,2)", false},
		{"integer", "numeric(12,2)", true}, {"bigint", "numeric(12,2)", false}, {"bigint", "numeric(21,2)", true},
	} {
		t.Run(test.old+" to "+test.xType, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t)
			db.Exec(t, "create table payments (price "+test.old+"); insert into payments values (12345)")
			_, err := schema.Apply(t.Context(), owner(t, db), payments(t, test.xType))
			if test.isTaken != (err == nil) || err != nil && !errors.Is(err, schema.ErrTakeOver) {
				t.Fatalf("got %v", err)
			}
			if got := db.QueryStrings(t, "select distinct price::numeric = 12345 from payments"); test.isTaken && cmp.Diff([]string{"t"}, got) != "" {
				t.Errorf("the old row is not the same: %v", got)
			}
		})
	}
}
