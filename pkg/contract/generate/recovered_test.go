package generate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/generate"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/vault"
	"sqs2pg/pkg/vault/open"
)

// sealing seals, and opens again.
type sealing struct {
	keyring *mask.Keyring
	session *vault.Session
	opener  *open.Opener
}

func newSealing(t *testing.T) sealing {
	t.Helper()
	key, err := open.MakeFile(filepath.Join(t.TempDir(), "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	session, err := vault.NewSealer(key.Public(), time.Now).Session(t.Context(), func(context.Context, *vault.Session) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	opener, err := key.Session(t.Context(), open.Session{ID: session.ID, Recipient: session.Recipient, Enc: session.Enc})
	if err != nil {
		t.Fatal(err)
	}
	keyring, err := mask.ParseKeyring(mask.GenerateKeyring())
	if err != nil {
		t.Fatal(err)
	}
	return sealing{keyring, session, opener}
}

// Random contracts recover the text that was sent, for valid messages. Masked again, that text makes
// the same row.
func TestRecoveredValuesOfRandomContractsMakeTheRowAgain(t *testing.T) {
	t.Parallel()
	s, verdicts := newSealing(t), map[contract.Verdict]int{}
	for seed := range uint64(randomContracts) {
		d := drawer{r: rand.New(rand.NewPCG(seed, 1))}
		text, _ := json.Marshal(d.contract())
		c, err := contract.Parse("drawn", text)
		if err != nil {
			t.Fatalf("seed %d: %v in %s", seed, err, text)
		}
		m, err := generate.New(c, seed).Valid()
		if err != nil {
			t.Fatalf("seed %d: %v: %s", seed, err, text)
		}
		s.check(t, c, m, verdicts)
	}
	if verdicts[contract.Verified] < 100 || verdicts[contract.NotStored] < 10 {
		t.Errorf("too few values show little: %v", verdicts)
	}
}

// check seals a message, opens it, and counts what Verify says.
func (s sealing) check(t *testing.T, c *contract.Contract, m generate.Message, verdicts map[contract.Verdict]int) {
	t.Helper()
	rows, place := c.Rows(s.keyring, 1), vault.Row{Table: c.Table().FullName(), SentAt: time.Now(), EventID: [16]byte{1}}
	record, err := rows.Decode(contract.Message{Body: m.Body, Attributes: m.Attributes})
	if err != nil {
		t.Fatal(err)
	}
	row, sealed := rowJSON(t, c, rows.Mask(record)), rows.Seal(s.session, record, place.EventID, place.SentAt)
	if sealed.IsZero() {
		return
	}
	values, err := s.opener.Open(place, sealed.Bytes())
	if err != nil {
		t.Fatalf("%v: %s", err, m.Body)
	}
	for _, path := range values.Paths() {
		raw := values.Raw(path)
		if !bytes.Contains(eventOf(t, c, m), raw) {
			t.Errorf("%s is %s, which is not in %s", path, raw, m.Body)
		}
		verdict := c.Verify(s.keyring, path, raw, row)
		if verdict == contract.Different {
			t.Errorf("%s is %s, which does not make the row %s again: %s", path, raw, row, c.Document())
		}
		verdicts[verdict]++
	}
}

// rowJSON is a row as to_jsonb makes it.
func rowJSON(t *testing.T, c *contract.Contract, row contract.Row) []byte {
	t.Helper()
	columns := map[string]any{}
	for i, column := range c.Table().Columns {
		switch v := row.Value(i); {
		case v.IsNull():
			columns[column.Name] = nil
		case column.Type == contract.JSONB || column.Type.Base() == contract.Numeric:
			columns[column.Name] = json.RawMessage(v.Text())
		case column.Type == contract.BigInt:
			columns[column.Name] = v.Int()
		case column.Type == contract.Double:
			columns[column.Name] = v.Float()
		case column.Type == contract.Boolean:
			columns[column.Name] = v.Bool()
		case column.Type == contract.Date:
			columns[column.Name] = v.Time().Format(time.DateOnly)
		default:
			columns[column.Name] = v.Text()
		}
	}
	text, err := json.Marshal(columns)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
