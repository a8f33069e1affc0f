package main

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sqs2pg/pkg/local/eventsource"
)

// image compares a picture of the README with what it must be; make images writes it.
func image(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join("../../.github/images", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
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

// A drain of a million messages, a frame every two seconds: Postgres goes away and comes back. Each frame is what the
// live view shows.
func TestImageOfTheLiveView(t *testing.T) {
	t.Parallel()
	const (
		total = 1_000_000
		size  = 1000
		every = 2 * time.Second
	)
	log := newFunctionLog(io.Discard)
	v := view{queue: "http://127.0.0.1:4566/000000000000/login-queue", log: log}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	took := time.Duration(0)
	var now eventsource.Progress
	v.take(now, total, took, at)
	var frames [][]string
	for i, settled := range []int{84_000, 86_000, 88_000, 22_000, 0, 0, 61_000, 87_000, 86_000, 88_000, 85_000, 87_000, 86_000, 88_000, 52_000} {
		bad := settled / 1000 * 2
		for j := range bad {
			kind := []string{
				`"outcome":"invalid","field":"user_id","rule":"required"`, `"outcome":"invalid","field":"ip","rule":"format ip"`,
				`"outcome":"invalid","field":"user_id","rule":"required"`, `"outcome":"malformed","rule":"json"`,
			}[j%4]
			fmt.Fprintf(log, `{"level":"WARN","message":"message failed","messageId":"m%d-%d",%s}`+"\n", i, j, kind)
		}
		latency := []float64{3.8, 4.1, 4.4}[i%3]
		if settled > 0 {
			fmt.Fprintf(log, `{"_aws":{},"Written":%d,"DatabaseTime":%v}`+"\n", settled, latency)
		}
		now.Succeeded += settled - bad
		now.Failed += bad * 5
		now.DeadLettered += bad
		now.Invocations += cmp.Or(settled/size, 2)
		now.InFlight = 2 * size
		if settled == 0 {
			now.LastError = "Unavailable: database unavailable: the server is not ready for connections yet (SQLSTATE 57P03)"
		}
		took += every
		at = at.Add(every)
		v.waiting = max(0, total-now.Succeeded-now.DeadLettered-now.InFlight)
		if v.waiting == 0 {
			now.InFlight = 0
		}
		v.reasons, v.latency = log.snapshot()
		v.take(now, total, took, at)
		frames = append(frames, append([]string(nil), v.render(81)...))
	}
	image(t, "view.svg", terminal("$ build/sqs2pg invoke --queue login-queue --batch-size 1000", frames))
}

// terminal draws frames of text, one after the other, without end. The last frame is what a reader sees who has turned
// animations off, and what a program draws that knows none.
func terminal(command string, frames [][]string) string {
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
			case strings.HasPrefix(text, "last error"):
				put(row, 0, "name", "last error")
				put(row, 10, "error", strings.TrimPrefix(text, "last error"))
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

// drawBar draws the blocks of the progress bar as rectangles: as letters they have gaps in most fonts.
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

func TestImageOfTheArchitecture(t *testing.T) {
	t.Parallel()
	var d drawing
	d.box(20, 84, 120, 76, "", "Producers", "JSON events")
	d.box(200, 84, 160, 76, "queue", "SQS queue", "standard or FIFO")
	d.box(200, 300, 160, 76, "dead", "Dead-letter queue", "kept 14 days")
	d.box(440, 34, 200, 176, "function", "ingest (Lambda)")
	for i, step := range [][2]string{{"check", "by the contract"}, {"mask", "with the keyring"}, {"write", "one transaction"}} {
		d.step(452, 72+44*i, 176, 34, step[0], step[1])
	}
	d.box(750, 84, 170, 76, "table", "Postgres", "partitions by day")
	d.box(400, 300, 150, 76, "", "Secrets Manager", "keyring, password")
	d.box(570, 300, 150, 76, "", "CloudWatch", "logs, metrics, alarms")
	d.box(750, 300, 170, 76, "function", "maintain (Lambda)", "every 6 hours")

	d.arrow("M140 122 H194")
	d.arrow("M360 104 H434")
	d.label(398, 95, "middle", "batches")
	d.arrow("M440 140 H366")
	d.label(402, 158, "middle", "failed ids")
	d.arrow("M640 122 H744")
	d.label(692, 113, "middle", "masked rows")
	d.arrow("M280 160 V294")
	d.label(270, 222, "end", "after too many")
	d.label(270, 240, "end", "failed deliveries")
	d.arrow("M330 300 V166")
	d.label(340, 250, "start", "redrive")
	d.arrow("M475 300 V216")
	d.arrow("M605 210 V294")
	d.label(615, 240, "start", "field and rule,")
	d.label(615, 258, "start", "never a value")
	d.arrow("M835 300 V166")
	d.label(845, 222, "start", "migrations,")
	d.label(845, 240, "start", "partitions")
	d.code(20, 48, `{"user_id": "u-1", "ip": "203.0.113.7", ...}`)
	d.code(676, 48, "u-1 | k1:72344ce22fe8... | ...")
	image(t, "architecture.svg", d.svg(940, 400, "From SQS to Postgres"))
}

// drawing collects the elements of a picture that follows the reader's choice of light or dark.
type drawing struct{ strings.Builder }

func (d *drawing) box(x, y, w, h int, class, title string, lines ...string) {
	fmt.Fprintf(d, `<rect class="box %s" x="%d" y="%d" width="%d" height="%d" rx="8"/>`+"\n", class, x, y, w, h)
	at := y + 24
	if len(lines) > 0 {
		at = y + h/2 - 4
	}
	fmt.Fprintf(d, `<text class="title" x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", x+w/2, at, title)
	for i, line := range lines {
		d.label(x+w/2, at+20*(i+1), "middle", line)
	}
}

func (d *drawing) step(x, y, w, h int, title, text string) {
	fmt.Fprintf(d, `<rect class="step" x="%d" y="%d" width="%d" height="%d" rx="5"/>`+"\n", x, y, w, h)
	fmt.Fprintf(d, `<text class="title" x="%d" y="%d">%s</text>`+"\n", x+12, y+h/2+5, title)
	d.label(x+62, y+h/2+5, "start", text)
}

func (d *drawing) label(x, y int, anchor, text string) {
	fmt.Fprintf(d, `<text class="label" x="%d" y="%d" text-anchor="%s">%s</text>`+"\n", x, y, anchor, html.EscapeString(text))
}

func (d *drawing) code(x, y int, text string) {
	fmt.Fprintf(d, `<text class="code" x="%d" y="%d">%s</text>`+"\n", x, y, html.EscapeString(text))
}

func (d *drawing) arrow(path string) {
	fmt.Fprintf(d, `<path class="arrow" d="%s" marker-end="url(#head)"/>`+"\n", path)
}

func (d *drawing) svg(width, height int, title string) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[2]d" width="%[1]d" height="%[2]d" role="img">
<title>%[3]s</title>
<style>
text { font: 13px -apple-system, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 14px } .label { fill: #59636e; font-size: 12px }
.code { font: 12px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #59636e }
.card { fill: #ffffff; stroke: #d1d9e0 } .box { fill: #f6f8fa; stroke: #818b98; stroke-width: 1.5 }
.queue { fill: #ddf4ff; stroke: #0969da } .dead { fill: #ffebe9; stroke: #cf222e }
.function { fill: #fff1e5; stroke: #bc4c00 } .table { fill: #dafbe1; stroke: #1a7f37 }
.step { fill: #ffffff; stroke: #bc4c00; stroke-opacity: .5 }
.arrow { fill: none; stroke: #59636e; stroke-width: 1.5 } .head { fill: #59636e }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .label, .code { fill: #9198a1 }
  .card { fill: #0d1117; stroke: #3d444d } .box { fill: #151b23; stroke: #656c76 }
  .queue { fill: #0c2d6b; stroke: #4493f8 } .dead { fill: #490202; stroke: #f85149 }
  .function { fill: #341a00; stroke: #db6d28 } .table { fill: #033a16; stroke: #3fb950 }
  .step { fill: #0d1117; stroke: #db6d28 }
  .arrow { stroke: #9198a1 } .head { fill: #9198a1 }
}
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>
<rect class="card" x=".5" y=".5" width="%[4]d" height="%[5]d" rx="10"/>
%[6]s</svg>
`, width, height, title, width-1, height-1, d.String())
}
