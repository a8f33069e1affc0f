package reveal

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/terminal"
	"sqs2pg/pkg/terminal/exit"
)

// List prints the entries of the audit after a number: a table, or a line of JSON for each. It needs a
// member of sqs2pg_auditor. Its error is a *postgres.Unavailable, or that of out.
func List(ctx context.Context, pool *postgres.Pool, after int64, out io.Writer, asJSON bool) error {
	var rows [][]string
	err := disclosure.List(ctx, pool, after, func(e disclosure.Entry) error {
		if asJSON {
			return write(out, struct {
				disclosure.Entry
				Hash string `json:"hash"`
			}{e, hex.EncodeToString(e.Hash)})
		}
		rows = append(rows, []string{
			strconv.FormatInt(e.Seq, 10), e.At.UTC().Format("2006-01-02 15:04:05Z"), e.Login, e.Caller, e.Purpose, e.Ticket, e.Target,
			strings.Join(e.Fields, ","), strconv.FormatInt(e.N, 10),
		})
		return nil
	})
	if err == nil && !asJSON {
		terminal.Table(out, []string{"seq", "at", "login", "caller", "purpose", "ticket", "table", "fields", "events"}, rows)
	}
	return err
}

// Heads reads the heads of the audit that are in a file, or in standard input for -; none without a
// file. A file without any is a misuse (see package exit).
func Heads(file string, in io.Reader) ([]disclosure.Head, error) {
	if file == "" {
		return nil, nil
	}
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, exit.Misuse("--anchor: %w: name a file with heads that were kept", err)
		}
		defer f.Close()
		in = f
	}
	heads, err := disclosure.ParseHeads(in)
	if err == nil && len(heads) == 0 {
		err = exit.Misuse("--anchor: the file has no head of the audit: it is a line such as 12 9f86d081..., which verify prints and Postgres logs")
	}
	return heads, err
}

// Verify computes the audit's chain again, and prints its head, which Heads reads in both forms. The
// error wraps disclosure.ErrBroken or is a *postgres.Unavailable. If kept has heads of other databases
// only, that is a misuse (see package exit).
func Verify(ctx context.Context, pool *postgres.Pool, kept []disclosure.Head, out, talk io.Writer, asJSON bool) error {
	ours, err := disclosure.Ours(ctx, pool, kept)
	if err != nil {
		return err
	}
	if kept != nil && ours == nil {
		return exit.Misuse("--anchor: the heads in the file are those of other databases: name a log of this database, or what verify printed for it")
	}
	head, err := disclosure.Verify(ctx, pool, ours...)
	if err != nil {
		return err
	}
	text := "the audit is whole: " + terminal.Plural(int(head.Seq), "entry", "entries")
	if ours != nil {
		text += fmt.Sprintf(", and %s in it", terminal.Plural(len(ours), "head that was kept is", "heads that were kept are"))
	}
	fmt.Fprintln(talk, text)
	if asJSON {
		return write(out, map[string]any{"entries": head.Seq, "head": head.String()})
	}
	_, err = fmt.Fprintln(out, head)
	return err
}
