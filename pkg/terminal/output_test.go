package terminal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"sqs2pg/pkg/terminal"
)

func TestOutputRemembersTheFirstFailedWrite(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	good := terminal.NewOutput(&text)
	fmt.Fprint(good, "rows")
	if good.Err() != nil || text.String() != "rows" {
		t.Errorf("wrote %q, error %v", &text, good.Err())
	}
	closed, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	bad := terminal.NewOutput(closed)
	fmt.Fprint(bad, "rows")
	if !errors.Is(bad.Err(), os.ErrClosed) {
		t.Errorf("error %v, want that of the file", bad.Err())
	}
}
