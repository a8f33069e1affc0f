package reveal

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/terminal"
	"sqs2pg/pkg/terminal/exit"
	"sqs2pg/pkg/vault/open"
)

// event is what was revealed of one event.
type event struct {
	SentAt   time.Time                  `json:"sent_at"`
	EventID  uuid.UUID                  `json:"event_id"`
	Values   map[string]json.RawMessage `json:"values"`   // by field; without those that were null
	Verified map[string]string          `json:"verified"` // a contract.Verdict, or notCompared
}

const notCompared = "not compared"

// event takes the fields that were asked for from the values, and compares them with the row.
func (r *Reveal) event(key disclosure.Key, values open.Values, row []byte) event {
	e := event{key.SentAt, key.EventID, map[string]json.RawMessage{}, map[string]string{}}
	for _, field := range r.fields {
		raw := values.Raw(field)
		if raw == nil {
			continue
		}
		e.Values[field] = bytes.Clone(raw)
		if r.Keyring == nil && r.needsKeyring(field) {
			e.Verified[field] = notCompared
			continue
		}
		verdict := r.Contract.Verify(r.Keyring, field, raw, row)
		if verdict == contract.Different {
			r.lacks.inc("%d values are not those that the row was made from: do not rely on them")
		}
		e.Verified[field] = verdict.String()
	}
	return e
}

func (r *Reveal) needsKeyring(field string) bool {
	for _, c := range r.table().Columns {
		if c.Path == field && c.HasTokens() {
			return true
		}
	}
	return false
}

// print prints events: a line of JSON for each, or a table.
func (r *Reveal) print(events []event) error {
	if r.JSON {
		for _, e := range events {
			if err := write(r.Out, e); err != nil {
				return err
			}
		}
		return nil
	}
	if len(events) == 0 {
		return nil
	}
	header := []string{"sent_at", "event_id"}
	for _, field := range r.fields {
		header = append(header, field, "verified")
	}
	var rows [][]string
	for _, e := range events {
		row := []string{e.SentAt.Format("2006-01-02 15:04:05.999999Z"), e.EventID.String()}
		for _, field := range r.fields {
			row = append(row, shown(e.Values[field]), word(e.Verified[field]))
		}
		rows = append(rows, row)
	}
	return terminal.Table(r.Out, header, rows)
}

// word is a verdict as a table has it.
func word(verdict string) string {
	switch verdict {
	case contract.Verified.String():
		return "yes"
	case contract.Different.String():
		return "no"
	}
	return verdict
}

// shown is a JSON value for a person. What a terminal could take for a command is escaped.
func shown(raw json.RawMessage) string {
	text := string(raw)
	_ = json.Unmarshal(raw, &text) // a string; other values stay JSON
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.QuoteToASCII(text)
	}
	return text
}

func write(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// place is where a command was interrupted, for --after.
func place(key disclosure.Key) string {
	return key.SentAt.UTC().Format(time.RFC3339Nano) + "/" + uuid.UUID(key.EventID).String()
}

func parsePlace(text string) (*disclosure.Key, error) {
	if text == "" {
		return nil, nil
	}
	var key disclosure.Key
	var err error
	at, id, _ := strings.Cut(text, "/")
	if key.SentAt, err = time.Parse(time.RFC3339Nano, at); err == nil {
		key.EventID, err = uuid.Parse(id)
	}
	if err != nil {
		return nil, exit.Misuse("--after is not a place that an interrupted command has printed: copy it from there, or leave it out")
	}
	return &key, nil
}

func compare(a, b disclosure.Key) int {
	if c := a.SentAt.Compare(b.SentAt); c != 0 {
		return c
	}
	return bytes.Compare(a.EventID[:], b.EventID[:])
}
