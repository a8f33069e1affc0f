package bodies_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/queue/bodies"
)

// all opens a text and returns its messages.
func all(t *testing.T, in io.Reader, o bodies.Options) (said string, got []string, err error) {
	t.Helper()
	text, err := bodies.Open(t.Context(), in, o)
	if err != nil {
		return "", nil, err
	}
	defer text.Close()
	for body, err := range text.All() {
		if err != nil {
			t.Fatalf("checked, and then: %v", err)
		}
		got = append(got, string(body.Text))
	}
	if len(got) != text.Count {
		t.Errorf("counts %d messages and gives %d", text.Count, len(got))
	}
	return text.String(), got, nil
}

func TestRecognisesTheFormOfTheInput(t *testing.T) {
	t.Parallel()
	raw := bodies.Options{Raw: true}
	for name, tt := range map[string]struct {
		text string
		o    bodies.Options
		said string
		want []string
	}{
		"lines":                              {"{\"a\":1}\r\n\n  \n{\"a\": 2}", bodies.Options{}, "2 messages, one a line", []string{`{"a":1}`, `{"a": 2}`}},
		"values that are not objects":        {"1\n\"x\"\nnull\n", bodies.Options{}, "3 messages, one a line", []string{"1", `"x"`, "null"}},
		"an array on a line":                 {`[{"a": 1},{"a":2},"c"]` + "\n", bodies.Options{}, "3 messages from a JSON array", []string{`{"a":1}`, `{"a":2}`, `"c"`}},
		"an array over several lines":        {"\n[\n  {\n    \"a\": 1\n  }\n]\n", bodies.Options{}, "1 message from a JSON array", []string{`{"a":1}`}},
		"an array a line":                    {"[1]\n[2]\n", bodies.Options{}, "2 messages, one a line", []string{"[1]", "[2]"}},
		"a document over several lines":      {"{\n  \"a\": 1.10\n}\n", bodies.Options{}, "1 message from a JSON document", []string{`{"a":1.10}`}},
		"documents, as jq prints them":       {"{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n", bodies.Options{}, "2 messages from JSON documents", []string{`{"a":1}`, `{"a":2}`}},
		"a byte order mark":                  {"\ufeff{\"a\":1}\n", bodies.Options{}, "1 message, one a line; the byte order mark is left out", []string{`{"a":1}`}},
		"a byte order mark before an array":  {"\ufeff[1]", bodies.Options{}, "1 message from a JSON array; the byte order mark is left out", []string{"1"}},
		"two members of one name":            {`[{"a":1,"a":2}]`, bodies.Options{}, "1 message from a JSON array", []string{`{"a":1,"a":2}`}},
		"nothing":                            {"", bodies.Options{}, "0 messages, one a line", nil},
		"an empty array":                     {"[]", bodies.Options{}, "0 messages from a JSON array", nil},
		"raw lines":                          {"[1]\nhello\n\n{\n", raw, "3 messages, one a line", []string{"[1]", "hello", "{"}},
		"a bad line for somebody who checks": {"{} {}\n", bodies.Options{Unchecked: true}, "1 message, one a line", []string{"{} {}"}},
		"lines for somebody who checks":      {"{\n\xff\n", bodies.Options{Unchecked: true}, "2 messages, one a line", []string{"{", "\xff"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, got, err := all(t, strings.NewReader(tt.text), tt.o)
			if said != tt.said || err != nil {
				t.Errorf("says %q, %v, want %q", said, err, tt.said)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNamesTheLineThatIsWrong(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", queue.MaxSize)
	for name, tt := range map[string]struct {
		text string
		o    bodies.Options
		want string
	}{
		"not JSON":                    {"{}\nhello\n", bodies.Options{}, "line 2 is not JSON: "},
		"the first line":              {"hello\n{}\n", bodies.Options{}, "line 1 is not JSON: "},
		"two values on a line":        {"{} {}\n", bodies.Options{}, "line 1 is not JSON: "},
		"more after an array's line":  {"[1] x\n", bodies.Options{}, "line 1 is not JSON: "},
		"not UTF-8":                   {"{}\n\n{\"a\":\"\xff\"}\n", bodies.Options{}, "line 3 is not valid UTF-8: "},
		"not UTF-8, raw":              {"a\n\xff\n", bodies.Options{Raw: true}, "line 2 is not valid UTF-8: "},
		"a control character":         {"a\nb\x00\n", bodies.Options{Raw: true}, "line 2 has a control character"},
		"UTF-16":                      {"\xff\xfe{\x00}\x00", bodies.Options{}, "the file is UTF-16: "},
		"too long a line":             {"{}\n\"" + large + "\"\n", bodies.Options{}, "line 2 is longer than"},
		"too long a first line":       {`{"a":"` + large + "\"}\n", bodies.Options{}, "document 1 has "},
		"too large an element":        {`[1,"` + large + `"]`, bodies.Options{}, "element 2 has "},
		"an array that breaks off":    {"[{},\n{},\n", bodies.Options{}, "element 3 is not JSON, see line 3: "},
		"a broken element":            {"[\n{},\n{\"a\" 1}\n]", bodies.Options{}, "element 2 is not JSON, see line 3: "},
		"a document that breaks off":  {"{\n  \"a\": {\n", bodies.Options{}, "document 1 is not JSON, see line 3: "},
		"a second document is broken": {"{\n}\n{\n\"a\"\n}\n", bodies.Options{}, "document 2 is not JSON, see line 5: "},
		"more after an array":         {"[\n1\n]\n2\n", bodies.Options{}, "more follows the JSON array: "},
		"a broken line after arrays":  {"[1]\n[2\n", bodies.Options{}, "line 2 is not JSON: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got, err := all(t, strings.NewReader(tt.text), tt.o)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || len(err.Error()) > 120 {
				t.Errorf("gives %d messages and says %v, want %q", len(got), err, tt.want)
			}
		})
	}
}

// pipe hides that a reader can be read twice.
type pipe struct{ io.Reader }

func TestReadsAPipeToItsEndAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	_, got, err := all(t, pipe{strings.NewReader("[1,\n2]")}, bodies.Options{})
	if diff := cmp.Diff([]string{"1", "2"}, got); diff != "" || err != nil {
		t.Errorf("%v; messages (-want +got):\n%s", err, diff)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); left != nil {
		t.Errorf("left %v", left)
	}
}

func TestStopsReadingATerminal(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	typed, person := io.Pipe()
	defer person.Close()
	if _, err := bodies.Open(ctx, typed, bodies.Options{}); err == nil || !strings.HasPrefix(err.Error(), "stopped") {
		t.Errorf("says %v", err)
	}
}

func TestHoldsOneMessageOfALargeInputInMemory(t *testing.T) {
	for name, format := range map[string][3]string{"lines": {"", "{\"n\":\"%s\"}\n", ""}, "an array on one line": {"[", "{\"n\":\"%s\"},", "{}]"}} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Create(filepath.Join(t.TempDir(), "large"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var text bytes.Buffer
			text.WriteString(format[0])
			const count = 20_000
			for i := range count {
				fmt.Fprintf(&text, format[1], fmt.Sprintf("%0250d", i))
			}
			text.WriteString(format[2])
			size := uint64(text.Len())
			if _, err := text.WriteTo(f); err != nil {
				t.Fatal(err)
			}
			text = bytes.Buffer{}
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			opened, err := bodies.Open(t.Context(), f, bodies.Options{})
			if err != nil || opened.Count < count {
				t.Fatalf("%v, %v", opened, err)
			}
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			before, largest, n := m.HeapAlloc, uint64(0), 0
			for range opened.All() {
				if n++; n%5_000 == 0 {
					runtime.GC()
					runtime.ReadMemStats(&m)
					largest = max(largest, m.HeapAlloc)
				}
			}
			if largest > before+size/2 {
				t.Errorf("holds %d bytes more while it reads %d", largest-before, size)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	for _, seed := range []string{
		"", "\n\n", "{}\n{}", "[]", "[1,2", "[1]\n[2]", "{\n}\n{\n}", "\ufeff[{\"a\":1}]", "\xff\xfe", "hello", "{\"a\":\"\xff\"}", "[[\n[\n]]]", "{} {}", "[1]2", "1 2", "\"\\ud800\"",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, input []byte, raw bool) {
		text, err := bodies.Open(t.Context(), bytes.NewReader(input), bodies.Options{Raw: raw})
		if err != nil {
			return
		}
		var got []string
		for body, err := range text.All() {
			if err != nil {
				t.Fatalf("checked, and then: %v", err)
			}
			if len(body.Text) == 0 || !utf8.Valid(body.Text) || !raw && !json.Valid(body.Text) {
				t.Fatalf("gives %q", body.Text)
			}
			got = append(got, string(body.Text))
		}
		if len(got) != text.Count {
			t.Fatalf("counts %d messages and gives %d", text.Count, len(got))
		}
		unmarked := bytes.TrimPrefix(input, []byte("\ufeff"))
		var elements []json.RawMessage
		if isArray := json.Unmarshal(unmarked, &elements) == nil && elements != nil; !raw && isArray && len(elements) != text.Count {
			t.Fatalf("%d messages from an array of %d", text.Count, len(elements))
		}
		if values := count(unmarked); !raw && text.Form != bodies.Array && values != text.Count {
			t.Fatalf("%d messages from %d values", text.Count, values)
		}
	})
}

// count returns the number of JSON values of a text.
func count(text []byte) (n int) {
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return n
		}
		n++
	}
}
