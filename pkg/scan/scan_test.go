package scan_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/scan"
)

// values are seeds, by what is unusual about them.
var values = []string{
	`{"a":[1,-2.5e+3,true,false,null,""]}`, ` [ ] `, "\n{\t}\r", `{"a":{"b":{}},"a":0}`,
	`"1234567"`, `"12345678"`, `"123456\"8"`, `"\\\/\b\f\n\r\t\u00e9"`, `"\ud83d\ude00"`, `"é and 漢字"`, "\"\x7f\"",
	`"\ud800"`, `"\udc00\ud800"`, "\"\xff\"", "\"\xe2\x82\"", // not Unicode
	"", `{`, `[1,]`, `[,1]`, `[1 2]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{1:2}`, `[}`, `nul`, `01`, `1.`, `.5`, `-`, `1e`, `1e+`, `"\x"`, `"\u12g4"`, "\"\n\"", `"`, `"\`, "\x00", // not JSON
}

func FuzzValue(f *testing.F) {
	for _, v := range values {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := scan.New(text)
		got := c.Value()
		d := jsontext.NewDecoder(bytes.NewBuffer(bytes.Clone(text)), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
		want, err := d.ReadValue()
		if c.Failed() != (err != nil) || !bytes.Equal(got, want) {
			t.Fatalf("%q: %q, failed %v; want %q, %v", text, got, c.Failed(), want, err)
		}
	})
}

func FuzzUnquote(f *testing.F) {
	for _, v := range values {
		f.Add([]byte(v))
		f.Add([]byte(strings.Repeat("x", 7) + v))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, text := range [][]byte{text, jsontext.Value(fmt.Sprintf(`"%s"`, text))} {
			c := scan.New(text)
			quoted := c.Value()
			if c.Failed() || quoted[0] != '"' {
				continue
			}
			got, err := scan.Unquote([]byte("before"), quoted)
			want, wantErr := jsontext.AppendUnquote([]byte("before"), quoted)
			if !bytes.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%q: %q, %v; want %q, %v", quoted, got, err, want, wantErr)
			}
			if c.Escaped() != bytes.Contains(quoted, []byte(`\`)) {
				t.Errorf("%q has an escape: %v", quoted, c.Escaped())
			}
		}
	})
}

func TestStopsAtWhatTheCallerDoesNotExpect(t *testing.T) {
	t.Parallel()
	for text, read := range map[string]func(*scan.Cursor){
		`[1]`:          func(c *scan.Cursor) { c.Open('{') },
		`{"a" 1}`:      func(c *scan.Cursor) { c.Open('{'); c.Next('}'); c.Name() },
		`{1:1}`:        func(c *scan.Cursor) { c.Open('{'); c.Next('}'); c.Name() },
		`[1;2]`:        func(c *scan.Cursor) { c.Open('['); c.Next(']'); c.Value(); c.Next(']') },
		`{"a":"good"}`: func(c *scan.Cursor) { c.Fail() },
	} {
		c := scan.New([]byte(text))
		read(&c)
		if !c.Failed() || c.Value() != nil || c.Name() != nil || c.Next(']') || c.Peek() != 0 {
			t.Errorf("%s: reads on", text)
		}
	}
}

func TestSaysWhereItIs(t *testing.T) {
	t.Parallel()
	c := scan.New([]byte(` [{"a":"b"},2] x`))
	c.Open('[')
	c.Next(']')
	c.Open('{')
	c.Next('}')
	if name := string(c.Name()); name != `"a"` || c.Depth() != 2 || c.At() != 7 {
		t.Errorf("name %s at %d, depth %d", name, c.At(), c.Depth())
	}
	if value := string(c.Value()); value != `"b"` || c.Next('}') || c.Depth() != 1 {
		t.Errorf("value %s, depth %d", value, c.Depth())
	}
	if !c.Next(']') || string(c.Value()) != "2" || c.Next(']') || c.Depth() != 0 || c.Peek() != 'x' || c.Failed() {
		t.Errorf("ends at %d, depth %d", c.At(), c.Depth())
	}
}
