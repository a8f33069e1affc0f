package table_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

func TestListingShowsWhatIsInsideOfAColumn(t *testing.T) {
	t.Parallel()
	listed := table.Table{Columns: []table.Column{
		{Name: "user_id", Type: table.Text, Required: true, Mask: mask.Token, Path: "user.id"},
		{Name: "card", Type: table.JSONB, Path: "card", Inside: []table.Inside{{Path: "owner", Mask: `token "email"`}, {Path: "year", Mask: "none"}}},
	}}
	header, rows := listed.Listing()
	want := [][]string{
		{"column", "type", "null", "from", "mask"},
		{"user_id", "text", "no", "user.id", "token"},
		{"card", "jsonb", "yes", "card", "none"},
		{"", "", "", "card.owner", "token"},
		{"", "", "", "card.year", "none"},
	}
	if diff := cmp.Diff(want, append([][]string{header}, rows...)); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

func TestListingShowsWhatIsRecoveredAndWhoIsTheSubject(t *testing.T) {
	t.Parallel()
	listed := table.Table{Recover: []string{"user.id", "ip"}, Subject: "user_id", Columns: []table.Column{
		{Name: "user_id", Type: table.Text, Required: true, Mask: mask.Token, Path: "user.id"},
		{Name: "ip", Type: table.Text, Mask: mask.Token, Path: "ip"},
		{Name: "network", Type: table.Text, Mask: mask.Network, Path: "ip"},
		{Name: "card", Type: table.JSONB, Path: "card", Inside: []table.Inside{{Path: "year", Mask: "none"}}},
	}}
	header, rows := listed.Listing()
	want := [][]string{
		{"column", "type", "null", "from", "mask", "vault"},
		{"user_id", "text", "no", "user.id", "token", "recovered, subject"},
		{"ip", "text", "yes", "ip", "token", "recovered"},
		{"network", "text", "yes", "ip", "ip-network", "recovered"},
		{"card", "jsonb", "yes", "card", "none", ""},
		{"", "", "", "card.year", "none", ""},
	}
	if diff := cmp.Diff(want, append([][]string{header}, rows...)); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

func TestTheVaultHasATableForEachTable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ schema, name, vault string }{
		{"public", "user_logins", "sqs2pg_vault.user_logins"}, {"crm", "user_logins", "sqs2pg_vault_crm.user_logins"},
	} {
		schema, name := table.Table{Schema: test.schema, Name: test.name}.Vault()
		if got := schema + "." + name; got != test.vault {
			t.Errorf("%s.%s: got %s, want %s", test.schema, test.name, got, test.vault)
		}
	}
}
