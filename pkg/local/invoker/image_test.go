package invoker

import (
	"fmt"
	"html"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sqs2pg/pkg/local/eventsource"
)

// A drain of a million messages, a frame every two seconds: Postgres goes away and comes back. Each
// frame is what the live view shows.
func TestImageOfTheLiveView(t *testing.T) {
	t.Parallel()
	const (
		total = 1_000_000
		size  = 1000
		every = 2 * time.Second
	)
	v := view{queue: "login-queue", total: total}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	took := time.Duration(0)
	var now eventsource.Progress
	v.update(now, took, at)
	kinds := []string{"malformed: json", "invalid: user_id required", "invalid: ip format ip"} // the latest first
	messages := make([]int, len(kinds))
	var frames [][]string
	for i, settled := range []int{84_000, 86_000, 88_000, 22_000, 0, 0, 61_000, 87_000, 86_000, 88_000, 85_000, 87_000, 86_000, 88_000, 52_000} {
		bad := settled / 1000 * 2
		for j := range bad {
			messages[[]int{1, 2, 1, 0}[j%4]]++
		}
		v.failures.reasons = nil
		for j, kind := range kinds {
			v.failures.reasons = append(v.failures.reasons, failure{reason: kind, messages: messages[j]})
		}
		v.databaseTime = []float64{3.8, 4.1, 4.4}[i%3]
		now.Succeeded += settled - bad
		now.DeadLettered += bad
		now.InFlight = min(2*size, total-now.Succeeded-now.DeadLettered)
		took += every
		at = at.Add(every)
		switch {
		case settled > 0:
			now.Invoking = eventsource.Fault{}
			v.failures.failing = 0
		case now.Invoking.Since.IsZero():
			now.Invoking = eventsource.Fault{Since: at.Add(-every), Reason: "Unavailable: database unavailable: the server is not ready (57P03)"}
			v.failures.failing = 2 * size
		}
		v.update(now, took, at)
		frames = append(frames, v.block(81, at))
	}
	picture(t, "../../../.github/images/view.svg", screen("$ build/sqs2pg invoke --queue login-queue --batch-size 1000", frames))
}

// screen draws frames of text, one after the other, without end. The last frame is what a reader
// sees who has turned animations off, and what a program draws that knows none.
func screen(command string, frames [][]string) string {
	const (
		cell, line, pad, top = 8.4, 20, 20, 52
		columns, rows        = 80, 10
		seconds              = 1.1
	)
	var b strings.Builder
	width, height := int(columns*cell)+2*pad, top+rows*line+pad
	all := seconds * float64(len(frames))
	share := 100 / float64(len(frames))
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">
<title>The live view of a drain</title>
<style>
text { font: 14px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #e6edf3; white-space: pre }
.name { fill: #8b949e } .bad { fill: #f0b429 } .error { fill: #ff7b72 } .prompt { fill: #7ee787 }
.full { fill: #2ea043 } .empty { fill: #30363d }
.frame { opacity: 0 } .frame:last-of-type { opacity: 1 }
@media (prefers-reduced-motion: no-preference) {
  .frame { animation: show %.1fs steps(1) infinite } .frame:last-of-type { opacity: 0 }
  @keyframes show { 0%% { opacity: 1 } %.3f%% { opacity: 0 } 100%% { opacity: 0 } }
}
</style>
<rect width="%d" height="%d" rx="10" fill="#0d1117" stroke="#30363d"/>
<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/>
`, width, height, width, height, all, share, width, height)
	put := func(row, column int, class, text string) {
		column += len(text) - len(strings.TrimLeft(text, " "))
		if text = strings.TrimSpace(text); text == "" {
			return
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" class="%s" textLength="%.1f" lengthAdjust="spacingAndGlyphs">%s</text>`+"\n",
			pad+float64(column)*cell, top+row*line, class, float64(utf8.RuneCountInString(text))*cell, html.EscapeString(text))
	}
	put(0, 0, "prompt", command[:1])
	put(0, 2, "", command[2:])
	for i, frame := range frames {
		fmt.Fprintf(&b, `<g class="frame" style="animation-delay: %.1fs">`+"\n", seconds*float64(i))
		for n, text := range frame {
			row := n + 2
			switch {
			case n == 0:
				drawBar(&b, text, row, cell, line, pad, top, put)
			case n < 4:
				for _, at := range nameAndValue.FindAllStringSubmatchIndex(text, -1) {
					column := utf8.RuneCountInString(text[:at[2]])
					put(row, column, "name", text[at[2]:at[3]])
					put(row, utf8.RuneCountInString(text[:at[4]]), "", text[at[4]:at[5]])
				}
			case strings.HasPrefix(text, "outage"):
				put(row, 0, "error", text)
			default:
				put(row, 0, "bad", text[:15])
				put(row, 15, "", text[15:])
			}
		}
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// A name and its value in a line of the view.
var nameAndValue = regexp.MustCompile(`([a-z]+(?:[ -][a-z]+)*) {2,}(\S+(?: ms)?)`)

var blocks = regexp.MustCompile(`^(.*?  )(█*)(░*)  (.*)$`)

// drawBar draws the blocks of the progress bar as rectangles: as letters they have gaps in most
// fonts.
func drawBar(b io.Writer, text string, row int, cell float64, line, pad, top int, put func(int, int, string, string)) {
	m := blocks.FindStringSubmatch(text)
	before, full, empty := utf8.RuneCountInString(m[1]), utf8.RuneCountInString(m[2]), utf8.RuneCountInString(m[3])
	put(row, 0, "", m[1])
	for _, part := range []struct {
		class      string
		from, long int
	}{{"empty", before, full + empty}, {"full", before, full}} {
		fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="13" rx="3"/>`+"\n", part.class, float64(pad)+float64(part.from)*cell, top+row*line-11, float64(part.long)*cell)
	}
	put(row, before+full+empty+2, "", m[4])
}

// picture compares a picture of the README with what it must be; make images writes it.
func picture(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not up to date: make images writes it", path)
	}
}
