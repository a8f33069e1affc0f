package reveal

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"sqs2pg/pkg/terminal/exit"
)

// Ask is what a person asks for, as flags of the command. The errors of its methods are misuses
// (see package exit), and hold nothing that a person typed or has in a file.
type Ask struct {
	Event       []string `placeholder:"ID" help:"These events, by their event_id."`
	SubjectFile string   `placeholder:"FILE" help:"All events of a person: the value of the contract's x-subject, alone in a file, or - for standard input."`
	Token       string   `placeholder:"TOKEN" help:"All events that have this token in a column."`
	Where       string   `placeholder:"FILE" help:"All events that a condition in SQL selects, from a file, or - for standard input."`

	Fields  []string `placeholder:"FIELD,..." help:"What to reveal: properties that have x-recover."`
	Purpose string   `placeholder:"PURPOSE" help:"Why: fraud, support, legal, access-request or incident."`
	Ticket  string   `placeholder:"ABC-123" help:"The ticket that asks for it."`

	After  string `placeholder:"PLACE" help:"Go on behind this place, which an interrupted command prints."`
	DryRun bool   `help:"Only count the events. It asks for nothing, and nothing is opened."`

	// A value on the command line is in the shell's history and in the list of processes.
	Subject string `hidden:""`
}

// Purposes are what a person may reveal for. The audit keeps the purpose and the ticket, and no free
// text, into which somebody would type a name.
var Purposes = []string{"fraud", "support", "legal", "access-request", "incident"}

var (
	ticket    = regexp.MustCompile(`^[A-Z][A-Z0-9]{0,15}-[0-9]{1,12}$`)
	token     = regexp.MustCompile(`^[^:\s]+:[0-9a-f]{32}$`)
	fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z_.-]{0,40}$`)
	notInName = regexp.MustCompile(`[^A-Za-z0-9_+=,.@:/-]`) // of a caller, for sqs2pg.request
)

// Check reports everything that is wrong without looking into a file or a database.
func (a *Ask) Check() error {
	if a.Subject != "" {
		return exit.Misuse("a value stands on the command line, where others see it: write it into a file for --subject-file, or give it on standard input: --subject-file -")
	}
	given := 0
	for _, set := range []bool{len(a.Event) > 0, a.SubjectFile != "", a.Token != "", a.Where != ""} {
		if set {
			given++
		}
	}
	const ways = "--event ID, --subject-file FILE, --token TOKEN or --where FILE"
	switch {
	case given == 0:
		return exit.Misuse("nothing is asked for: name the events by one of %s", ways)
	case given > 1:
		return exit.Misuse("the events are named in two ways: keep one of %s", ways)
	case len(a.Fields) == 0:
		return exit.Misuse("--fields is missing: name the properties to reveal")
	case a.DryRun:
		return nil
	case a.Purpose == "":
		return exit.Misuse("--purpose is missing: it is one of %s", strings.Join(Purposes, ", "))
	case !slices.Contains(Purposes, a.Purpose):
		return exit.Misuse("--purpose is none that the audit knows: it is one of %s", strings.Join(Purposes, ", "))
	case a.Ticket == "":
		return exit.Misuse("--ticket is missing: name the ticket that asks for it, such as ABC-123")
	case !ticket.MatchString(a.Ticket):
		return exit.Misuse("--ticket is not the name of a ticket: write it as ABC-123, and nothing about a person")
	}
	return nil
}

// nameOf is a caller as the audit takes it: another character, as in DOMAIN\ann, becomes _.
func nameOf(caller string) string {
	name := notInName.ReplaceAllString(caller, "_")
	return name[:min(len(name), 255)]
}

// events returns the ids of --event.
func (a *Ask) events() (ids [][16]byte, err error) {
	for i, text := range a.Event {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, exit.Misuse("--event number %d is not an event_id: it is a UUID, such as 6ba7b810-9dad-11d1-80b4-00c04fd430c8", i+1)
		}
		if !slices.Contains(ids, [16]byte(id)) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// most is the most bytes of a subject's or a condition's file.
const most = 64 << 10

// read returns the text of a file, or of in for -.
func read(flag, file string, in io.Reader) ([]byte, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, unreadable(flag, err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return nil, unreadable(flag, err)
	case len(text) > most:
		return nil, exit.Misuse("%s: the file has more than %d bytes: it is not what this flag takes", flag, most)
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), nil // some editors begin every file with it
}

// unreadable leaves out the name of the file, which may be a person's value in the wrong place.
func unreadable(flag string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return exit.Misuse("%s: %w: name a file, and write what you ask for into it", flag, err)
}

// subject returns the one line of a subject's file.
func subject(file string, in io.Reader) (string, error) {
	text, err := read("--subject-file", file, in)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(text) {
		return "", exit.Misuse("--subject-file: the file is not UTF-8: save it as UTF-8")
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	switch {
	case len(lines) == 0:
		return "", exit.Misuse("--subject-file: the file is empty: write the value of the person's x-subject into it, and nothing else")
	case len(lines) > 1:
		return "", exit.Misuse("--subject-file: the file has %d lines: a request is about one person, so write one value", len(lines))
	}
	return lines[0], nil
}

// condition returns the text of a condition's file.
func condition(file string, in io.Reader) (string, error) {
	text, err := read("--where", file, in)
	if err == nil && len(bytes.TrimSpace(text)) == 0 {
		err = exit.Misuse("--where: the file is empty: write a condition into it, such as sent_at > now() - interval '1 day'")
	}
	return string(bytes.TrimSpace(text)), err
}

// checkFields returns the fields that are asked for in the contract's order. It reports one that
// cannot be recovered.
func checkFields(asked, recovered []string) (fields []string, err error) {
	asked = slices.Clone(asked)
	for i, field := range asked {
		field = strings.TrimSpace(field) // a blank may follow a comma
		asked[i] = field
		switch {
		case len(recovered) == 0:
			return nil, exit.Misuse("--fields: the contract has no x-recover, so nothing of it can be revealed")
		case !slices.Contains(recovered, field):
			return nil, exit.Misuse("--fields: %s cannot be revealed: choose from %s, which have x-recover", quoted(field), strings.Join(recovered, ", "))
		}
	}
	for _, field := range recovered {
		if slices.Contains(asked, field) {
			fields = append(fields, field)
		}
	}
	return fields, nil
}

// quoted is a field as it is typed, unless it may be a value.
func quoted(field string) string {
	if fieldName.MatchString(field) {
		return field
	}
	return "one of them"
}
