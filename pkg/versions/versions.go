// Package versions compares two versions of a contract: what a migration would do to the table, and
// which messages one version accepts and the other refuses.
package versions

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

// Comparison says how two versions differ. Its lists are never nil.
type Comparison struct {
	SQL       string              `json:"migration"`
	Refused   []string            `json:"refused"`
	Tolerated []string            `json:"tolerated"`
	Vault     []string            `json:"vault"`
	Ways      map[string][]string `json:"steps"` // by column
	Generated int                 `json:"generated"`
	ByNew     []generate.Refusal  `json:"refused_by_new"`
	ByOld     []generate.Refusal  `json:"refused_by_old"`
}

// Compare compares the tables, and count messages of each version, which the seed decides.
func Compare(old, next *contract.Contract, count int, seed uint64) (*Comparison, error) {
	change, err := schema.ChangeOf(old.Table(), next.Table())
	if err != nil {
		return nil, err
	}
	found := &Comparison{Refused: []string{}, Tolerated: []string{}, Vault: vaultOf(old.Table(), next.Table()), Ways: map[string][]string{}, Generated: count}
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
	if found.ByNew, err = generate.Refused(old, next, count, seed); err != nil {
		return nil, err
	}
	found.ByOld, err = generate.Refused(next, old, count, seed)
	return found, err
}

// vaultOf says what is recovered by next and not by old, and who its subject is if old has none.
func vaultOf(old, next contract.Table) []string {
	changes := []string{}
	for _, path := range next.Recover {
		if !slices.Contains(old.Recover, path) {
			changes = append(changes, path+" can be recovered from events that are written from then on")
		}
	}
	if old.Subject == "" && next.Subject != "" {
		changes = append(changes, next.Subject+" is the subject")
	}
	return changes
}

// Print prints it for people. old and next name the versions.
func (f *Comparison) Print(w io.Writer, old, next string) {
	switch {
	case len(f.Refused) > 0:
		printList(w, "migrate would refuse:", f.Refused)
	case f.SQL == "":
		fmt.Fprintln(w, "migrate would do nothing")
	default:
		fmt.Fprintf(w, "migrate would run:\n%s", f.SQL)
	}
	printList(w, "left as it is:", f.Tolerated)
	printList(w, "in the vault:", f.Vault)
	for _, column := range slices.Sorted(maps.Keys(f.Ways)) {
		fmt.Fprintf(w, "\nto change column %s:\n", column)
		for i, step := range f.Ways[column] {
			fmt.Fprintf(w, "  %d. %s\n", i+1, step)
		}
	}
	f.printMessages(w, old, next, f.ByNew)
	f.printMessages(w, next, old, f.ByOld)
}

// Fault says why the next version cannot simply take the place of the old one. It is nil if migrate
// would accept the next version, and that refuses no generated message.
func (f *Comparison) Fault(old, next string) error {
	var reasons []string
	if len(f.Refused) > 0 {
		reasons = append(reasons, "migrate would refuse "+next)
	}
	if len(f.ByNew) > 0 {
		reasons = append(reasons, next+" refuses messages that "+old+" accepts")
	}
	if len(reasons) > 0 {
		return errors.New(strings.Join(reasons, "; "))
	}
	return nil
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

func (f *Comparison) printMessages(w io.Writer, from, by string, refused []generate.Refusal) {
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
