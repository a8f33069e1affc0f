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
