package queue

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ReadLines reads the bodies of messages, one per line. An empty line is an empty body, which SQS
// does not take. It refuses what is plainly not one message per line: a byte order mark, and a JSON
// document over several lines or a list, since its lines would be sent as messages.
func ReadLines(in io.Reader) ([]string, error) {
	var lines []string
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, MaxSize+1)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read line %d: %w", len(lines)+1, err)
	}
	return lines, checkLines(lines)
}

func checkLines(lines []string) error {
	first := slices.IndexFunc(lines, func(line string) bool { return line != "" })
	switch {
	case first < 0:
		return nil
	case strings.HasPrefix(lines[0], "\ufeff"):
		return errors.New("the file begins with a byte order mark (BOM): save it as UTF-8 without one")
	}
	text := lines[first] // half a document, or a whole list of messages
	if json.Valid([]byte(text)) && !strings.HasPrefix(strings.TrimSpace(text), "[") {
		return nil
	}
	if json.Valid([]byte(strings.Join(lines, "\n"))) {
		return errors.New("the file is one JSON document: one message a line")
	}
	return nil
}
