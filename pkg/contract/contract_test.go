package contract_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
)

func TestLoadsTheLoginContractByName(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"user_logins"}, contract.Names(contracts.Files)); diff != "" {
		t.Errorf("the names differ (-want +got):\n%s", diff)
	}
	c := load(t, "user_logins")
	if c.Name() != "user_logins" || len(c.Warnings()) != 0 {
		t.Errorf("got %s with %q", c.Name(), c.Warnings())
	}
	want := contract.Table{Schema: "public", Name: "user_logins", Columns: []contract.Column{
		{Name: "user_id", Required: true, Path: "user_id"},
		{Name: "device_type", Required: true, Path: "device_type"},
		{Name: "masked_ip", Required: true, Mask: mask.Token, Path: "ip", Domain: "ip", Form: "ip"},
		{Name: "masked_device_id", Required: true, Mask: mask.Token, Path: "device_id", Domain: "device_id"},
		{Name: "locale", Path: "locale"},
		{Name: "app_version", Required: true, Path: "app_version"},
	}, Recover: []string{"ip", "device_id"}, Subject: "user_id"}
	if diff := cmp.Diff(want, c.Table()); diff != "" {
		t.Errorf("the table differs (-want +got):\n%s", diff)
	}
}

func TestLoadsEveryContractOfTheRepository(t *testing.T) {
	t.Parallel()
	for _, name := range contract.Names(contracts.Files) {
		load(t, name)
	}
}

func TestEqualAddressesHaveEqualTokens(t *testing.T) {
	t.Parallel()
	c := load(t, "user_logins")
	const column = 2
	want := rowOf(t, c, login)[column]
	for _, same := range []string{"::ffff:198.51.100.7", "::FFFF:c633:6407", "0:0:0:0:0:ffff:198.51.100.7"} {
		if got := rowOf(t, c, loginWith("198.51.100.7", same))[column]; got != want {
			t.Errorf("%s has the token %v, 198.51.100.7 has %v", same, got, want)
		}
	}
	if got := rowOf(t, c, loginWith("198.51.100.7", "198.51.100.8"))[column]; got == want {
		t.Error("two addresses have the same token")
	}
	k := keyring(t)
	if want != k.Token("ip", "198.51.100.7") {
		t.Errorf("the token %v is not that of the domain ip", want)
	}
	v6 := rowOf(t, c, loginWith("198.51.100.7", "2001:DB8:0:0::1"))[column]
	if v6 != k.Token("ip", "2001:db8::1") {
		t.Errorf("the token %v is not that of the address's shortest form", v6)
	}
}

func TestMasksOfStrings(t *testing.T) {
	t.Parallel()
	k := keyring(t)
	const id = "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"
	for _, test := range []struct {
		property, value string
		want            any
	}{
		{`{"type": "string", "x-mask": "token"}`, `"A b"`, k.Token("p", "A b")},
		{`{"type": "string", "x-mask": "token", "x-domain": "d"}`, `"A b"`, k.Token("d", "A b")},
		{`{"type": "string", "x-mask": "token", "format": "uuid"}`, quote(id), k.Token("p", strings.ToLower(id))},
		{`{"type": "string", "x-mask": "token", "format": "date"}`, `"2024-01-01"`, k.Token("p", "2024-01-01")},
		{`{"type": ["string", "null"], "x-mask": "token"}`, `null`, nil},
		{`{"type": ["string", "null"], "x-mask": "ip-network", "format": "ip"}`, `null`, nil},
		{`{"type": "string", "x-mask": "ip-network", "format": "ip"}`, `"2001:db8:1:2::3"`, "2001:db8:1::/48"},
		{`{"type": "string", "x-mask": "sha256-8", "format": "ip"}`, `"::ffff:1.2.3.4"`, mask.SHA256Prefix("::ffff:1.2.3.4")},
		{`{"type": "string", "x-mask": "drop"}`, `"A b"`, nil},
	} {
		got, violation := valueOf(t, parse(t, with(test.property, ``)), test.value)
		if violation != nil {
			t.Errorf("%s: %v", test.property, violation)
		}
		if got != test.want {
			t.Errorf("%s: got %v, want %v", test.property, got, test.want)
		}
	}
}

func TestReadsUpsertAndItsKey(t *testing.T) {
	t.Parallel()
	table := parse(t, `{"x-table": "crm.people", "x-write": {"mode": "upsert", "key": ["q", "p"]}, "type": "object", "properties": {
		"p": {"type": "integer"}, "q": {"type": "string", "x-mask": "token"}}, "required": ["p", "q"]}`).Table()
	if table.Schema != "crm" || table.Name != "people" || table.Mode != contract.Upsert {
		t.Errorf("got %+v", table)
	}
	if diff := cmp.Diff([]string{"q", "p"}, table.Key); diff != "" {
		t.Errorf("the key differs (-want +got):\n%s", diff)
	}
}

func TestRequiredStringMayBeEmptyIfMinLengthIsZero(t *testing.T) {
	t.Parallel()
	c := parse(t, with(`{"type": "string", "minLength": 0}`, `, "required": ["p"]`))
	if got, violation := valueOf(t, c, `""`); violation != nil || got != "" {
		t.Errorf("got %v and %v", got, violation)
	}
}

func TestWarnsOfSHA256(t *testing.T) {
	t.Parallel()
	warnings := load(t, "testdata/order_placed.json").Warnings()
	if len(warnings) != 1 || !strings.Contains(warnings[0], "card_hash") {
		t.Errorf("got %q, want one warning of card_hash", warnings)
	}
}

func TestWarnsOfEventIDsThatAreNotUUIDs(t *testing.T) {
	t.Parallel()
	for property, warned := range map[string]bool{`"type": "string"`: true, `"type": "string", "format": "uuid"`: false} {
		got := parse(t, `{"x-table": "t", "type": "object", "required": ["id", "at"], "properties": {"id": {`+property+`, "x-event-id": true}, "at": {"type": "integer", "x-event-time": true}}}`).Warnings()
		if warned != (len(got) == 1 && strings.Contains(got[0], "x-event-id is on id")) {
			t.Errorf("%s: got %q", property, got)
		}
	}
}

func TestLoadNamesMissingContractsAndMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.json")
	if err := os.WriteFile(broken, []byte(with(`{"type": "strin"}`, `, "x-tabel": "t"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		nameOrPath, want string
		is               error
	}{
		{"user_login", `no such contract: "user_login"; there are user_logins, or give the path of a file, such as ./orders.json`, contract.ErrNotFound},
		{"", `no such contract: ""; there are user_logins, or give the path of a file, such as ./orders.json`, contract.ErrNotFound},
		{"nothing.json", `no such contract: there is no file nothing.json`, contract.ErrNotFound},
		{dir + "/x", `no such contract: there is no file ` + dir + `/x`, contract.ErrNotFound},
		{broken, `contract broken.json: 2 mistakes:
  line 1, column 57: /properties/p/type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'
  line 1, column 76: /x-tabel: unknown keyword "x-tabel": did you mean "x-table"?`, contract.ErrContract},
	} {
		_, err := contract.Load(contracts.Files, test.nameOrPath)
		if !errors.Is(err, test.is) || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}

func TestParseNamesTheContractInItsErrors(t *testing.T) {
	t.Parallel()
	for _, document := range []string{``, `{`, `[]`, `{}`, with(`{}`, ``), with(`{"type": "string", "maxLenght": 3}`, ``)} {
		_, err := contract.Parse("c", []byte(document))
		if !errors.Is(err, contract.ErrContract) || !strings.HasPrefix(err.Error(), "contract c.json: ") {
			t.Errorf("%q: got %v, want an ErrContract that names the contract", document, err)
		}
	}
}

func TestDecodeNeitherKeepsNorChangesTheBody(t *testing.T) {
	t.Parallel()
	c := load(t, "user_logins")
	body := []byte(login)
	row, err := c.Decode(body)
	if err != nil || string(body) != login {
		t.Fatalf("got %v and %s", err, body)
	}
	clear(body)
	if got := c.Mask(keyring(t), row).Value(0).Text(); got != "u-1" {
		t.Errorf("got %q after the body was overwritten, want u-1", got)
	}
}

func TestDecodeAndMaskAllocateLittle(t *testing.T) {
	c, k := load(t, "user_logins"), keyring(t)
	got := testing.AllocsPerRun(100, func() {
		record, err := c.Decode([]byte(login))
		if err != nil {
			t.Fatal(err)
		}
		c.Mask(k, record)
	})
	if got > 40 {
		t.Errorf("a login takes %v allocations, want at most 40", got)
	}
	const batch = 1000
	got = testing.AllocsPerRun(3, func() {
		rows := c.Rows(k, batch)
		for range batch {
			record, err := rows.Decode(contract.Message{Body: []byte(login)})
			if err != nil {
				t.Fatal(err)
			}
			rows.Mask(record)
		}
	})
	if got > 4*batch { // the race detector adds some
		t.Errorf("a batch of %d logins takes %v allocations, want at most 4 a login", batch, got)
	}
}

func TestWarnsOfRecoveryWithoutASubject(t *testing.T) {
	t.Parallel()
	const recovered = `{"x-table": "t", "type": "object", "required": ["q"], "properties": {"p": {"type": "string", "x-mask": "token", "x-recover": true}, "q": {"type": "string"}}}`
	if got := parse(t, recovered).Warnings(); len(got) != 1 || !strings.Contains(got[0], "mark it by x-subject") {
		t.Errorf("got %q", got)
	}
	withSubject := strings.Replace(recovered, `"q": {`, `"q": {"x-subject": true, `, 1)
	if got := parse(t, withSubject).Warnings(); len(got) != 0 {
		t.Errorf("with a subject: got %q", got)
	}
}
