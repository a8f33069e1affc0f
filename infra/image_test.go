package infra_test

import (
	"fmt"
	"html"
	"os"
	"strings"
	"testing"
)

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
	d.box(740, 62, 180, 148, "table", "Postgres")
	d.step(752, 98, 156, 44, "table", "rows by day")
	d.step(752, 154, 156, 44, "vault", "the originals")
	d.box(372, 300, 146, 76, "", "Secrets Manager", "keyring, password")
	d.box(528, 300, 138, 76, "", "CloudWatch", "logs, metrics, alarms")
	d.box(676, 300, 124, 76, "function", "maintain", "Lambda, every 6 h")
	d.box(810, 300, 110, 76, "", "vault reveal", "with the key")

	d.arrow("M140 122 H194")
	d.arrow("M360 104 H434")
	d.label(398, 95, "middle", "batches")
	d.arrow("M440 140 H366")
	d.label(402, 158, "middle", "failed ids")
	d.arrow("M640 122 H734")
	d.label(687, 113, "middle", "masked rows")
	d.arrow("M640 176 H734")
	d.label(687, 167, "middle", "sealed")
	d.arrow("M280 160 V294")
	d.label(270, 222, "end", "after too many")
	d.label(270, 240, "end", "failed deliveries")
	d.arrow("M330 300 V166")
	d.label(340, 250, "start", "redrive")
	d.arrow("M460 300 V216")
	d.arrow("M605 210 V294")
	d.label(615, 240, "start", "field and rule,")
	d.label(615, 258, "start", "never a value")
	d.arrow("M760 300 V216")
	d.label(770, 240, "start", "migrations,")
	d.label(770, 258, "start", "partitions")
	d.arrow("M863 210 V294")
	d.label(873, 249, "start", "audited")
	d.code(20, 48, `{"user_id": "u-1", "ip": "203.0.113.7", ...}`)
	d.code(676, 48, "u-1 | k1:72344ce22fe8... | ...")
	picture(t, "../.github/images/architecture.svg", d.svg(940, 400, "From SQS to Postgres"))
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
