package exit_test

import (
	"errors"
	"fmt"
	"testing"

	"sqs2pg/pkg/terminal/exit"
)

func TestCodeSaysWhetherTheCommandWasUsedWrongly(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	for name, test := range map[string]struct {
		err  error
		code int
	}{
		"nothing":                    {nil, 0},
		"a fault":                    {fault, 1},
		"a misuse":                   {exit.Misuse("--count is %d: it must be 1 or more", 0), 2},
		"a fault that is a misuse":   {exit.AsMisuse(fault), 2},
		"no fault that is no misuse": {exit.AsMisuse(nil), 0},
		"a misuse that is wrapped":   {fmt.Errorf("queue: %w", exit.AsMisuse(fault)), 2},
		"a misuse beside a fault":    {errors.Join(fault, exit.Misuse("no queue")), 2},
	} {
		if got := exit.Code(test.err); got != test.code {
			t.Errorf("%s: code %d, want %d", name, got, test.code)
		}
	}
	if !errors.Is(exit.AsMisuse(fault), fault) {
		t.Error("the cause is lost")
	}
}
