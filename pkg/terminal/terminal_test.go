package terminal_test

import (
	"strings"
	"testing"

	"sqs2pg/pkg/terminal"
)

func TestTableTurnsVerticalWhereItIsTooWide(t *testing.T) {
	t.Parallel()
	forty := strings.Repeat("x", 40)
	tests := map[string]struct {
		header []string
		rows   [][]string
		want   string
	}{
		"fits":                      {[]string{"id", "name", "note"}, [][]string{{"1", "a", ""}, {"22", "é", "c"}}, "ID  NAME  NOTE\n1   a\n22  é     c\n"},
		"80 columns fit":            {[]string{"a", "b", "c"}, [][]string{{forty, strings.Repeat("é", 33), "abc"}}, "A                                         B                                  C\n" + forty + "  " + strings.Repeat("é", 33) + "  abc\n"},
		"81 columns do not":         {[]string{"a", "bb", "c"}, [][]string{{forty, strings.Repeat("y", 34), "abc"}, {"1", "2", ""}}, "-[ 1 ]-\nA   " + forty + "\nBB  " + strings.Repeat("y", 34) + "\nC   abc\n-[ 2 ]-\nA   1\nBB  2\nC\n"},
		"two columns stay":          {[]string{"field", "value"}, [][]string{{forty, forty}}, "FIELD                                     VALUE\n" + forty + "  " + forty + "\n"},
		"no rows print the headers": {[]string{"a", "b", "c"}, nil, "A  B  C\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			terminal.Table(&got, tt.header, tt.rows)
			if got.String() != tt.want {
				t.Errorf("prints\n%s\nwant\n%s", got.String(), tt.want)
			}
		})
	}
}

func TestMoreSaysHowManyAreNotShown(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	terminal.More(&got, 3, 3)
	terminal.More(&got, 3, 8)
	if want := "... and 5 more\n"; got.String() != want {
		t.Errorf("prints %q, want %q", got.String(), want)
	}
}

func TestObjectsNameEachCell(t *testing.T) {
	t.Parallel()
	got := terminal.Objects([]string{"a", "b"}, [][]string{{"1", "2"}, {"3", ""}})
	if len(got) != 2 || got[0]["a"] != "1" || got[0]["b"] != "2" || got[1]["a"] != "3" || len(got[1]) != 2 {
		t.Errorf("got %v", got)
	}
	if none := terminal.Objects(nil, nil); none == nil {
		t.Error("nil is null in JSON")
	}
}
