package pattern

import (
	"bytes"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
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

// Join adds the fields of another.
func (f *Fields) Join(other Fields) { f.join(&other) }

// Tree is JSON that was read, as far as it was needed.
type Tree struct{ value any }

// Text returns a member that is a string. It is false if there is no such member, or it was not
// read.
func (t Tree) Text(name string) (string, bool) {
	object, _ := t.value.(map[string]any)
	text, ok := object[name].(string)
	return text, ok
}

// Member returns what was read of a member.
func (t Tree) Member(name string) Tree {
	object, _ := t.value.(map[string]any)
	return Tree{object[name]}
}

// Read reads the fields of a JSON object. It stops behind the last of them, and does not notice
// what is wrong with the rest. Of several members with one name it takes the first. A text that is
// not JSON has the fields that stand before the mistake.
func (f *Fields) Read(text []byte) Tree {
	if len(f.members) == 0 {
		return Tree{}
	}
	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.text = *bytes.NewBuffer(text)
	r.in.Reset(&r.text, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if r.in.PeekKind() != '{' {
		return Tree{}
	}
	object := map[string]any{}
	_, _ = r.object(f, object)
	r.text = bytes.Buffer{}
	return Tree{object}
}

// reader reads selected members.
type reader struct {
	text bytes.Buffer // jsontext reads a bytes.Buffer in place
	in   *jsontext.Decoder
	name []byte // scratch space for names with escapes
}

var readers = sync.Pool{New: func() any {
	r := new(reader)
	r.in = jsontext.NewDecoder(&r.text)
	return r
}}

// object reads the fields of an object until it has all of them, and reports whether it has read to
// the object's end.
func (r *reader) object(f *Fields, object map[string]any) (ended bool, err error) {
	if _, err := r.in.ReadToken(); err != nil {
		return false, err
	}
	for r.in.PeekKind() == '"' {
		if len(object) == len(f.members) {
			return false, nil
		}
		quoted, err := r.in.ReadValue()
		if err != nil {
			return false, err
		}
		name := r.unquote(quoted)
		inner := f.members[string(name)]
		if _, read := object[string(name)]; inner == nil || read {
			if err := r.in.SkipValue(); err != nil {
				return false, err
			}
			continue
		}
		key := string(name)
		if object[key], err = r.value(inner); err != nil {
			return false, err
		}
	}
	_, err = r.in.ReadToken()
	return true, err
}

func (r *reader) unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	r.name, _ = jsontext.AppendUnquote(r.name[:0], quoted)
	return r.name
}

// value reads what is needed of a value. It returns nil if a value that must be an object or an
// array of objects is none.
func (r *reader) value(f *Fields) (any, error) {
	kind := r.in.PeekKind()
	switch {
	case f.whole:
		return readValue(r.in)
	case kind == '{':
		object := map[string]any{}
		ended, err := r.object(f, object)
		for err == nil && !ended {
			ended, err = r.skipMember()
		}
		return object, err
	case kind == '[':
		return r.list(f)
	}
	return nil, r.in.SkipValue()
}

// skipMember skips one member of an object, or the object's end.
func (r *reader) skipMember() (ended bool, err error) {
	if r.in.PeekKind() == '}' {
		_, err := r.in.ReadToken()
		return true, err
	}
	if err := r.in.SkipValue(); err != nil {
		return false, err
	}
	return false, r.in.SkipValue()
}

func (r *reader) list(f *Fields) (any, error) {
	if _, err := r.in.ReadToken(); err != nil {
		return nil, err
	}
	list := []any{}
	for r.in.PeekKind() != ']' {
		value, err := r.value(f)
		if err != nil {
			return list, err
		}
		list = append(list, value)
	}
	_, err := r.in.ReadToken()
	return list, err
}
