package pattern_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/pattern"
)

// view is a message of which no more is read than the pattern asks about.
func view(p *pattern.Message, body, envelope string, attributes map[string]any) pattern.View {
	var s pattern.Selection
	s.Add(p)
	return pattern.NewView(s.Body.Read([]byte(body), pattern.Tree{}), s.Envelope.Read([]byte(envelope), pattern.Tree{}), attributes)
}

func TestMatchesBodyAttributesAndEnvelope(t *testing.T) {
	t.Parallel()
	attributes := map[string]any{"event-type": "order"}
	body := `{"skipped":[{}],"type":"order","\u0061":{"b":[{"c":1,"x":2},{"c":3}]},"type":"refund","rest":`
	for text, want := range map[string]bool{
		`{"body":{"type":["order"]}}`:                                                      true,
		`{"body":{"type":["refund"]}}`:                                                     false, // of two members the first counts
		`{"body":{"a":{"b":{"c":[3]}}}}`:                                                   true,
		`{"body":{"a":{"b":{"c":[{"numeric":[">",3]}]}}}}`:                                 false,
		`{"body":{"none":[{"exists":false}]}}`:                                             true,
		`{"body":{"type":["order"]},"envelope":{"source":["shop"]}}`:                       true,
		`{"body":{"type":["order"]},"envelope":{"source":["other"]}}`:                      false,
		`{"envelope":{"resources":["r2"],"detail-type":[{"prefix":"Order"}]}}`:             true,
		`{"messageAttributes":{"event-type":["order"]}}`:                                   true,
		`{"messageAttributes":{"event-type":[{"anything-but":["order"]}]}}`:                false,
		`{"messageAttributes":{"other":[{"exists":false}]}}`:                               true,
		`{"$or":[{"body":{"type":["x"]}},{"messageAttributes":{"event-type":["order"]}}]}`: true,
		`{"$or":[{"body":{"type":["x"]}},{"envelope":{"source":["x"]}}]}`:                  false,
	} {
		p, err := pattern.ParseMessage([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		envelope := `{"source":"shop","resources":["r1","r2"],"detail-type":"OrderPlaced"}`
		if got := p.Match(view(p, body, envelope, attributes)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		for _, none := range []string{"", "5", "[]", "not JSON"} {
			_ = p.Match(view(p, none, none, nil))
		}
	}
}

// A function with several contracts reads each message once, for all patterns.
func TestReadsWhatSeveralPatternsAskAbout(t *testing.T) {
	t.Parallel()
	var s pattern.Selection
	var patterns []*pattern.Message
	for _, text := range []string{`{"body":{"a":["x"]}}`, `{"body":{"a":{"b":["y"]},"c":["z"]}}`, `{"body":{"d":["x"]},"messageAttributes":{"m":["1"]}}`} {
		p, err := pattern.ParseMessage([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		s.Add(p)
		patterns = append(patterns, p)
	}
	for body, want := range map[string]int{`{"a":"x","d":"x"}`: 0, `{"c":"z","a":[1,{"b":"y"}]}`: 1, `{"d":"x"}`: 2} {
		v := pattern.NewView(s.Body.Read([]byte(body), pattern.Tree{}), pattern.Tree{}, map[string]any{"m": "1"})
		if got := slices.IndexFunc(patterns, func(p *pattern.Message) bool { return p.Match(v) }); got != want {
			t.Errorf("%s: the first match is pattern %d, want %d", body, got, want)
		}
	}
	if !s.Attributes["m"] || len(s.Attributes) != 1 {
		t.Errorf("attributes %v, want m", s.Attributes)
	}
}

func TestParseMessageSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		``:                                "not JSON",
		`[]`:                              "is an object",
		`{}`:                              "pattern is empty",
		`{"type":["order"]}`:              `"type" is not a part of a message: use body, messageAttributes or envelope`,
		`{"body":["order"]}`:              "body takes an object",
		`{"body":{}}`:                     "pattern.body is empty",
		`{"body":{"a":"x"}}`:              "pattern.body.a must be a list",
		`{"messageAttributes":{"a":[5]}}`: `write numbers as "5"`,
		`{"messageAttributes":{"a":[{"numeric":[]}]}}`:         `write numbers as "5"`,
		`{"messageAttributes":{"a":{"b":["x"]}}}`:              "must be a list",
		`{"$or":[{"body":{"a":[1]}},{"x":{}}]}`:                "not a part",
		`{"$or":[{"body":{"a":[1]}}]}`:                         "two patterns or more",
		`{"body":{"a":["` + strings.Repeat("x", 4096) + `"]}}`: "more than 4096 characters",
	} {
		if _, err := pattern.ParseMessage([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.80s: error %v, want one with %q", text, err, says)
		}
	}
}

// FuzzMessage checks that reading a part of a body gives the answer that reading all of it gives,
// for bodies without repeated names.
func FuzzMessage(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":["x",1,null]}`, `{"a":"x"}`}, {`{"a":{"b":[1]},"c":[{"exists":false}]}`, `{"z":1,"a":[{"b":1,"d":[]},2],"e":{}}`},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"\u0062":"y"`}, {`{"a":[{"anything-but":["x"]}]}`, `[{"a":1}]`}, {`{"a":{"a":[1]}}`, "{\"a\":\"\xff\"}"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, body string) {
		p, err := pattern.ParseMessage([]byte(`{"body":` + text + `}`))
		if err != nil {
			return
		}
		got := p.Match(view(p, body, "", nil))
		whole, err := pattern.Parse(`{"body":` + text + `}`)
		if err != nil || !strings.HasPrefix(strings.TrimSpace(body), "{") || !isPlain(body) {
			return
		}
		if want := whole.Match([]byte(body)); got != want {
			t.Errorf("%s on %s: %v by its fields, %v by all of it", text, body, got, want)
		}
	})
}

// isPlain reports whether a text is one JSON value without repeated names and invalid UTF-8.
func isPlain(text string) bool {
	return jsontext.Value(text).IsValid()
}
