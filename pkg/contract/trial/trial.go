// Package trial tries messages against contracts, without a queue or a database. So a person sees
// which rows a contract makes of real messages, and which messages it refuses, before anything is
// sent.
//
// It decodes and masks as the function does, with the same packages.
package trial

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/queue/bodies"
)

// Try is what became of one message.
type Try struct {
	Place    string         `json:"place"` // in the text, such as "line 1"
	Contract string         `json:"contract,omitempty"`
	Outcome  string         `json:"outcome"` // accepted, or as in the function's log: malformed, invalid or unmatched
	Field    string         `json:"field,omitempty"`
	Rule     string         `json:"rule,omitempty"`
	Hint     string         `json:"hint,omitempty"`
	Row      map[string]any `json:"row,omitempty"`    // masked, by column
	Sealed   []string       `json:"sealed,omitempty"` // paths of what goes to the vault
}

// Run writes a line for each message: its place in the text, and then its masked row, or why it is
// refused. With asJSON a line is a Try. Columns without a mask hold what the message holds, which may
// be personal. The error is that of the text or of w, or says that there is no message, or how many
// are refused.
func Run(w io.Writer, set *routes.Set, keyring *mask.Keyring, text *bodies.Text, asJSON bool) error {
	write := func(place string, of *contract.Contract, record contract.Record, err error) error {
		return printLine(w, len(set.Contracts()) > 1, place, of, keyring, record, err)
	}
	if asJSON {
		write = func(place string, of *contract.Contract, record contract.Record, err error) error {
			return json.NewEncoder(w).Encode(try(place, of, keyring, record, err))
		}
	}
	refused := 0
	for body, err := range text.All() {
		if err != nil {
			return err
		}
		of, record, err := set.Decode(contract.Message{Body: body.Text})
		if err != nil {
			refused++
		}
		if err := write(text.Place(body.Number), of, record, err); err != nil {
			return err
		}
	}
	if text.Count == 0 {
		return errors.New("there is no message to try")
	}
	if refused > 0 {
		return fmt.Errorf("the contract refuses %d of %d messages", refused, text.Count)
	}
	return nil
}

func printLine(w io.Writer, several bool, place string, of *contract.Contract, keyring *mask.Keyring, record contract.Record, refused error) error {
	if of != nil && several {
		place += ": " + of.Name()
	}
	if refused != nil {
		_, err := fmt.Fprintf(w, "%s: refused: %v\n", place, refused)
		return err
	}
	_, err := fmt.Fprintf(w, "%s: %s%s\n", place, strings.Join(of.Texts(of.Mask(keyring, record)), "  "), sealed(of, record))
	return err
}

func try(place string, of *contract.Contract, keyring *mask.Keyring, record contract.Record, refused error) Try {
	t := Try{Place: place, Outcome: "accepted"}
	if of != nil {
		t.Contract = of.Name()
	}
	if v, ok := errors.AsType[*contract.Violation](refused); ok {
		t.Outcome, t.Field, t.Rule, t.Hint = v.Outcome(), v.Field, v.Rule, v.Hint
		return t
	}
	t.Row, t.Sealed = of.Values(of.Mask(keyring, record)), of.Recovered(record)
	return t
}

// sealed says what of a message goes to the vault.
func sealed(c *contract.Contract, record contract.Record) string {
	if paths := c.Recovered(record); len(paths) > 0 {
		return "  (sealed: " + strings.Join(paths, ", ") + ")"
	}
	return ""
}
