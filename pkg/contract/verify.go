package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/mask"
)

// Verdict says whether a row agrees with a value that was recovered.
type Verdict uint8

// The verdicts.
const (
	Different Verdict = iota // the contract would have stored something else, or would have refused the value
	Verified                 // the row holds what the contract makes of the value
	NotStored                // the table holds nothing of it: it is dropped
)

// String returns the verdict as a word for tables and JSON.
func (v Verdict) String() string { return [...]string{"different", "verified", "not stored"}[v] }

// Verify makes the columns of a property again from its recovered value, and compares them with a
// row, which is the JSON object that to_jsonb makes of it. The row may have been written with any
// key of the keyring, which may be nil if the contract has no tokens. A seal does not prove who made
// it; the row does.
func (c *Contract) Verify(k *mask.Keyring, path string, value, row []byte) Verdict {
	i := slices.IndexFunc(c.schema.Columns, func(p *schema.Property) bool { return p.Recover > 0 && p.Path == path })
	var columns map[string]jsontext.Value
	if i < 0 || json.Unmarshal(row, &columns) != nil {
		return Different
	}
	property := c.schema.Columns[i]
	if property.Masking.Kind == mask.Drop {
		return NotStored
	}
	record, ok := c.recordOf(property, value)
	if ok && slices.ContainsFunc(keyrings(k), func(k *mask.Keyring) bool { return c.agrees(c.Mask(k, record), property, columns) }) {
		return Verified
	}
	return Different
}

// agrees reports whether the columns of a property are those of a row that was made again.
func (c *Contract) agrees(made Row, p *schema.Property, columns map[string]jsontext.Value) bool {
	for ; p != nil; p = p.Also {
		if !isSame(p.Type, made.Value(p.Column), columns[c.schema.Table.Columns[p.Column].Name]) {
			return false
		}
	}
	return true
}

// Person is how one person stands in a table, whatever key the rows were written with.
type Person struct {
	Values []string // of the column [Table.Subject], as text
	Tokens []string // in the vault and in erasures: see [Rows.Subject]
}

// Person looks up how a subject, which is written as in messages, stands in the table. Without a
// keyring, which a column without a mask does not need, there are no tokens. It returns an error if
// the contract has no subject or accepts none like this; the error does not hold it.
func (c *Contract) Person(k *mask.Keyring, subject string) (Person, error) {
	if c.schema.Subject < 0 {
		return Person{}, fmt.Errorf("%w %s has no subject: mark the property that names the person by x-subject", ErrContract, c.name)
	}
	p := c.schema.Columns[c.schema.Subject]
	_, raw := attributeJSON(p, subject)
	record, ok := c.recordOf(p, raw)
	if !ok {
		return Person{}, fmt.Errorf("%w %s refuses this subject: write it as messages have it in %s", ErrContract, c.name, p.Path)
	}
	var found Person
	for _, k := range keyrings(k) {
		value := text(p.Type, c.Mask(k, record).Value(p.Column))
		found.Values = append(found.Values, value)
		if k != nil {
			found.Tokens = append(found.Tokens, c.Rows(k, 1).Subject(record, k.CurrentID()))
		}
	}
	found.Values = slices.Compact(found.Values) // equal without a mask
	return found, nil
}

// keyrings returns a keyring for each key, which makes tokens with that key. Without a keyring it
// returns the nil keyring alone.
func keyrings(k *mask.Keyring) (all []*mask.Keyring) {
	if k == nil {
		return []*mask.Keyring{nil}
	}
	for _, key := range k.Fingerprints() {
		if other, ok := k.As(key.ID); ok {
			all = append(all, other)
		}
	}
	return all
}

// recordOf is the record of a message that has one property, from the first of whose columns on. It
// is false if the value breaks a rule. Rules about several properties do not count.
func (c *Contract) recordOf(p *schema.Property, value []byte) (Record, bool) {
	d := new(decoding)
	d.begin(c, value)
	kind := jsontext.Kind(d.Peek())
	if kind == '-' || kind >= '0' && kind <= '9' {
		kind = '0'
	}
	raw := d.valid()
	if d.Failed() || !isWhole(value, raw) {
		return Record{}, false
	}
	d.fill(p, kind, raw)
	return Record{contract: c, content: d.kept, serial: d.serial}, d.violation == nil
}

// isWhole reports whether raw is all of a text but white space.
func isWhole(text, raw []byte) bool { return bytes.Equal(bytes.TrimSpace(text), raw) }

// isSame compares a value, which is not NULL, with the JSON that Postgres makes of a column. A mask
// leaves no booleans, UUIDs or times.
func isSame(t Type, v Value, column jsontext.Value) bool {
	decoded, err := decodeJSON(column)
	if err != nil { // no such column
		return false
	}
	switch t.Base() {
	case JSONB:
		return equalJSON(v.Text(), decoded)
	case Double:
		number, _ := decoded.(json.Number)
		f, err := number.Float64()
		return err == nil && f == v.Float()
	case BigInt, Numeric:
		number, ok := decoded.(json.Number)
		return ok && canonical(number) == canonical(json.Number(text(t, v)))
	default:
		return decoded == any(text(t, v))
	}
}

func decodeJSON(text []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

// equalJSON compares the text of a jsonb column with what Postgres made of it: members in another
// order, and numbers written differently.
func equalJSON(stored string, decoded any) bool {
	want, err := decodeJSON([]byte(stored))
	return err == nil && reflect.DeepEqual(normal(want), normal(decoded))
}

// normal writes the numbers of a value alike.
func normal(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = normal(member)
		}
	case []any:
		for i, element := range v {
			v[i] = normal(element)
		}
	case json.Number:
		return canonical(v)
	}
	return value
}

func canonical(n json.Number) json.Number {
	if !scalar.InProportion([]byte(n)) {
		return n // no contract stores it
	}
	return json.Number(scalar.ParseDecimal([]byte(n)).Canonical())
}
