// Package reveal gives people the originals that the vault holds. It looks for the events, asks the
// database, which writes into its audit who asks for what, opens what the database then gives out, and
// compares it with the rows.
//
// Values go to one writer, standard output, and nowhere else: no error and no line of talk holds one.
// Only the command links it.
package reveal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/terminal"
	"sqs2pg/pkg/terminal/exit"
	"sqs2pg/pkg/vault/open"
)

// page is how many events one request is for: an entry of the audit, and what is lost when the
// command is interrupted.
const page = 500

// Reveal is one run of the command. All fields but Keyring, Caller and JSON are required.
type Reveal struct {
	Ask      Ask
	Pool     *postgres.Pool // of a member of sqs2pg_revealer
	Contract *contract.Contract
	Keyring  *mask.Keyring // nil: tokens are not compared
	Caller   string        // who asks, for the audit, which knows ASCII names without spaces

	// Key returns the private key of a recipient. Its error says what to do.
	Key func(context.Context, disclosure.Recipient) (*open.Key, error)

	In        io.Reader // for the file -
	Out, Talk io.Writer
	JSON      bool // one object for each event, each on a line

	fields    []string
	selection disclosure.Selection
	seen      int // events
	asked     int // those of them whose key is at hand
	revealed  int
	lacks     lacks
	keys      keys
}

// Run reveals. It may be interrupted at any moment. Its error then, and after a failure, says how to
// go on behind what was printed; every event that was asked for is in the audit. It is a misuse (see
// package exit) if the person has to ask otherwise, and wraps the errors of package disclosure.
func (r *Reveal) Run(ctx context.Context) error {
	if err := r.prepare(); err != nil {
		return err
	}
	if err := r.compareKeys(ctx); err != nil {
		return err
	}
	total, err := disclosure.Count(ctx, r.Pool, r.table(), r.selection)
	if err != nil {
		return err
	}
	if r.Ask.DryRun {
		return r.count(total)
	}
	if r.keys, err = newKeys(ctx, r.Pool, r.Key); err != nil {
		return err
	}
	if r.lacks.days, err = disclosure.VaultDays(ctx, r.Pool, r.table()); err != nil {
		return err
	}
	for r.seen < total {
		n, err := r.page(ctx)
		if err != nil {
			return r.interrupted(ctx, err, total)
		}
		if n == 0 { // rows were deleted meanwhile
			break
		}
		if total > page {
			fmt.Fprintf(r.Talk, "%d of %d events\n", r.seen, total)
		}
	}
	return r.conclude(total)
}

func (r *Reveal) table() contract.Table { return r.Contract.Table() }

// prepare checks what can be checked without the database, and reads the file.
func (r *Reveal) prepare() (err error) {
	if err := r.Ask.Check(); err != nil {
		return err
	}
	if r.fields, err = checkFields(r.Ask.Fields, r.table().Recover); err != nil {
		return err
	}
	if r.selection, err = r.Ask.selection(r.Contract, r.Keyring, r.In); err != nil {
		return err
	}
	r.selection.After, err = parsePlace(r.Ask.After)
	return err
}

// compareKeys refuses a keyring that did not make the tokens of the database. By it a person would not
// be found, and every row would look as if somebody had changed it.
func (r *Reveal) compareKeys(ctx context.Context) error {
	if r.Keyring == nil || r.Ask.DryRun && r.Ask.SubjectFile == "" {
		return nil
	}
	keys, err := disclosure.MaskingKeys(ctx, r.Pool)
	if err != nil {
		return err
	}
	known := registry.Database{Table: &registry.Registration{}, Keys: keys}
	return registry.Refusal(known.CompareKeys(r.table(), r.Keyring))
}

func (r *Reveal) count(total int) error {
	if r.JSON {
		return write(r.Out, map[string]any{"table": r.table().FullName(), "fields": r.fields, "events": total})
	}
	_, err := fmt.Fprintf(r.Out, "%s of %s; nothing is asked for and nothing is opened\n", terminal.Plural(total, "event", "events"), r.table().FullName())
	return err
}

// page reveals the next events, and returns how many there were.
func (r *Reveal) page(ctx context.Context) (int, error) {
	found, err := disclosure.Find(ctx, r.Pool, r.table(), r.selection, page)
	if len(found) == 0 || err != nil {
		return 0, err
	}
	keys, rows := make([]disclosure.Key, len(found)), map[disclosure.Key][]byte{}
	for i, row := range found {
		keys[i], rows[row.Key] = row.Key, row.JSON
	}
	last := keys[len(keys)-1]
	if keys, err = r.withKey(ctx, keys); err == nil && len(keys) > 0 {
		err = r.ask(ctx, keys, rows)
	}
	if err != nil {
		return 0, err
	}
	r.selection.After = &last
	r.seen += len(found)
	return len(found), nil
}

// withKey leaves out the events whose key is not at hand. They would be in the audit in vain, and count
// against the limit of an hour.
func (r *Reveal) withKey(ctx context.Context, keys []disclosure.Key) (asked []disclosure.Key, err error) {
	recipients, err := disclosure.SealedFor(ctx, r.Pool, r.table(), keys)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if recipient, sealed := recipients[key]; sealed {
			if _, err := r.keys.key(ctx, recipient); err != nil {
				r.lacks.notAsked(err)
				continue
			}
		}
		asked = append(asked, key)
	}
	return asked, ctx.Err()
}

// ask asks for events, opens and prints them.
func (r *Reveal) ask(ctx context.Context, keys []disclosure.Key, rows map[disclosure.Key][]byte) error {
	granted, err := disclosure.Request(ctx, r.Pool, disclosure.Inquiry{
		Table: r.table(), Fields: r.fields, Purpose: r.Ask.Purpose, Ticket: r.Ask.Ticket, Caller: nameOf(r.Caller), Keys: keys,
	})
	if err != nil {
		return err
	}
	var sealed []disclosure.Sealed
	if err := disclosure.Fetch(ctx, r.Pool, granted, func(s disclosure.Sealed) error { sealed = append(sealed, s); return nil }); err != nil {
		return err
	}
	if err := r.keys.learn(ctx, r.Pool, sealed); err != nil {
		return err
	}
	events := r.open(sealed, rows)
	r.lacks.note(r.table(), keys, rows, sealed)
	if err := r.print(events); err != nil {
		return err
	}
	r.asked += len(keys)
	r.revealed += len(events)
	return nil
}

// open opens what was sealed, in the order of the events.
func (r *Reveal) open(sealed []disclosure.Sealed, rows map[disclosure.Key][]byte) (events []event) {
	slices.SortFunc(sealed, func(a, b disclosure.Sealed) int { return compare(a.Key, b.Key) })
	for _, s := range sealed {
		values, err := r.keys.open(r.table(), s)
		if err != nil {
			r.lacks.closed(err)
			continue
		}
		events = append(events, r.event(s.Key, values, rows[s.Key]))
		values.Wipe()
	}
	return events
}

// interrupted says how to go on.
func (r *Reveal) interrupted(ctx context.Context, err error, total int) error {
	why := err.Error() + "; "
	if ctx.Err() != nil {
		why, err = "", errors.New("stopped")
	}
	if r.seen == 0 {
		return err
	}
	return fmt.Errorf("%sstopped after %d of %d events: to go on, add --after %s", why, r.seen, total, place(*r.selection.After))
}

// conclude says what was not revealed of what was asked for.
func (r *Reveal) conclude(total int) error {
	wanted := max(total, r.seen) // rows may come and go meanwhile
	if r.Ask.After == "" {
		wanted = max(wanted, len(r.selection.EventIDs))
	}
	if r.asked > 0 {
		fmt.Fprintf(r.Talk, "revealed %d of %s; the audit has it\n", r.revealed, terminal.Plural(wanted, "event", "events"))
	}
	if missing := wanted - r.seen; missing > 0 {
		replaced := ""
		if r.table().Mode == contract.Upsert {
			replaced = "replaced by a newer event, "
		}
		r.lacks.add(fmt.Sprintf("%d not in the table: %serased, past its retention, or never there", missing, replaced))
	}
	if wanted == 0 && r.Ask.SubjectFile != "" && r.Ask.After == "" {
		return errors.New("no event of this person is found: write the value exactly as messages have it, without quotes or spaces around it")
	}
	if wanted == 0 {
		return errors.New("no event is found, so nothing is revealed: correct the token, the condition or --after")
	}
	if lacks := r.lacks.all(); lacks != nil {
		return fmt.Errorf("of %s: %s", terminal.Plural(wanted, "event", "events"), strings.Join(lacks, "; "))
	}
	return nil
}

// selection says which events are meant.
func (a *Ask) selection(c *contract.Contract, keyring *mask.Keyring, in io.Reader) (s disclosure.Selection, err error) {
	table := c.Table()
	switch {
	case a.SubjectFile != "":
		text, err := subject(a.SubjectFile, in)
		if err != nil {
			return s, err
		}
		if keyring == nil && isToken(table, table.Subject) {
			return s, exit.Misuse("--subject-file: the column %s holds tokens, and there is no masking keyring to make them with: set MASK_SECRET_ID or MASK_KEYRING_FILE", table.Subject)
		}
		person, err := c.Person(keyring, text)
		if err != nil {
			return s, exit.Misuse("--subject-file: %w", err)
		}
		return disclosure.Selection{Columns: []string{table.Subject}, Values: person.Values}, nil
	case a.Token != "":
		return a.byToken(table)
	case a.Where != "":
		s.Where, err = condition(a.Where, in)
		return s, err
	}
	s.EventIDs, err = a.events()
	return s, err
}

// byToken selects the events with a token in a column of its own.
func (a *Ask) byToken(table contract.Table) (s disclosure.Selection, err error) {
	s.Values = []string{a.Token}
	for _, c := range table.Columns {
		if c.Mask == mask.Token {
			s.Columns = append(s.Columns, c.Name)
		}
	}
	switch {
	case !token.MatchString(a.Token):
		return s, exit.Misuse("--token is not a token: it is as the table has it, such as k1:9c56cc51b374c3ba189210d5b6d4bf57; a value belongs into a file for --subject-file")
	case s.Columns == nil:
		return s, exit.Misuse("--token: no column of %s holds tokens", table.FullName())
	}
	return s, nil
}

func isToken(table contract.Table, column string) bool {
	return slices.ContainsFunc(table.Columns, func(c contract.Column) bool { return c.Name == column && c.Mask == mask.Token })
}
