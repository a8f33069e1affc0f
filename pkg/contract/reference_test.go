package contract_test

import (
	"testing"

	"sqs2pg/pkg/contract"
)

func TestPropertiesMayRefer(t *testing.T) {
	t.Parallel()
	const (
		text    = `"text": {"type": "string"}, "short": {"$ref": "#/$defs/text", "maxLength": 3}`
		email   = `"email": {"$anchor": "mail", "type": "string", "format": "email", "x-mask": {"email_token": "token", "domain": "email-domain"}, "x-normalize": "email"}`
		address = text + `, "address": {"type": "object", "properties": {"city": {"$ref": "#/$defs/text"}, "postCode": {"type": "string", "x-mask": "last-4"}}, "required": ["city"]}`
		line    = text + `, "line": {"type": "object", "properties": {"sku": {"$ref": "#/$defs/short"}, "n": {"type": "integer"}}}`
	)
	for _, test := range []struct{ property, defs, column, good, want, bad, field, rule string }{
		{`{"$ref": "#/$defs/text"}`, text, "p", `"a"`, "a", `1`, "p", "type"},
		{`{"$ref": "#/$defs/short", "minLength": 2}`, text, "p", `"abc"`, "abc", `"abcd"`, "p", "maxLength"},
		{`{"$ref": "#/$defs/short", "minLength": 2}`, text, "p", `"abc"`, "abc", `"a"`, "p", "minLength"},
		{`{"$ref": "#/$defs/short", "x-column": "c", "x-mask": "drop", "title": "t"}`, text, "c", `"abcdefg"`, "", `1`, "p", "type"},
		{`{"$ref": "#mail"}`, email, "email_token", `"A@b.org"`, keyring(t).Token("p", "a@b.org"), `"a"`, "p", "format email"},
		{`{"$ref": "#/$defs/address"}`, address, "p_city", `{"city": "Rome", "postCode": "1", "x": 1}`, "Rome", `{}`, "p.city", "required"},
		{`{"$ref": "#/$defs/address"}`, address, "p_city", `{"city": "Rome"}`, "Rome", `{"city": "Rome", "postCode": 1}`, "p.postCode", "type"},
		{`{"type": "object", "properties": {"home": {"$ref": "#/$defs/address"}, "work": {"$ref": "#/properties/p/properties/home"}}}`, address, "p_home_city", `{"home": {"city": "Rome"}}`, "Rome", `{"work": {}}`, "p.work.city", "required"},
		{`{"type": "array", "items": {"$ref": "#/$defs/line"}}`, line, "p", `[{"sku": "abc", "x": 1}]`, `[{"sku":"abc"}]`, `[{"sku": "abcd"}]`, "p.*.sku", "maxLength"},
	} {
		c := parse(t, with(test.property, `, "$defs": {`+test.defs+`}`))
		if got := c.Table().Columns[0].Name; got != test.column {
			t.Errorf("%s: got the column %s, want %s", test.property, got, test.column)
		}
		if got, violation := valueOf(t, c, test.good); violation != nil || got != test.want && test.want != "" {
			t.Errorf("%s: got %v and %v, want %s", test.property, got, violation, test.want)
		}
		if got := violationOf(t, c, `{"p": `+test.bad+`}`); got != (contract.Violation{Field: test.field, Rule: test.rule}) {
			t.Errorf("%s: got %v, want %s: %s", test.property, got, test.field, test.rule)
		}
	}
}

func TestReferencesToPlainSchemasNeedNoLibrary(t *testing.T) {
	t.Parallel()
	c := parse(t, with(`{"$ref": "#/$defs/d"}`, `, "$defs": {"d": {"type": "object", "properties": {"q": {"$ref": "#/$defs/e"}}}, "e": {"type": "string"}}`))
	if _, needed := c.LibraryViolations([]byte(`{}`)); needed {
		t.Error("the contract needs the schema library, which takes more time than all the rest")
	}
}

func TestReferencesBringTheKeywordsOfMessages(t *testing.T) {
	t.Parallel()
	c := parse(t, with(`{"$ref": "#/$defs/tenant"}, "id": {"$ref": "#/$defs/id"}, "at": {"$ref": "#/$defs/at"}`, `, "required": ["id", "at"], "$defs": {
		"tenant": {"type": "string", "x-attribute": "tenant"}, "id": {"type": "string", "format": "uuid", "x-event-id": true}, "at": {"type": "integer", "x-event-time": true}}`))
	record, err := c.DecodeMessage(contract.Message{Body: []byte(`{"id": "6f1d2c3b-4a59-4e68-8f70-1a2b3c4d5e6f", "at": 1700000000000}`), Attributes: attributes{"tenant": "t-1"}})
	if err != nil {
		t.Fatal(err)
	}
	if id := record.Identity(); id.ID != "6f1d2c3b-4a59-4e68-8f70-1a2b3c4d5e6f" || id.SentAt.UnixMilli() != 1700000000000 {
		t.Errorf("got the identity %v", id)
	}
	if got := c.Texts(c.Mask(keyring(t), record)); got[0] != "p=t-1" {
		t.Errorf("got %v", got)
	}
}
