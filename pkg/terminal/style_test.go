package terminal_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sqs2pg/pkg/terminal"
)

// It is not parallel, because it changes the environment.
func TestLocaleSaysWhetherThereIsASCIIOnly(t *testing.T) {
	for _, tt := range []struct {
		all, ctype, lang string
		ascii            bool
	}{
		{"C", "de_DE.UTF-8", "de_DE.UTF-8", true},
		{"POSIX", "", "", true},
		{"", "C", "de_DE.UTF-8", true},
		{"", "", "C", true},
		{"", "", "de_DE.ISO-8859-15", true},
		{"C.UTF-8", "C", "C", false},
		{"", "", "de_DE.utf8@euro", false},
		{"", "", "de_DE", false},
		{"", "", "", false},
	} {
		t.Setenv("LC_ALL", tt.all)
		t.Setenv("LC_CTYPE", tt.ctype)
		t.Setenv("LANG", tt.lang)
		if got := terminal.StyleOf(&strings.Builder{}); got.ASCII != tt.ascii || got.Colour {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
}

func TestStyleDecoratesWithoutChangingTheWidth(t *testing.T) {
	t.Parallel()
	plain, ascii, colour := terminal.Style{}, terminal.Style{ASCII: true}, terminal.Style{Colour: true}
	for _, tt := range []struct{ got, want string }{
		{plain.Bar(1, 2, 4), "██░░"},
		{ascii.Bar(1, 2, 4), "##.."},
		{colour.Bar(1, 2, 4), "\x1b[32m██\x1b[0m░░"},
		{plain.Bar(0, 0, 2), "░░"},
		{plain.Cut("12345", 5), "12345"},
		{plain.Cut("123456", 5), "1234…"},
		{ascii.Cut("123456", 5), "12..."},
		{plain.Cut("生命生命", 5), "生命…"},
		{colour.Cut("a "+colour.Bad("12345"), 5), "a \x1b[31m12\x1b[0m…\x1b[0m"},
		{colour.Cut(colour.Bad("12345"), 5), "\x1b[31m12345\x1b[0m"},
		{colour.Warn(""), ""},
		{plain.Bad("x"), "x"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestWrapKeepsWordsAndALimit(t *testing.T) {
	t.Parallel()
	if got := terminal.Wrap("one two three four", 8, 2); !slices.Equal(got, []string{"one two", "three"}) {
		t.Errorf("%q", got)
	}
}

func TestLivePrintsALineASecondInAPipeIfSomethingChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var pipe strings.Builder
		live, began := terminal.NewLive(&pipe), time.Now()
		state := func() int { return min(int(time.Since(began)/(1500*time.Millisecond)), 2) }
		live.Show(terminal.View{
			Block: func(int) []string { t.Error("asks for a block"); return nil },
			Line:  func() string { return fmt.Sprint("state ", state()) },
		})
		fmt.Fprintln(live, "a warning")
		time.Sleep(10 * time.Second) // simulated
		live.Stop()
		if want := "a warning\nstate 0\nstate 1\nstate 2\n"; pipe.String() != want {
			t.Errorf("the pipe got %q, want %q", pipe.String(), want)
		}
	})
}

func TestOutageSaysSinceWhen(t *testing.T) {
	t.Parallel()
	var o terminal.Outage
	if o.String() != "" || o.Lasting(time.Now()) != "" {
		t.Errorf("without an outage: %q", o)
	}
	o = terminal.Outage{Since: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	o.Begin("no\nanswer")
	if want := "outage since 12:00:00: no answer"; o.String() != want {
		t.Errorf("says %q, want %q", o, want)
	}
	if got, want := o.Lasting(o.Since.Add(90*time.Second)), "outage since 12:00:00 (90 s): no answer"; got != want {
		t.Errorf("says %q, want %q", got, want)
	}
}
