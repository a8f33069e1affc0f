package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrNobodyToAsk means that a question could not be asked, because the input is not a terminal.
var ErrNobodyToAsk = errors.New("the input is not a terminal, so nobody can be asked")

// Confirm asks a question on out and reads the answer from in, which must be a terminal. It returns
// true for y and yes, and false for anything else, the empty line included.
func Confirm(in io.Reader, out io.Writer, question string) (bool, error) {
	if !IsTerminal(in) {
		return false, ErrNobodyToAsk
	}
	fmt.Fprintf(out, "%s [y/N] ", question)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}
