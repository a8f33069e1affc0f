package terminal

import (
	"cmp"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// Style says how text may be decorated.
type Style struct {
	Colour bool
	ASCII  bool // no characters beyond ASCII, besides those of the values that are shown
}

// StyleOf returns the style of a writer. There is colour on a terminal, unless NO_COLOR is set or
// TERM is dumb. LC_ALL, else LC_CTYPE, else LANG says whether there is ASCII only: C, POSIX, or a
// locale with another character set than UTF-8. If none is set, there is UTF-8.
// https://no-color.org
func StyleOf(w io.Writer) Style {
	locale := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG"))
	return Style{Colour: canRepaint(w) && os.Getenv("NO_COLOR") == "", ASCII: isASCII(locale)}
}

// isASCII reports whether a locale, such as de_DE.UTF-8@euro, has no UTF-8. One that names no
// character set is taken for UTF-8.
func isASCII(locale string) bool {
	name, _, _ := strings.Cut(locale, "@")
	_, charset, named := strings.Cut(name, ".")
	if !named {
		return slices.Contains([]string{"C", "POSIX"}, name)
	}
	return strings.ReplaceAll(strings.ToLower(charset), "-", "") != "utf8"
}

// canRepaint reports whether w is a terminal that can move its cursor.
func canRepaint(w io.Writer) bool {
	f, ok := file(w)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// Good is text about what went well, in green.
func (s Style) Good(t string) string { return s.paint(text.FgGreen, t) }

// Bad is text about what failed, in red.
func (s Style) Bad(t string) string { return s.paint(text.FgRed, t) }

// Warn is text about what needs a look, in yellow.
func (s Style) Warn(t string) string { return s.paint(text.FgYellow, t) }

// Name is the name of a value, or a header, in bold.
func (s Style) Name(t string) string { return s.paint(text.Bold, t) }

func (s Style) paint(c text.Color, t string) string {
	if !s.Colour || t == "" {
		return t
	}
	return c.EscapeSeq() + t + text.Reset.EscapeSeq()
}

// Bar is a bar of that many columns, full as far as n is of total.
func (s Style) Bar(n, total, columns int) string {
	full := 0
	if total > 0 {
		full = columns * n / total
	}
	if s.ASCII {
		return strings.Repeat("#", full) + strings.Repeat(".", columns-full)
	}
	return s.Good(strings.Repeat("█", full)) + strings.Repeat("░", columns-full)
}

// Cut returns line with at most width columns. Where it cuts, an ellipsis is the last, and colours
// end. The line may hold colours, which have no width.
func (s Style) Cut(line string, width int) string {
	if Columns(line) <= width {
		return line
	}
	more := "…"
	if s.ASCII {
		more = "..."
	}
	cut := text.Trim(line, max(width-len([]rune(more)), 0)) + more
	if s.Colour {
		cut += text.Reset.EscapeSeq()
	}
	return cut
}

// Columns is how many columns of a terminal a text takes. Characters of East Asia take two, colours
// none.
func Columns(line string) int { return text.StringWidthWithoutEscSequences(line) }

// Wrap breaks a text between words into lines of at most width columns, and leaves out what is beyond
// that many lines.
func Wrap(t string, width, lines int) []string {
	wrapped := strings.Split(text.WrapSoft(t, width), "\n")
	wrapped = wrapped[:min(lines, len(wrapped))]
	for i, line := range wrapped {
		wrapped[i] = strings.TrimRight(line, " ")
	}
	return wrapped
}
