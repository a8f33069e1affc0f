package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/generate"
	"sqs2pg/pkg/postgres/schema"
)

// contractDiff compares two versions of a contract.
type contractDiff struct {
	Old   string `arg:"" help:"The contract that is in use: a name or a file."`
	New   string `arg:"" help:"The contract that is to take its place."`
	Count int    `default:"1000" help:"How many messages to generate from each contract."`
	Seed  uint64 `default:"1" help:"Seed for the messages."`

	jsonFlag `embed:""`
}

func (c *contractDiff) Help() string {
	return "Prints what migrate would do, the steps for a changed type or mask, and which messages of one contract the other refuses. " +
		"The messages are generated, so an empty list is no proof. " +
		"Exits with 0 if the contracts are the same or compatible, and with 1 if NEW refuses messages that OLD accepts, or migrate would refuse NEW."
}

// comparison is what the command found.
type comparison struct {
	SQL       string              `json:"migration"`
	Refused   []string            `json:"refused"`
	Tolerated []string            `json:"tolerated"`
	Ways      map[string][]string `json:"steps"` // by column
	Generated int                 `json:"generated"`
	ByNew     []generate.Refusal  `json:"refused_by_new"`
	ByOld     []generate.Refusal  `json:"refused_by_old"`
}

func (c *contractDiff) Run(s *streams) error {
	if c.Count < 1 {
		return misuse("--count is %d: it must be 1 or more", c.Count)
	}
	old, err := loadContract("OLD", c.Old)
	if err != nil {
		return err
	}
	next, err := loadContract("NEW", c.New)
	if err != nil {
		return err
	}
	found, err := c.compare(old, next)
	if err != nil {
		return err
	}
	if c.JSON {
		err = encode(s, found)
	} else {
		found.print(s.out, c.Old, c.New)
	}
	if err != nil {
		return err
	}
	var reasons []string
	if len(found.Refused) > 0 {
		reasons = append(reasons, "migrate would refuse "+c.New)
	}
	if len(found.ByNew) > 0 {
		reasons = append(reasons, c.New+" refuses messages that "+c.Old+" accepts")
	}
	if len(reasons) > 0 {
		return errors.New(strings.Join(reasons, "; "))
	}
	return nil
}

func (c *contractDiff) compare(old, next *contract.Contract) (*comparison, error) {
	change, err := schema.ChangeOf(old.Table(), next.Table())
	if err != nil {
		return nil, err
	}
	found := &comparison{Refused: []string{}, Tolerated: []string{}, Ways: map[string][]string{}, Generated: c.Count}
	var sql strings.Builder
	change.Migration.Print(&sql)
	found.SQL = sql.String()
	for _, d := range change.Refused {
		found.Refused = append(found.Refused, d.String())
	}
	for _, d := range change.Tolerated {
		found.Tolerated = append(found.Tolerated, d.String())
	}
	for _, way := range change.Ways {
		found.Ways[way.Column] = way.Steps
	}
	if found.ByNew, err = generate.Refused(old, next, c.Count, c.Seed); err != nil {
		return nil, err
	}
	found.ByOld, err = generate.Refused(next, old, c.Count, c.Seed)
	return found, err
}

func (f *comparison) print(w io.Writer, old, next string) {
	switch {
	case len(f.Refused) > 0:
		printList(w, "migrate would refuse:", f.Refused)
	case f.SQL == "":
		fmt.Fprintln(w, "migrate would do nothing")
	default:
		fmt.Fprintf(w, "migrate would run:\n%s", f.SQL)
	}
	printList(w, "left as it is:", f.Tolerated)
	for _, column := range slices.Sorted(maps.Keys(f.Ways)) {
		fmt.Fprintf(w, "\nto change column %s:\n", column)
		for i, step := range f.Ways[column] {
			fmt.Fprintf(w, "  %d. %s\n", i+1, step)
		}
	}
	f.printMessages(w, old, next, f.ByNew)
	f.printMessages(w, next, old, f.ByOld)
}

func printList(w io.Writer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintln(w, title)
	for _, line := range lines {
		fmt.Fprintln(w, "  "+line)
	}
}

const exampleLength = 200 // characters

func (f *comparison) printMessages(w io.Writer, from, by string, refused []generate.Refusal) {
	count := 0
	for _, r := range refused {
		count += r.Count
	}
	fmt.Fprintf(w, "\n%s refuses %d of %d messages that %s accepts\n", by, count, f.Generated, from)
	for _, r := range refused {
		example := []rune(r.Example)
		if len(example) > exampleLength {
			example = append(example[:exampleLength], '…')
		}
		violation := contract.Violation{Field: r.Field, Rule: r.Rule}
		fmt.Fprintf(w, "  %d  %s: %s\n", r.Count, strings.TrimPrefix(violation.Error(), "invalid: "), string(example))
	}
}
