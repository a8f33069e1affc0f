package contract_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract"
)

// storedForm declares members of stored values and masks some.
const storedForm = `{"x-table":"t","type":"object","properties":{"n":{"type":"number","x-mask":{"nt":"token","nb":"bucket:7"}},"v":{"type":"array","items":{"$ref":"#/$defs/any"}}},"$defs":{"any":{
	"properties":{"t":{"type":"string","x-mask":"token"},"d":{"type":"string","x-mask":"drop"},"n":{"type":"integer"},"b":{"type":"integer","x-mask":"bucket:3"},"l":{"type":"string","x-mask":"last-4"},"y":{"type":"string","format":"date","x-mask":"date-year"}},
	"patternProperties":{"^p":{"type":"array","items":{"$ref":"#/$defs/any"}}},"items":{"$ref":"#/$defs/any"}}}}`

// FuzzDecode checks for any body that Decode does not panic, that an error is a violation that
// quotes nothing, and that an accepted message has a value for every column and text that Postgres
// takes.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		login, order, `{}`, ``, `null`, `[]`, // whole messages
		`{"ip":"::ffff:1.2.3.4%eth0"}`, `{"ip":"1.2.3.4:80"}`, // addresses
		`{"user_id":"\u0000"}`, `{"user_id":"\\u0000"}`, `{"user_id":"\ud800"}`, "{\"user_id\":\"\xff\"}", // text
		`{"items":1e400}`, `{"items":-9223372036854775808}`, `{"total":1e-400}`, `{"customer":{"loyalty":{"points":1.0e1}}}`, // numbers
		`{"lines":[[{"a":"\u0000"}]]}`, `{"attributes":{"a":1e999999999}}`, `{"lines":` + nested(64) + `}`, // jsonb
		`{"a":1,"a":2}`, `{"lines":[{"a":1,"a":2}]}`, `{} {}`, // more than one
		`{"placed_at":"2016-12-31T23:59:60Z"}`, `{"deliver_on":"2023-02-29"}`, // times
		`{"n":-1.5e2,"v":[{"b":-10.5,"l":"12345678","y":"1984-02-30"},{"b":1e308,"y":"1984-02-29"}]}`,         // masks
		`{"v":[{"t":"a\u0000","d":"b","x":{"n":1},"p1":[{"y":[]},1e999999999]},[{"\u0074":"\ud83d\ude00"}]]}`, // stored members
	} {
		f.Add([]byte(body))
	}
	for _, value := range slices.Concat(yes(), no(), open()) { // by the rules of RFC 8259
		f.Add([]byte(inBody(value)))
	}
	free, err := contract.Parse("free", []byte(freeForm))
	if err != nil {
		f.Fatal(err)
	}
	stored, err := contract.Parse("stored", []byte(storedForm))
	if err != nil {
		f.Fatal(err)
	}
	contracts := []*contract.Contract{load(f, "user_logins"), load(f, "testdata/order_placed.json"), free, stored}
	k := keyring(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, c := range contracts {
			record, err := c.Decode(body)
			if err != nil {
				checkViolation(t, c, err)
				continue
			}
			checkRow(t, c, c.Mask(k, record))
		}
	})
}

func checkViolation(t *testing.T, c *contract.Contract, err error) {
	v, ok := err.(*contract.Violation)
	if !ok || v.Rule == "" {
		t.Fatalf("got %#v, want a violation", err)
	}
	for name := range strings.SplitSeq(v.Field, ".") {
		known := name == "" || name == "*"
		for _, column := range c.Table().Columns {
			known = known || strings.Contains("."+column.Path+".", "."+name+".")
			for _, inside := range column.Inside {
				known = known || strings.Contains("."+inside.Path+".", "."+name+".")
			}
		}
		if !known {
			t.Fatalf("the field %q is not declared by the contract", v.Field)
		}
	}
}

func checkRow(t *testing.T, c *contract.Contract, row contract.Row) {
	columns := c.Table().Columns
	if row.Len() != len(columns) {
		t.Fatalf("%d values for %d columns", row.Len(), len(columns))
	}
	for i, column := range columns {
		v := row.Value(i)
		if v.IsNull() && column.Required {
			t.Errorf("%s is null", column.Name)
		}
		if strings.ContainsRune(v.Text(), 0) || !utf8.ValidString(v.Text()) {
			t.Errorf("%s is %q, which Postgres refuses", column.Name, v.Text())
		}
		if column.Type == contract.JSONB && !v.IsNull() {
			if !jsontext.Value(v.Text()).IsValid() {
				t.Errorf("%s is %q, which is not JSON", column.Name, v.Text())
			}
		}
	}
}

// FuzzParse checks for any document that Parse does not panic, and that a contract that loads has a
// sound table.
func FuzzParse(f *testing.F) {
	for _, path := range []string{"testdata/order_placed.json", "../../infra/contracts/user_logins.json"} {
		document, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	for _, document := range []string{
		`{}`, ``, `[]`, `true`, `{"x-table":"t"}`, // not a contract
		with(`{"type":"string","maxLenght":1}`, ``), with(`{"typ":"string"}`, `,"x-x":1`), // keywords
		with(`{"type":["string","integer"]}`, ``), with(`{"type":[]}`, ``), with(`true`, ``), // types
		with(`{"type":"array","items":{"$ref":"#"}}`, ``), with(`{"$ref":"#/properties/p"}`, ``), with(`{"type":"array"}`, `,"$id":"x:y","$anchor":"a"`), // references
		with(`{"type":"string"}`, `,"x-write":{"mode":"upsert","key":["p"]}`),                                                                             // writes
		with(`{"type":"number","minimum":1e400,"multipleOf":1e-400}`, ``),                                                                                 // numbers
		with(`{"$ref":"#/$defs/a","x-mask":{"b":"token","c":"email-domain"},"x-normalize":"email"}`, `,"$defs":{"a":{"type":"string","format":"email"}}`), // masks
		with(`{"enum":["a",null],"x-mask":"drop"}`, ``), with(`{"type":"integer","x-mask":"bucket:10"},"someName":{"$ref":"#/properties/p"}`, ``), with(`{"$ref":"#/$defs/a"}`, `,"$defs":{"a":{"$ref":"#/$defs/a"}}`),
		storedForm, with(`{"type":"object","allOf":[{"$ref":"#/properties/p"}],"unevaluatedProperties":{"type":"string","x-mask":"drop"}}`, ``), // stored values
	} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		c, err := contract.Parse("c", document)
		if err != nil {
			return
		}
		table := c.Table()
		if table.Name == "" || len(table.Columns) == 0 {
			t.Errorf("got %+v", table)
		}
		if record, err := c.Decode([]byte(`{"p": "1", "user_id": 1}`)); err == nil {
			c.Mask(keyring(t), record)
		}
	})
}
