// Package flags has what several commands let a person name, as flags and variables: the queue, the
// contracts, the database, the keys, the function and its mapping. Each knows how to open what it
// names. Their errors are misuses where the person named something wrong; see package exit.
//
// The commands embed these types. It stands on pkg/local/environment and the packages that play AWS.
package flags

import (
	"encoding/json"
	"fmt"
	"io"

	"sqs2pg/pkg/terminal"
)

// Streams are the outside world as one value, so that a test can replace it.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Dir      string // the local commands keep .sqs2pg in it
	Env      string // environment of the project file, if the command line names one
}

// Input is standard input, for a file that may be named -. On a terminal it says how the input ends:
// otherwise a person waits for the command, and the command for the person.
func (s *Streams) Input(file string) io.Reader {
	if file == "-" && terminal.IsTerminal(s.In) {
		fmt.Fprintln(s.Err, "reading what you type: end it with Ctrl-D on a line of its own")
	}
	return s.In
}

// JSONFlag is on every command that reports something.
type JSONFlag struct {
	JSON bool `name:"json" help:"Print one JSON object instead."`
}

// Encode prints a report to standard output.
func Encode(s *Streams, report any) error { return json.NewEncoder(s.Out).Encode(report) }
