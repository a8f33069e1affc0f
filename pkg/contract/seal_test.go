package contract_test

import (
	"context"
	"crypto/hpke"
	"strings"
	"testing"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/vault"
)

// recipient is somebody who can open what is sealed for them.
type recipient struct {
	private hpke.PrivateKey
	sealer  *vault.Sealer
}

func newRecipient(t testing.TB) *recipient {
	t.Helper()
	kem, _ := vault.KEM(vault.MLKEM768X25519)
	private, err := kem.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := vault.NewPublicKey(vault.MLKEM768X25519, private.PublicKey().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return &recipient{private, vault.NewSealer(public, time.Now)}
}

func (r *recipient) session(t testing.TB) *vault.Session {
	t.Helper()
	s, err := r.sealer.Session(t.Context(), func(context.Context, *vault.Session) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (r *recipient) open(t testing.TB, s *vault.Session, row vault.Row, sealed vault.Sealed) string {
	t.Helper()
	opener, err := hpke.NewRecipient(s.Enc, r.private, vault.KDF(), vault.AEAD(), []byte(vault.Info))
	if err != nil {
		t.Fatal(err)
	}
	content, err := vault.ContentKey(opener.Export)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := content.Open(nil, nil, sealed.Bytes()[1:], row.AppendAdditionalData(nil, s.ID))
	if err != nil {
		t.Fatal(err)
	}
	if len(plain)%vault.Padding != 0 {
		t.Errorf("%d bytes are sealed, which is no multiple of %d", len(plain), vault.Padding)
	}
	return strings.TrimRight(string(plain), " ")
}

const recovering = `{"x-table": "crm.visits", "type": "object", "properties": {
	"user": {"type": "object", "properties": {"id": {"type": "string", "format": "uuid", "x-subject": true}, "ip": {"type": "string", "format": "ip", "x-mask": "token", "x-recover": true}}, "required": ["id"]},
	"note \"1\"": {"type": ["string", "null"], "x-column": "note", "x-mask": "drop", "x-recover": true},
	"age": {"type": "integer", "x-mask": {"decade": "bucket:10", "age_token": "token"}, "x-recover": true},
	"cart": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}, "x-recover": true},
	"device": {"type": "string", "x-attribute": "device", "x-mask": "sha256-8", "x-recover": true}
}, "required": ["user"]}`

func TestSealsValuesAsTheyWereSent(t *testing.T) {
	t.Parallel()
	c := parse(t, recovering)
	r := newRecipient(t)
	rows, session := c.Rows(keyring(t), 2), r.session(t)
	for _, test := range []struct{ body, device, want string }{
		{`{"user": {"ip": "2001:DB8::1", "id": "C0FFEE00-0000-4000-8000-000000000001"}, "note \"1\"": "a \u00e9", "age": 42.0, "cart": [ {"sku": "x", "other": 1} ]}`, "d-1",
			`{"user.ip":"2001:DB8::1","note \"1\"":"a \u00e9","age":42.0,"cart":[ {"sku": "x", "other": 1} ],"device":"d-1"}`},
		{`{"user": {"id": "c0ffee00-0000-4000-8000-000000000001"}, "note \"1\"": null, "age": 7}`, "", `{"age":7}`},
	} {
		record, err := rows.Decode(contract.Message{Body: []byte(test.body), Attributes: attributes{"device": test.device}})
		if err != nil {
			t.Fatal(err)
		}
		row := vault.Row{Table: "crm.visits", SentAt: time.Unix(1_700_000_000, 123_456_789), EventID: [16]byte{1}}
		if got := r.open(t, session, row, rows.Seal(session, record, row.EventID, row.SentAt)); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestSealsNothingWhereThereIsNothingToRecover(t *testing.T) {
	t.Parallel()
	rows := parse(t, recovering).Rows(keyring(t), 1)
	record, err := rows.Decode(contract.Message{Body: []byte(`{"user": {"id": "c0ffee00-0000-4000-8000-000000000001"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	if sealed := rows.Seal(nil, record, [16]byte{1}, time.Now()); !sealed.IsZero() {
		t.Error("something is sealed")
	}
}

func TestSubjectHasOneTokenHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	k, err := mask.ParseKeyring([]byte(`{"current": "k2", "k2": "` + strings.Repeat("b", 32) + `", "k1": "` + strings.Repeat("a", 32) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ property, value, canonical string }{
		{`{"type": "string", "format": "uuid", "x-subject": true}`, `"C0FFEE00-0000-4000-8000-00000000000A"`, "c0ffee00-0000-4000-8000-00000000000a"},
		{`{"type": "string", "x-subject": true}`, `"u-1"`, "u-1"},
		{`{"type": "string", "format": "email", "x-normalize": "email", "x-mask": "token", "x-subject": true}`, `"Ann@Example.org"`, "ann@example.org"},
		{`{"type": "integer", "x-subject": true}`, `4.2e1`, "42"},
		{`{"type": "integer", "x-mask": {"kind": "bucket:10", "who": "token"}, "x-subject": true}`, `42.0`, "42"},
	} {
		c := parse(t, `{"x-table": "t", "type": "object", "required": ["p"], "properties": {"p": `+test.property+`}}`)
		rows := c.Rows(k, 1)
		record, err := rows.Decode(contract.Message{Body: []byte(`{"p": ` + test.value + `}`)})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"k1", "k2"} {
			want, _ := k.TokenBy(id, table.SubjectDomain, test.canonical)
			if got := rows.Subject(record, id); got != want || !strings.HasPrefix(got, id+":") {
				t.Errorf("%s: got %s, want %s", test.property, got, want)
			}
		}
	}
}
