package schema_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/contract/schema/document"
)

// with makes a contract of one property p; more goes to the root.
func with(property, more string) string {
	return `{"x-table": "t", "type": "object", "properties": {"p": ` + property + `}` + more + `}`
}

var places = regexp.MustCompile(`(?m)^( *)line \d+, column \d+: `)

// withoutPlaces is the text of an error without lines and columns, see TestNamesLineAndColumn.
func withoutPlaces(err error) string { return places.ReplaceAllString(err.Error(), "$1") }

func TestNamesLineAndColumn(t *testing.T) {
	t.Parallel()
	const text = `{
  "x-tabel": "t", "type": "object",
  "properties": {
    "größe": {"type": "strng", "x-maks": 1},
    "a": {
      "type":
        ["string", "nil"], "enum": ["a"]},
    "b": {"type": "array", "prefixItems": [true, {"tipe": 1}]},
    "c": {"$ref": "#/$defs/none"}
  },
  "required": ["d"]
}`
	_, err := schema.Compile([]byte(text))
	var found document.Mistakes
	if !errors.As(err, &found) {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range found {
		got[string(m.At)] = fmt.Sprintf("%d:%d", m.Line, m.Column)
	}
	if diff := cmp.Diff(map[string]string{
		"/x-tabel": "2:3", "/properties/größe/type": "4:15", "/properties/größe/x-maks": "4:32", "/properties/a/type/1": "7:20",
		"/properties/b/prefixItems/1/tipe": "8:51", "/properties/c/$ref": "9:11", "/properties/c/type": "9:5", "/properties/größe/x-column": "4:5", "/required": "11:3", "/x-table": "1:1",
	}, got); diff != "" {
		t.Errorf("the places differ (-want +got):\n%s\n%v", diff, err)
	}
	if _, err = schema.Compile([]byte("{\n  \"x-table\": \"t\",\n  }")); err == nil || !strings.HasPrefix(err.Error(), "line 2, column 17: ") {
		t.Errorf("got %v", err)
	}
}

var mistakes = []struct{ mistake, document, want string }{
	{"not JSON", `{"x-table": "t",}`, `/: it is not valid JSON: invalid character ',' at start of value`},
	{"an array", `[]`, `it is not a JSON object: a contract is a JSON Schema, see infra/contracts/user_logins.json`},
	{"empty", ``, `it is not a JSON object: a contract is a JSON Schema, see infra/contracts/user_logins.json`},
	{"two documents", `{"x-table": "t", "type": "object", "properties": {"p": {"type": "string"}}} {}`, `something follows the JSON object: remove it`},
	{"a member twice", with(`{"type": "string", "type": "integer"}`, ``), `/properties/p/type: it is not valid JSON: duplicate object member name`},
	{"another draft", with(`{"type": "string"}`, `, "$schema": "http://json-schema.org/draft-07/schema#"`), `/$schema: contracts use another draft: set it to "https://json-schema.org/draft/2020-12/schema"`},
	{"a misspelt keyword", with(`{"type": "string", "maxLenght": 3}`, ``), `/properties/p/maxLenght: unknown keyword "maxLenght": did you mean "maxLength"?`},
	{"a misspelt keyword at the root", with(`{"type": "string"}`, `, "requierd": ["p"]`), `/requierd: unknown keyword "requierd": did you mean "required"?`},
	{"a misspelt keyword below items", with(`{"type": "array", "items": {"tipe": "string"}}`, ``), `/properties/p/items/tipe: unknown keyword "tipe": did you mean "type"?`},
	{"a misspelt keyword below anyOf", with(`{"type": "array", "anyOf": [{"minItem": 1}]}`, ``), `/properties/p/anyOf/0/minItem: unknown keyword "minItem": did you mean "minItems"?`},
	{"a misspelt keyword of ours", with(`{"type": "string", "x-maks": "token"}`, ``), `/properties/p/x-maks: unknown keyword "x-maks": did you mean "x-mask"?`},
	{"a keyword of nobody", with(`{"type": "string", "nullable": true}`, ``), `/properties/p/nullable: unknown keyword "nullable": remove it`},
	{"x-table on a property", with(`{"type": "string", "x-table": "t"}`, ``), `/properties/p/x-table: x-table belongs at the root of the contract: move it there`},
	{"x-mask at the root", with(`{"type": "string"}`, `, "x-mask": "token"`), `/x-mask: x-mask belongs on a property that becomes a column: move it there`},
	{"x-mask below anyOf of a column", with(`{"type": "string", "anyOf": [{"type": "string", "x-mask": "token"}]}`, ``), `/properties/p/anyOf/0/x-mask: x-mask has no effect here: move it to a property that becomes a column, or to a string inside of one that is stored as jsonb`},
	{"x-mask below contains", with(`{"type": "array", "contains": {"type": "string", "x-mask": "token"}}`, ``), `/properties/p/contains/x-mask: x-mask has no effect here: move it to a property that becomes a column, or to a string inside of one that is stored as jsonb`},
	{"x-domain in a schema that nothing refers to", with(`{"type": "array"}`, `, "$defs": {"a/b %c": {"type": "string", "x-domain": "d"}}`), `/$defs/a~1b %c/x-domain: x-domain has no effect here: move it to a property that becomes a column, or to a string inside of one that is stored as jsonb`},
	{"x-mask on a member that may be a number", with(`{"type": "array", "items": {"type": ["string", "number"], "x-mask": "token"}}`, ``), `/properties/p/items/x-mask: token masks a string or a number: give it that type, drop it, or do not declare it, then it is not stored`},
	{"x-mask on a member without a type", with(`{"type": "object", "additionalProperties": {"x-mask": "token"}}`, ``), `/properties/p/additionalProperties/x-mask: token masks a string or a number: give it that type, drop it, or do not declare it, then it is not stored`},
	{"x-domain on an element without a token", with(`{"type": "array", "items": {"$ref": "#/$defs/a~1b %25c"}}`, `, "$defs": {"a/b %c": {"type": "string", "x-domain": "d"}}`), `/$defs/a~1b %c/x-domain: it needs "x-mask": "token"`},
	{"two masks for an element", with(`{"type": "array", "items": {"type": "string", "x-mask": "token", "allOf": [{"type": "string", "x-mask": "sha256-8"}]}}`, ``), `/properties/p/items/x-mask: the value is masked by /properties/p/items/allOf/0/x-mask too: keep one mask`},
	{"x-column below items", with(`{"type": "array", "items": {"type": "string", "x-column": "c"}}`, ``), `/properties/p/items/x-column: x-column belongs on a property that becomes a column: move it there`},
	{"an unknown format below items", with(`{"type": "array", "items": {"type": "string", "format": "ipaddress"}}`, ``), `/properties/p/items/format: unknown format "ipaddress": remove it`},
	{"x-mask on an object with properties", with(`{"type": "object", "properties": {"q": {"type": "string"}}, "x-column": "q"}`, ``), `/properties/p: an object with properties has no column of its own: put x- keywords on its properties`},
	{"an unknown mask", with(`{"type": "string", "x-mask": "tokne"}`, ``), `/properties/p/x-mask: "tokne": unknown kind of mask: use one of token, sha256-8, ip-network, drop, email-domain, last-4, date-year, date-month, bucket:N`},
	{"a mask of a number", with(`{"type": "integer", "x-mask": "sha256-8"}`, ``), `/properties/p/x-mask: sha256-8 masks a string: give it that type, drop it, or do not declare it, then it is not stored`},
	{"a network of no address", with(`{"type": "string", "x-mask": "ip-network"}`, ``), `/properties/p/x-mask: ip-network needs an address: add "format": "ip"`},
	{"recovery without a mask", with(`{"type": "string", "x-recover": true}`, ``), `/properties/p/x-recover: the table has the value as it was sent: mask it by x-mask, or remove x-recover`},
	{"recovery of an array that is stored whole", with(`{"type": "array", "x-recover": true}`, ``), `/properties/p/x-recover: the table has the value as it was sent: mask it by x-mask, or remove x-recover`},
	{"recovery inside of an array", with(`{"type": "array", "items": {"type": "string", "x-mask": "token", "x-recover": true}}`, ``), `/properties/p/items/x-recover: a value inside of an array or an object is not recovered by itself: move x-recover to the property around it, which is recovered whole`},
	{"recovery of nested properties", with(`{"type": "object", "x-recover": true, "properties": {"q": {"type": "string"}}}`, ``), `/properties/p: an object with properties has no column of its own: put x- keywords on its properties`},
	{"recovery that is not a boolean", with(`{"type": "string", "x-mask": "token", "x-recover": "yes"}`, ``), `/properties/p/x-recover: got string, want boolean`},
	{"recovery of one path twice", `{"x-table": "t", "type": "object", "properties": {"p.q": {"type": "string", "x-column": "a", "x-mask": "token", "x-recover": true}, "p": {"type": "object", "properties": {"q": {"type": "string", "x-mask": "token", "x-recover": true}}}}}`, `/properties/p/properties/q/x-recover: another property that is recovered has the path p.q too: recover one of them`},
	{"recovery into a schema with a long name", `{"x-table": "s` + strings.Repeat("x", 50) + `.t", "type": "object", "properties": {"p": {"type": "string", "x-mask": "drop", "x-recover": true}}}`, `/x-table: the schema of a table with x-recover has at most 50 characters: use a shorter one`},
	{"recovery into a table of the vault itself", `{"x-table": "sessions", "type": "object", "properties": {"p": {"type": "string", "x-mask": "drop", "x-recover": true}}}`, `/x-table: the vault has a table sessions of another kind: a table with x-recover needs another name, or another schema`},
	{"a domain without a token", with(`{"type": "string", "x-domain": "d"}`, ``), `/properties/p/x-domain: it needs "x-mask": "token"`},
	{"a token of a boolean", with(`{"type": "boolean", "x-mask": "token"}`, ``), `/properties/p/x-mask: token masks a string or a number: give it that type, drop it, or do not declare it, then it is not stored`},
	{"a token of an array", with(`{"type": "array", "x-mask": "token"}`, ``), `/properties/p/x-mask: token masks a string or a number: give it that type, drop it, or do not declare it, then it is not stored`},
	{"the domain of no email address", with(`{"type": "string", "x-mask": "email-domain"}`, ``), `/properties/p/x-mask: email-domain needs an email address: add "format": "email"`},
	{"the last four of an address", with(`{"type": "string", "format": "ip", "x-mask": "last-4"}`, ``), `/properties/p/x-mask: last-4 is for a string without a format, such as a card number: remove format, or use another mask`},
	{"the last four of a number", with(`{"type": "integer", "x-mask": "last-4"}`, ``), `/properties/p/x-mask: last-4 masks a string: give it that type, drop it, or do not declare it, then it is not stored`},
	{"the year of no date", with(`{"type": "string", "x-mask": "date-year"}`, ``), `/properties/p/x-mask: date-year needs a date: add "format": "date" or "date-time"`},
	{"the month of a UUID", with(`{"type": "string", "format": "uuid", "x-mask": "date-month"}`, ``), `/properties/p/x-mask: date-month needs a date: add "format": "date" or "date-time"`},
	{"a bucket of text", with(`{"type": "string", "x-mask": "bucket:10"}`, ``), `/properties/p/x-mask: bucket:10 masks a number: give it that type, drop it, or do not declare it, then it is not stored`},
	{"a bucket without a width", with(`{"type": "integer", "x-mask": "bucket"}`, ``), `/properties/p/x-mask: "bucket": unknown kind of mask: use one of token, sha256-8, ip-network, drop, email-domain, last-4, date-year, date-month, bucket:N`},
	{"a bucket of width 0", with(`{"type": "integer", "x-mask": "bucket:0"}`, ``), `/properties/p/x-mask: "bucket:0": unknown kind of mask: the N of bucket:N is a whole number from 1 to 1000000000000000`},
	{"no mask for any column", with(`{"type": "string", "x-mask": {}}`, ``), `/properties/p/x-mask: minProperties: got 0, want 1`},
	{"an unknown mask for a column", with(`{"type": "string", "x-mask": {"a": "token", "b": "tokne"}}`, ``), `/properties/p/x-mask/b: "tokne": unknown kind of mask: use one of token, sha256-8, ip-network, drop, email-domain, last-4, date-year, date-month, bucket:N`},
	{"a column that is dropped beside another", with(`{"type": "string", "x-mask": {"a": "token", "b": "drop"}}`, ``), `/properties/p/x-mask/b: a dropped value needs no column beside others: remove it`},
	{"x-column beside masks by column", with(`{"type": "string", "x-column": "c", "x-mask": {"a": "token"}}`, ``), `/properties/p/x-column: x-mask names the columns of this property: remove x-column`},
	{"masks by column that need quotes", with(`{"type": "string", "x-mask": {"aB": "token"}}`, ``), `/properties/p/x-column: "aB" is not a valid column name: give it one of at most 63 lower-case letters, digits and _ by x-column`},
	{"masks by column inside of an array", with(`{"type": "array", "items": {"type": "string", "x-mask": {"a": "token"}}}`, ``), `/properties/p/items/x-mask: only a property that becomes a column can fill several columns: use one mask`},
	{"an unknown form", with(`{"type": "string", "x-mask": "token", "x-normalize": "upper"}`, ``), `/properties/p/x-normalize: value must be one of 'lower', 'email', 'digits'`},
	{"a form without a token", with(`{"type": "string", "x-mask": "last-4", "x-normalize": "digits"}`, ``), `/properties/p/x-normalize: it needs "x-mask": "token"`},
	{"a form of a number", with(`{"type": "integer", "x-mask": "token", "x-normalize": "digits"}`, ``), `/properties/p/x-normalize: it is for strings: remove it`},
	{"a form of an address", with(`{"type": "string", "format": "ip", "x-mask": "token", "x-normalize": "lower"}`, ``), `/properties/p/x-normalize: a token of format ip has a form already: remove it`},
	{"digits of a date", with(`{"type": "string", "format": "date", "x-mask": "token", "x-normalize": "digits"}`, ``), `/properties/p/x-normalize: digits alone do not tell values of format date apart: remove it`},
	{"an email that is a URI", with(`{"type": "array", "items": {"type": "string", "format": "uri", "x-mask": "token", "x-normalize": "email"}}`, ``), `/properties/p/items/x-normalize: a string of format uri is not an email address: remove it`},
	{"two names of one column", `{"x-table": "t", "type": "object", "properties": {"userId": {"type": "string"}, "user_id": {"type": "string"}}}`, `/properties/user_id/x-column: the column user_id is already filled by userId: give one of them another name by x-column`},
	{"an enum of two types", with(`{"enum": ["a", 1]}`, ``), `/properties/p/type: one type is needed, and "null" besides if the value may be null: "type": "string" or ["string", "null"]`},
	{"an enum of null", with(`{"enum": [null]}`, ``), `/properties/p/type: one type is needed, and "null" besides if the value may be null: "type": "string" or ["string", "null"]`},
	{"a subject that may be absent", with(`{"type": "string", "x-subject": true}`, ``), `/properties/p/x-subject: a subject is a required property that is never null and has no mask but token: change that, or use another property`},
	{"a subject that may be null", with(`{"type": ["string", "null"], "x-subject": true}`, `, "required": ["p"]`), `/properties/p/x-subject: a subject is a required property that is never null and has no mask but token: change that, or use another property`},
	{"a subject that cannot be told from others", with(`{"type": "string", "format": "email", "x-mask": "email-domain", "x-subject": true}`, `, "required": ["p"]`), `/properties/p/x-subject: a subject is a required property that is never null and has no mask but token: change that, or use another property`},
	{"a subject in an object that may be absent", with(`{"type": "object", "properties": {"q": {"type": "string", "x-subject": true}}, "required": ["q"]}`, ``), `/properties/p/properties/q/x-subject: a subject is a required property that is never null and has no mask but token: change that, or use another property`},
	{"a time as subject", with(`{"type": "string", "format": "date-time", "x-subject": true}`, `, "required": ["p"]`), `/properties/p/x-subject: a subject is a string or an integer that names a person, without x-type and without the format of a time: use another property`},
	{"a boolean as subject", with(`{"type": "boolean", "x-subject": true}`, `, "required": ["p"]`), `/properties/p/x-subject: a subject is a string or an integer that names a person, without x-type and without the format of a time: use another property`},
	{"two subjects", `{"x-table": "t", "type": "object", "properties": {"p": {"type": "string", "x-subject": true}, "q": {"type": "string", "x-subject": true}}, "required": ["p", "q"]}`, `/properties/q/x-subject: p is the subject already: an event is about one person`},
	{"a subject inside of an array", with(`{"type": "array", "items": {"type": "string", "x-subject": true}}`, ``), `/properties/p/items/x-subject: x-subject belongs on a property that becomes a column: move it there`},
	{"the domain of subjects", with(`{"type": "string", "x-mask": "token", "x-domain": "sqs2pg/subject/v1"}`, ``), `/properties/p/x-domain: sqs2pg uses this domain itself: use another`},
	{"a table in the vault", `{"x-table": "sqs2pg_vault_x.t", "type": "object", "properties": {"p": {"type": "string"}}}`, `/x-table: the schema sqs2pg_vault_x is not for tables of events: use another`},
	{"a subject at the root", with(`{"type": "string"}`, `, "x-subject": true`), `/x-subject: x-subject belongs on a property that becomes a column: move it there`},
	{"a key masked by sha256-8", with(`{"type": "string", "x-mask": "sha256-8"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["p"]}`), `/x-write/key/0: the column p is masked by sha256-8, which makes different values equal, so that one row would replace the other: mask it by token, or use another column`},
	{"a key masked by ip-network", with(`{"type": "string", "format": "ip", "x-mask": "ip-network"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["p"]}`), `/x-write/key/0: the column p is masked by ip-network, which makes different values equal, so that one row would replace the other: mask it by token, or use another column`},
	{"a key masked by last-4", with(`{"type": "string", "x-mask": "last-4"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["p"]}`), `/x-write/key/0: the column p is masked by last-4, which makes different values equal, so that one row would replace the other: mask it by token, or use another column`},
	{"a key masked by date-year", with(`{"type": "string", "format": "date", "x-mask": "date-year"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["p"]}`), `/x-write/key/0: the column p is masked by date-year, which makes different values equal, so that one row would replace the other: mask it by token, or use another column`},
	{"a column that upsert needs", with(`{"type": "integer", "x-column": "event_version"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["event_version"]}`), `/x-write: a table in upsert mode has a column event_version already: give that property another name by x-column`},
	{"a key that is dropped", with(`{"type": "string", "x-mask": "drop"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["p"]}`), `/x-write/key/0: the column p can be null: a key's properties are required, not nullable and not dropped`},
	{"an unknown x-type", with(`{"type": "number", "x-type": "money"}`, ``), `/properties/p/x-type: "money" is not a type that x-type can give: use numeric, or numeric(12,2) with precision and scale`},
	{"a scale above the precision", with(`{"type": "number", "x-type": "numeric(2,3)"}`, ``), `/properties/p/x-type: Postgres has no numeric(2,3): use a precision of at most 1000 and a scale of at most the precision`},
	{"a precision of 0", with(`{"type": "number", "x-type": "numeric(0)"}`, ``), `/properties/p/x-type: Postgres has no numeric(0): use a precision of at most 1000 and a scale of at most the precision`},
	{"a precision above 1000", with(`{"type": "number", "x-type": "numeric(1001,2)"}`, ``), `/properties/p/x-type: Postgres has no numeric(1001,2): use a precision of at most 1000 and a scale of at most the precision`},
	{"x-type and x-mask", with(`{"type": "string", "x-type": "numeric", "x-mask": "token"}`, ``), `/properties/p/x-mask: the masked value is stored as text: remove x-type or x-mask`},
	{"x-type of a boolean", with(`{"type": "boolean", "x-type": "numeric"}`, ``), `/properties/p/x-type: numeric needs a number, an integer, or a string that holds a number: change type, or remove x-type`},
	{"x-type and format", with(`{"type": "string", "x-type": "numeric", "format": "date"}`, ``), `/properties/p/x-type: a string with a format does not hold a number: remove format or x-type`},
	{"x-type below items", with(`{"type": "array", "items": {"type": "number", "x-type": "numeric"}}`, ``), `/properties/p/items/x-type: x-type belongs on a property that becomes a column: move it there`},
	{"an unknown envelope", with(`{"type": "string"}`, `, "x-envelope": "kafka"`), `/x-envelope: it is "sns", "eventbridge", or ["sns", "eventbridge"] for EventBridge's events that come by SNS`},
	{"an envelope on a property", with(`{"type": "string", "x-envelope": "sns"}`, ``), `/properties/p/x-envelope: x-envelope belongs at the root of the contract: move it there`},
	{"a pattern on the event alone", with(`{"type": "string"}`, `, "x-match": {"p": ["x"]}`), `/x-match: "p" is not a part of a message: use body, messageAttributes or envelope`},
	{"an attribute of EventBridge", with(`{"type": "string", "x-attribute": "a"}`, `, "x-envelope": "eventbridge"`), `/properties/p/x-attribute: an event of EventBridge has no message attributes: remove x-attribute`},
	{"an attribute that is an array", with(`{"type": "array", "x-attribute": "a"}`, ``), `/properties/p/x-attribute: the value of an attribute is text: give the property the type string, integer, number or boolean`},
	{"an attribute that the library would check", with(`{"type": "integer", "enum": [1], "x-attribute": "a"}`, ``), `/properties/p/x-attribute: of the keywords that limit it, the value of an attribute is checked by those for strings and numbers only: remove the others`},
	{"an attribute inside of an object", with(`{"type": "object", "properties": {"q": {"type": "string", "x-attribute": "a"}}}`, ``), `/properties/p/properties/q/x-attribute: it belongs on a property of the root: move the property there`},
	{"an id without a time", with(`{"type": "string", "x-event-id": true}`, `, "required": ["p"]`), `/: x-event-id needs a property with x-event-time: a row is known by id and time, and SQS gives each copy of an event another time`},
	{"an id that may be missing", with(`{"type": "integer", "x-event-id": true, "x-event-time": true}`, ``), `2 mistakes:
  /properties/p/x-event-id: the property can be missing or null: make it required, at every level, and not nullable
  /properties/p/x-event-time: the property can be missing or null: make it required, at every level, and not nullable`},
	{"a time that is masked", with(`{"type": "string", "x-event-time": true, "x-mask": "token"}`, `, "required": ["p"]`), `/properties/p/x-event-time: a masked value cannot identify an event: remove x-mask, or choose another property`},
	{"a time that is a date", with(`{"type": "string", "format": "date", "x-event-time": true}`, `, "required": ["p"]`), `/properties/p/x-event-time: it belongs on a string of "format": "date-time", or an integer of epoch milliseconds`},
	{"a second time", with(`{"type": "integer", "x-event-time": true}, "q": {"type": "integer", "x-event-time": true}`, `, "required": ["p", "q"]`), `/properties/q/x-event-time: another property has x-event-time: one identifies the event`},
	{"no table", `{"type": "object", "properties": {"p": {"type": "string"}}}`, `/x-table: it is missing: name the table, "x-table": "orders"`},
	{"a table that needs quotes", `{"x-table": "My Table", "type": "object", "properties": {"p": {"type": "string"}}}`, `/x-table: "My Table" is not a valid table name: use at most 50 lower-case letters, digits and _, after a schema and a dot if it has one`},
	{"a table with a long name", `{"x-table": "a23456789012345678901234567890123456789012345678901", "type": "object", "properties": {"p": {"type": "string"}}}`, `/x-table: "a23456789012345678901234567890123456789012345678901" is not a valid table name: use at most 50 lower-case letters, digits and _, after a schema and a dot if it has one`},
	{"a table of Postgres's own", `{"x-table": "pg_catalog.t", "type": "object", "properties": {"p": {"type": "string"}}}`, `/x-table: the schema pg_catalog is not for tables of events: use another`},
	{"a number out of proportion", with(`{"type": "number", "multipleOf": 8e-4004444}`, ``), `/properties/p/multipleOf: a number has more than 309 digits before the point or 1000 after it: write one that a message can have`},
	{"no type at the root", `{"x-table": "t", "properties": {"p": {"type": "string"}}}`, `/type: a contract is of "type": "object" and declares properties`},
	{"no properties", `{"x-table": "t", "type": "object"}`, `/type: a contract is of "type": "object" and declares properties`},
	{"no type", with(`{}`, ``), `/properties/p/type: one type is needed, and "null" besides if the value may be null: "type": "string" or ["string", "null"]`},
	{"a schema that is true", with(`true`, ``), `/properties/p/type: one type is needed, and "null" besides if the value may be null: "type": "string" or ["string", "null"]`},
	{"two types", with(`{"type": ["string", "integer"]}`, ``), `/properties/p/type: one type is needed, and "null" besides if the value may be null: "type": "string" or ["string", "null"]`},
	{"only null", with(`{"type": "null"}`, ``), `/properties/p/type: one type is needed, and "null" besides if the value may be null: "type": "string" or ["string", "null"]`},
	{"an unknown type", with(`{"type": "strng"}`, ``), `/properties/p/type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'`},
	{"properties of a string", with(`{"type": "string", "properties": {"q": {"type": "string"}}}`, ``), `/properties/p/properties: only a property of type object has properties`},
	{"a reference to itself", with(`{"$ref": "#/properties/p"}`, ``), `/properties/p/$ref: a property that becomes columns cannot contain itself: write out the levels that you need, or keep it in an array or an object without properties`},
	{"a reference to the contract", with(`{"$ref": "#"}`, ``), `/properties/p/$ref: a property that becomes columns cannot contain itself: write out the levels that you need, or keep it in an array or an object without properties`},
	{"a tree", with(`{"$ref": "#/$defs/a"}`, `, "$defs": {"a": {"type": "object", "properties": {"left": {"$ref": "#/$defs/a"}}}}`), `/$defs/a/properties/left/$ref: a property that becomes columns cannot contain itself: write out the levels that you need, or keep it in an array or an object without properties`},
	{"references in a circle", with(`{"$ref": "#/$defs/a"}`, `, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}`), `/properties/p/$ref: a property that becomes columns cannot contain itself: write out the levels that you need, or keep it in an array or an object without properties`},
	{"a keyword beside a reference that has it too", with(`{"$ref": "#/$defs/d", "type": ["string", "null"], "maxLength": 1, "x-mask": "token"}`, `, "$defs": {"d": {"type": "string", "x-mask": "token"}}`), `/properties/p/$ref: type, x-mask cannot stand beside $ref here: put it into /$defs/d, or write the schema in place`},
	{"properties beside a reference", with(`{"$ref": "#/$defs/d", "properties": {"a": {"type": "string"}}}`, `, "$defs": {"d": {"type": "object"}}`), `/properties/p/$ref: properties cannot stand beside $ref here: put it into /$defs/d, or write the schema in place`},
	{"a column in a definition for arrays", with(`{"type": "array", "items": {"$ref": "#/$defs/d"}}`, `, "$defs": {"d": {"type": "string", "x-column": "c"}}`), `/$defs/d/x-column: x-column has no effect here: move it to a property that becomes a column, or to a string inside of one that is stored as jsonb`},
	{"a table in a definition", with(`{"$ref": "#/$defs/d"}`, `, "$defs": {"d": {"type": "string", "x-table": "t"}}`), `/$defs/d/x-table: x-table belongs at the root of the contract: move it there`},
	{"a dynamic reference", with(`{"$dynamicRef": "#d"}`, `, "$defs": {"d": {"$dynamicAnchor": "d", "type": "string"}}`), `/properties/p/$dynamicRef: a property that becomes a column cannot be a dynamic reference: use $ref`},
	{"a reference to a file", with(`{"type": "array", "items": {"$ref": "/etc/hostname"}}`, ``), `/properties/p/items/$ref: /etc/hostname is not in this document: put the schema under $defs and refer to it there`},
	{"a reference to nothing", with(`{"type": "array", "items": {"$ref": "#/$defs/d"}}`, ``), `/properties/p/items/$ref: there is no schema #/$defs/d: put it under $defs`},
	{"a length that is a word", with(`{"type": "string", "maxLength": "ten"}`, ``), `/properties/p/maxLength: got string, want integer`},
	{"a pattern that does not compile", with(`{"type": "string", "pattern": "(?=a)"}`, ``), "/properties/p/pattern: '(?=a)' is not valid regex: error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
	{"an unknown format", with(`{"type": "string", "format": "data-time"}`, ``), `/properties/p/format: unknown format "data-time": did you mean "date-time"?`},
	{"a format that is a number", with(`{"type": "string", "format": 1}`, ``), `/properties/p/format: got number, want string`},
	{"required names what is not there", with(`{"type": "string"}`, `, "required": ["q"]`), `/required: required names "q", which is not among the properties: did you mean "p"?`},
	{"a column twice", with(`{"type": "string"}, "q": {"type": "string", "x-column": "p"}`, ``), `/properties/q/x-column: the column p is already filled by p: give one of them another name by x-column`},
	{"a nested column that meets another", with(`{"type": "object", "properties": {"q": {"type": "string"}}}, "p_q": {"type": "string"}`, ``), `/properties/p_q/x-column: the column p_q is already filled by p.q: give one of them another name by x-column`},
	{"a reserved column", with(`{"type": "string", "x-column": "event_id"}`, ``), `/properties/p/x-column: every table has a column event_id already: give this one another name by x-column`},
	{"a column of Postgres", with(`{"type": "string", "x-column": "xmin"}`, ``), `/properties/p/x-column: every table has a column xmin already: give this one another name by x-column`},
	{"a name that needs quotes", `{"x-table": "t", "type": "object", "properties": {"größe": {"type": "string"}}}`, `/properties/größe/x-column: "größe" is not a valid column name: give it one of at most 63 lower-case letters, digits and _ by x-column`},
	{"a column name that needs quotes", with(`{"type": "string", "x-column": "User Id"}`, ``), `/properties/p/x-column: "User Id" is not a valid column name: give it one of at most 63 lower-case letters, digits and _ by x-column`},
	{"an unknown mode", with(`{"type": "string"}`, `, "x-write": {"mode": "merge"}`), `/x-write/mode: value must be one of 'insert', 'upsert'`},
	{"upsert without a key", with(`{"type": "string"}`, `, "x-write": {"mode": "upsert"}`), `/x-write: upsert needs the columns that identify a row: {"mode": "upsert", "key": ["order_id"]}`},
	{"insert with a key", with(`{"type": "string"}`, `, "x-write": {"mode": "insert", "key": ["p"]}`), `/x-write/key: a key is for upsert: remove it, or set mode to upsert`},
	{"a key that is no column", with(`{"type": "string"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["pp"]}`), `/x-write/key/0: there is no column "pp": did you mean "p"?`},
	{"a key that can be missing", with(`{"type": "string", "maxLength": 9}`, `, "x-write": {"mode": "upsert", "key": ["p"]}`), `/x-write/key/0: the column p can be null: a key's properties are required, not nullable and not dropped`},
	{"a key that is an array", with(`{"type": "array"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["p"]}`), `/x-write/key/0: the column p is jsonb: a key has simple columns`},
	{"a key that is long", with(`{"type": "string"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": ["p"]}`), `/x-write/key/0: a key's text has at most 600 characters in all, because an index entry holds no more: give p a smaller maxLength`},
}

func TestNamesPlaceAndRemedyOfAMistake(t *testing.T) {
	t.Parallel()
	for _, test := range mistakes {
		t.Run(test.mistake, func(t *testing.T) {
			t.Parallel()
			_, err := schema.Compile([]byte(test.document))
			if err == nil {
				t.Fatal("the document compiles")
			}
			if got := withoutPlaces(err); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestNamesAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ document, want string }{
		{
			with(`{"type": "strng", "maxLength": "ten", "x-maks": "token"}, "q": {"type": "string", "x-mask": "tokne", "format": "data-time"}, "Ä": {"type": "string"}`,
				`, "required": ["q", "s"], "x-write": {"mode": "merge"}`),
			`8 mistakes:
  /properties/p/type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'
  /properties/p/maxLength: got string, want integer
  /properties/p/x-maks: unknown keyword "x-maks": did you mean "x-mask"?
  /properties/q/x-mask: "tokne": unknown kind of mask: use one of token, sha256-8, ip-network, drop, email-domain, last-4, date-year, date-month, bucket:N
  /properties/q/format: unknown format "data-time": did you mean "date-time"?
  /properties/Ä/x-column: "Ä" is not a valid column name: give it one of at most 63 lower-case letters, digits and _ by x-column
  /required: required names "s", which is not among the properties: did you mean "p"?
  /x-write/mode: value must be one of 'insert', 'upsert'`,
		},
		{
			with(`{"type": "array", "items": {"$ref": "#/$defs/a"}, "contains": {"$ref": "b.json#/c"}}, "q": {"type": "number", "minimum": 1e999999999}`,
				`, "$schema": "http://json-schema.org/draft-07/schema#", "$defs": {"d": {"maxItems": -1}}`),
			`5 mistakes:
  /properties/p/items/$ref: there is no schema #/$defs/a: put it under $defs
  /properties/p/contains/$ref: b.json is not in this document: put the schema under $defs and refer to it there
  /properties/q/minimum: a number has more than 309 digits before the point or 1000 after it: write one that a message can have
  /$schema: contracts use another draft: set it to "https://json-schema.org/draft/2020-12/schema"
  /$defs/d/maxItems: minimum: got -1, want 0`,
		},
		{ // whatever follows from the first mistake is left out
			with(`{"$ref": "#/$defs/none"}`, `, "required": ["p"], "x-write": {"mode": "upsert", "key": "p"}`),
			`3 mistakes:
  /properties/p/type: one type is needed, and "null" besides if the value may be null: "type": "string" or ["string", "null"]
  /properties/p/$ref: there is no schema #/$defs/none: put it under $defs
  /x-write/key: got string, want array`,
		},
	} {
		_, err := schema.Compile([]byte(test.document))
		if err == nil || withoutPlaces(err) != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}
