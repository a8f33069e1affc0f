package pattern

import (
	"bytes"
	"maps"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/scan"
)

// Fields are the members of an object that are to be read, and the members inside of them. The zero
// value has none.
type Fields struct {
	whole   bool // the value is needed as it is
	members map[string]*Fields
}

// Member adds a member, of which no more is read than others add. It returns the fields inside.
func (f *Fields) Member(name string) *Fields {
	if f.members == nil {
		f.members = map[string]*Fields{}
	}
	if f.members[name] == nil {
		f.members[name] = &Fields{}
	}
	return f.members[name]
}

// Whole adds the whole value.
func (f *Fields) Whole() { f.whole = true }

// add adds what a pattern asks about.
func (f *Fields) add(p *objectPattern) {
	for name, inner := range p.objects {
		f.Member(name).add(inner)
	}
	for name := range p.leaves {
		f.Member(name).Whole()
	}
	for _, each := range p.or {
		f.add(each)
	}
}

// join adds other fields, if there are any.
func (f *Fields) join(other *Fields) {
	if other == nil {
		return
	}
	f.whole = f.whole || other.whole
	for name, inner := range other.members {
		f.Member(name).join(inner)
	}
}

// Tree is JSON that was read, as far as it was needed.
type Tree struct{ value any }

// Join returns the members of both trees; those of other go before.
func (t Tree) Join(other Tree) Tree {
	members, _ := t.value.(map[string]any)
	more, _ := other.value.(map[string]any)
	if len(members) == 0 {
		return other
	}
	joined := maps.Clone(members)
	maps.Copy(joined, more)
	return Tree{joined}
}

// Read reads the fields of a JSON object. It stops behind the last of them, and does not notice
// what is wrong with the rest. Of several members with one name it takes the first. A text that is
// not JSON has the fields that stand before the mistake. used is a tree that is no longer needed, or
// the zero Tree: its memory is used again.
func (f *Fields) Read(text []byte, used Tree) Tree {
	c := scan.New(text)
	if len(f.members) == 0 || c.Peek() != '{' {
		return Tree{}
	}
	object, _ := used.value.(map[string]any)
	if object == nil {
		object = make(map[string]any, len(f.members))
	}
	clear(object)
	for c.Open('{'); len(object) < len(f.members) && c.Next('}'); {
		f.member(&c, object)
	}
	return Tree{object}
}

// member reads a member, if it is one of the fields and not known.
func (f *Fields) member(c *scan.Cursor, object map[string]any) {
	name := unquote(c.Name())
	inner := f.members[string(name)]
	if _, known := object[string(name)]; inner == nil || known {
		c.Value()
		return
	}
	if value, ok := inner.value(c); ok {
		object[string(name)] = value
	}
}

// value reads what is needed of a value. Where an object or an array of objects is needed and the
// value is none, it is read as nil.
func (f *Fields) value(c *scan.Cursor) (value any, ok bool) {
	switch {
	case f.whole:
		value, ok = wholeValue(c.Value())
		return value, ok
	case c.Peek() == '{':
		object := map[string]any{}
		for c.Open('{'); c.Next('}'); {
			f.member(c, object)
		}
		value = object
	case c.Peek() == '[':
		list := []any{}
		for c.Open('['); c.Next(']'); {
			element, _ := f.value(c)
			list = append(list, element)
		}
		value = list
	default:
		c.Value()
	}
	return value, !c.Failed()
}

// wholeValue reads a value; raw is nil where the text is not JSON.
func wholeValue(raw []byte) (any, bool) {
	switch {
	case raw == nil:
		return nil, false
	case raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0:
		return string(raw[1 : len(raw)-1]), true
	}
	value, err := readJSON(raw, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return value, err == nil
}

// unquote returns the text of a name. A name that is not Unicode is returned as it is: no field has
// it.
func unquote(quoted []byte) []byte {
	if len(quoted) < 2 || bytes.IndexByte(quoted, '\\') < 0 {
		return bytes.Trim(quoted, `"`)
	}
	name, err := scan.Unquote(nil, quoted)
	if err != nil {
		return quoted
	}
	return name
}
