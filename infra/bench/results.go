package main

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// results holds the measured values: for each measurement, in the order of their first appearance,
// by side (0 old, 1 new) and round.
type results struct {
	order  []measurement
	values map[measurement][2]map[int]float64
}

type measurement struct{ name, unit string }

// Units that say nothing of the code that is compared: a baseline that it is measured against, the
// size of an input, and what ns/op says already.
var ignored = regexp.MustCompile(`^(COPY-|script-|payload-|MB/s$)`)

// add takes the measurements out of what go test -bench prints.
// The name stands for that of the benchmark in what it prints.
func (r *results) add(side, round int, name, text string) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		_, sub, isSub := strings.Cut(strings.TrimSuffix(fields[0], processors), "/")
		full := name
		if isSub {
			full += "/" + sub
		}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if m := (measurement{full, fields[i+1]}); err == nil && !ignored.MatchString(m.unit) {
				r.put(m, side, round, value)
			}
		}
	}
}

func (r *results) put(m measurement, side, round int, value float64) {
	if r.values == nil {
		r.values = map[measurement][2]map[int]float64{}
	}
	sides, ok := r.values[m]
	if !ok {
		sides = [2]map[int]float64{{}, {}}
		r.values[m] = sides
		r.order = append(r.order, m)
	}
	sides[side][round] = value
}

// print writes a line for each measurement, and how many are worse beyond their spread.
func (r *results) print(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BENCHMARK\tUNIT\tOLD\tNEW\tNEW/OLD\tSPREAD\t")
	worse, compared := 0, 0
	for _, m := range r.order {
		old, fresh := r.values[m][0], r.values[m][1]
		var olds, news, ratios []float64
		for round, was := range old {
			if is, ok := fresh[round]; ok && was > 0 {
				olds, news, ratios = append(olds, was), append(news, is), append(ratios, is/was)
			}
		}
		switch {
		case len(old) == 0 || len(fresh) == 0:
			fmt.Fprintf(table, "%s\t%s\t\t\t\t\tonly %s\n", m.name, m.unit, map[bool]string{true: "new", false: "old"}[len(old) == 0])
		case len(ratios) > 0: // else the old value is 0: a benchmark that reports another unit, or allocates no memory
			compared++
			verdict, loss := m.verdict(slices.Min(ratios), slices.Max(ratios))
			if loss {
				worse++
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.3f\t%.3f-%.3f\t%s\n", m.name, m.unit, digits(median(olds)), digits(median(news)), median(ratios), slices.Min(ratios), slices.Max(ratios), verdict)
		}
	}
	table.Flush()
	fmt.Fprintf(out, "%d of %d measurements are worse beyond their spread\n", worse, compared)
}

// tabulated are the measurements in the table of tabulate. Rates are left out: they mean little on
// another machine.
var tabulated = []struct{ unit, title string }{
	{"ratio-of-COPY", "of COPY"},
	{"ratio-of-COPY-and-an-empty-function", "of COPY and an empty function"},
	{"ratio-of-an-empty-function", "of the path of an empty function"},
	{"times-the-script", "times the script"},
	{"of-encoding/json", "of encoding/json decoding the same event"},
	{"allocs/message", "allocations a message"},
	{"us/message", "us a message"},
	{"cpu-us/message", "us of processor time a message"},
	{"s/batch", "s a batch of 10,000"},
	{"round-trips", "round trips"},
	{"ms/start", "ms to start"},
	{"ms/start-over-empty", "ms to start, more than an empty function"},
	{"peak-MB", "MB at most"},
	{"heap-MB", "MB of heap, besides the payload"},
}

// markdown writes a row for each measurement of the new side that the table shows.
func (r *results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| benchmark | measured | median of %d runs, or %d | lowest to highest |\n|---|---|---|---|\n", rounds, longRounds)
	for _, t := range tabulated {
		for _, m := range r.order {
			if m.unit != t.unit {
				continue
			}
			values := slices.Collect(maps.Values(r.values[m][1]))
			fmt.Fprintf(&b, "| %s | %s | %s | %s to %s |\n", m.name, t.title, digits(median(values)), digits(slices.Min(values)), digits(slices.Max(values)))
		}
	}
	return b.String()
}

var (
	moreIsBetter = regexp.MustCompile(`/s$|^ratio-|^times-`)
	isMemory     = regexp.MustCompile(`^B/|^allocs/|MB$|bytes`)
)

// verdict is empty if the ratios of the rounds lie on both sides of 1.
func (m measurement) verdict(lowest, highest float64) (text string, loss bool) {
	if lowest <= 1 && highest >= 1 {
		return "", false
	}
	loss = (lowest > 1) != moreIsBetter.MatchString(m.unit)
	words := [2]string{"faster", "slower"}
	if isMemory.MatchString(m.unit) {
		words = [2]string{"smaller", "larger"}
	}
	if loss {
		return words[1], true
	}
	return words[0], false
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// digits prints three significant digits, and all before the point.
func digits(v float64) string {
	if v >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
