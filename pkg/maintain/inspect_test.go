package maintain_test

import (
	"bytes"
	"strings"
	"testing"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/maintain"
	"sqs2pg/pkg/postgres/postgrestest"
)

func TestInspectSaysWhatTheFunctionWouldRefuseAndChangesNothing(t *testing.T) {
	t.Parallel()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	db := postgrestest.New(t, c.Table())
	h, stop, err := maintain.New(t.Context(), environment("CONTRACT=user_logins", "DATABASE_URL="+db.OwnerURL), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	inspect := func() maintain.Inspection {
		a, err := h.Handle(t.Context(), maintain.Event{Task: "inspect"})
		if err != nil || len(a.Inspection) != 1 {
			t.Fatalf("%+v, %v", a, err)
		}
		return a.Inspection[0]
	}
	sound := inspect()
	if sound.Table != "public.user_logins" || sound.Differences != nil || sound.DaysAhead != 7 || sound.Connections < 10 {
		t.Errorf("%+v, want no difference, 7 days ahead and some connections", sound)
	}
	db.Exec(t, "alter table user_logins drop column locale; alter table user_logins add column spare text")
	partitions := "select count(*) from pg_inherits"
	before := db.QueryStrings(t, partitions)[0]
	if changed := inspect(); len(changed.Differences) != 1 || !strings.Contains(changed.Differences[0], "locale") {
		t.Errorf("%+v, want one difference: the column locale", changed)
	}
	if after := db.QueryStrings(t, partitions)[0]; after != before {
		t.Errorf("%s partitions, %s before", after, before)
	}
}
