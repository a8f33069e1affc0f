package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestSaysThatItsOutputIsNotComplete prints to a full disk. A script that keeps the SQL must not
// take half of it for the whole.
func TestSaysThatItsOutputIsNotComplete(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"contract ddl user_logins", "contract check user_logins", "contract check user_logins --json",
		"contract diff user_logins user_logins", "completion bash", "version", "invoke --help",
	} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		code := execute(t.Context(), strings.Fields(line), &streams{In: strings.NewReader(""), Out: full, Err: &errs, Dir: t.TempDir()})
		full.Close()
		const want = "sqs2pg: the output is not complete: write /dev/full: no space left on device\n"
		if code != 1 || errs.String() != want {
			t.Errorf("%s exits with %d and says %q, want 1 and %q", line, code, &errs, want)
		}
	}
}
