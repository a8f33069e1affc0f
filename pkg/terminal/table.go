package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table writes rows under upper-case headers, without borders, so that people can read it and
// scripts can cut it. If a line would be wider than w (see Width), it writes one column per line
// instead, as psql's expanded display does; tables of two columns stay as they are. Every row must
// have as many cells as header. The error is that of w: leave it where nothing follows, as with
// fmt.Println.
func Table(w io.Writer, header []string, rows [][]string) error {
	text, style := horizontal(header, rows), StyleOf(w)
	if len(header) > 2 && widest(text) > Width(w) {
		text = vertical(header, rows, style)
	} else if first, rest, ok := strings.Cut(text, "\n"); ok {
		text = style.Name(first) + "\n" + rest
	}
	_, err := io.WriteString(w, text)
	return err
}

// Objects returns the rows of a table for JSON, each by the names in header. It is never nil.
func Objects(header []string, rows [][]string) []map[string]string {
	all := []map[string]string{}
	for _, row := range rows {
		object := map[string]string{}
		for i, name := range header {
			object[name] = row[i]
		}
		all = append(all, object)
	}
	return all
}

func horizontal(header []string, rows [][]string) string {
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Box:     table.BoxStyle{PaddingRight: "  ", MiddleVertical: ""},
		Format:  table.FormatOptions{Header: text.FormatUpper},
		Options: table.OptionsNoBordersAndSeparators,
	})
	t.AppendHeader(cells(header))
	for _, r := range rows {
		t.AppendRow(cells(r))
	}
	var b strings.Builder
	for line := range strings.Lines(t.Render() + "\n") {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

func cells(texts []string) table.Row {
	row := make(table.Row, len(texts))
	for i, s := range texts {
		row[i] = s
	}
	return row
}

// vertical has a heading for every row and a line for every cell.
func vertical(header []string, rows [][]string, style Style) string {
	nameWidth := 0
	for _, name := range header {
		nameWidth = max(nameWidth, Columns(name))
	}
	var b strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&b, "-[ %d ]-\n", i+1)
		for j, name := range header {
			pad := strings.Repeat(" ", nameWidth-Columns(name)+2)
			b.WriteString(strings.TrimRight(style.Name(strings.ToUpper(name))+pad+row[j], " ") + "\n")
		}
	}
	return b.String()
}

func widest(text string) (width int) {
	for line := range strings.Lines(text) {
		width = max(width, Columns(strings.TrimSuffix(line, "\n")))
	}
	return width
}

// More says how many entries of a list are not shown: "... and 5 more". It writes nothing where all
// are shown.
func More(w io.Writer, shown, total int) {
	if total > shown {
		fmt.Fprintln(w, AndMore(total-shown))
	}
}

// AndMore is the line that ends a list of which n entries are not shown.
func AndMore(n int) string { return fmt.Sprintf("... and %d more", n) }

// Plural is a number with its noun: 1 message, 2 messages.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
