// Package trial tries messages against contracts, without a queue or a database. So a person sees
// which rows a contract makes of real messages, and which messages it refuses, before anything is
// sent.
//
// It decodes and masks as the function does, with the same packages.
package trial

import (
	"fmt"
	"io"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/queue/bodies"
)

// Run writes a line for each message: its place in the text, and then its masked row, or why it is
// refused. Columns without a mask hold what the message holds, which may be personal. The error is
// that of the text, or says how many messages are refused.
func Run(w io.Writer, set *routes.Set, keyring *mask.Keyring, text *bodies.Text) error {
	refused := 0
	for body, err := range text.All() {
		if err != nil {
			return err
		}
		of, record, err := set.Decode(contract.Message{Body: body.Text})
		place := text.Place(body.Number)
		if of != nil && len(set.Contracts()) > 1 {
			place += ": " + of.Name()
		}
		if err != nil {
			refused++
			fmt.Fprintf(w, "%s: refused: %v\n", place, err)
			continue
		}
		fmt.Fprintf(w, "%s: %s%s\n", place, strings.Join(of.Texts(of.Mask(keyring, record)), "  "), sealed(of, record))
	}
	if refused > 0 {
		return fmt.Errorf("the contract refuses %d of %d messages", refused, text.Count)
	}
	return nil
}

// sealed says what of a message goes to the vault.
func sealed(c *contract.Contract, record contract.Record) string {
	if paths := c.Recovered(record); len(paths) > 0 {
		return "  (sealed: " + strings.Join(paths, ", ") + ")"
	}
	return ""
}
