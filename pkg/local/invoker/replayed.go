package invoker

import (
	"fmt"
	"io"
	"strings"

	"sqs2pg/pkg/terminal"
)

// listed is how many ids are printed before "... and 90 more".
const listed = 10

// Print writes what became of the messages of a file, with the ids of those that failed, ten at most.
func (r Replayed) Print(w io.Writer, file string) {
	switch failed := len(r.FailedIDs); {
	case r.Err != nil:
		fmt.Fprintf(w, "%s: %d messages, all failed: %v\n", file, r.Messages, r.Err)
	case failed > 0:
		fmt.Fprintf(w, "%s: %d messages, %d failed: %s\n", file, r.Messages, failed, strings.Join(r.FailedIDs[:min(listed, failed)], " "))
		terminal.More(w, listed, failed)
	default:
		fmt.Fprintf(w, "%s: %d messages\n", file, r.Messages)
	}
}

// Report is what Print writes, for JSON: with the whole response, or the error.
func (r Replayed) Report(file string) map[string]any {
	report := map[string]any{"file": file, "messages": r.Messages}
	if r.Err != nil {
		report["error"] = r.Err.Error()
	} else {
		report["response"] = r.Response
	}
	return report
}
