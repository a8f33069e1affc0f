package doctor

import (
	"fmt"
	"io"

	"sqs2pg/pkg/terminal"
)

// Report is what a doctor has found.
type Report struct {
	Findings []Finding `json:"findings"`
	Fixes    int       `json:"fixes"` // findings with the verdict Fix
}

// NewReport counts the findings.
func NewReport(found []Finding) Report {
	r := Report{Findings: found}
	for _, f := range found {
		if f.Verdict == Fix {
			r.Fixes++
		}
	}
	return r
}

// Print writes a line for each finding.
func (r Report) Print(w io.Writer) {
	style := terminal.StyleOf(w)
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%s %-12s %s\n", f.Verdict.coloured(style), f.Subject, f.Text)
	}
}

// coloured is a verdict in its column.
func (v Verdict) coloured(style terminal.Style) string {
	text := fmt.Sprintf("%-4s", v)
	switch v {
	case Fix:
		return style.Bad(text)
	case Note:
		return style.Warn(text)
	}
	return style.Good(text)
}
