package pattern_test

import (
	"strings"
	"testing"

	"sqs2pg/pkg/pattern"
)

func TestMatchesByTheRulesOfLambda(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		yes, no    []string
	}{
		{"a value", `{"body":{"a":["x"]}}`, []string{`{"a":"x"}`, ` {"a":"x","b":1} `}, []string{`{"a":"X"}`, `{"a":"xx"}`, `{"b":"x"}`, `{"a":{"x":1}}`, `{}`}},
		{"one of several values", `{"body":{"a":["x",2,true,null,""]}}`, []string{`{"a":2}`, `{"a":true}`, `{"a":null}`, `{"a":""}`}, []string{`{"a":"2"}`, `{"a":false}`, `{}`}},
		{"exact numbers as they are written", `{"body":{"a":[300]}}`, []string{`{"a":300}`}, []string{`{"a":300.0}`, `{"a":3e2}`}},
		{"all members", `{"body":{"a":["x"],"b":{"c":["y"]}}}`, []string{`{"a":"x","b":{"c":"y"}}`}, []string{`{"a":"x"}`, `{"a":"x","b":{"c":"z"}}`, `{"a":"x","b":"y"}`}},
		{"$or of members", `{"body":{"n":[1],"$or":[{"a":["x"]},{"b":["y"]}]}}`, []string{`{"n":1,"a":"x"}`, `{"n":1,"b":"y"}`}, []string{`{"n":1}`, `{"n":2,"a":"x"}`}},
		{"$or of patterns", `{"$or":[{"body":{"a":["x"]}},{"body":[{"prefix":"text"}]}]}`, []string{`{"a":"x"}`, `text it is`}, []string{`{"a":"y"}`, `other`}},
		{"prefix", `{"body":{"a":[{"prefix":"us-"}]}}`, []string{`{"a":"us-east-1"}`}, []string{`{"a":"eu-us-"}`, `{"a":5}`}},
		{"suffix", `{"body":{"a":[{"suffix":".png"}]}}`, []string{`{"a":"x.png"}`}, []string{`{"a":"x.pn"}`}},
		{"equals-ignore-case", `{"body":{"a":[{"equals-ignore-case":"iOS"}]}}`, []string{`{"a":"IOS"}`, `{"a":"ios"}`}, []string{`{"a":"ios2"}`}},
		{"anything-but", `{"body":{"a":[{"anything-but":["x",3]}]}}`, []string{`{"a":"y"}`, `{"a":4}`, `{"a":"3"}`}, []string{`{"a":"x"}`, `{"a":3}`, `{}`}},
		{"anything-but one value", `{"body":{"a":[{"anything-but":"x"}]}}`, []string{`{"a":"y"}`}, []string{`{"a":"x"}`}},
		{"numeric equality", `{"body":{"a":[{"numeric":["=",300]}]}}`, []string{`{"a":300}`, `{"a":3e2}`, `{"a":300.0}`}, []string{`{"a":301}`, `{"a":"300"}`, `{"a":null}`}},
		{"a numeric range", `{"body":{"a":[{"numeric":[">",0,"<=",5]}]}}`, []string{`{"a":0.1}`, `{"a":5}`}, []string{`{"a":0}`, `{"a":5.1}`, `{"a":-1}`, `{"a":1e999}`}},
		{"exists", `{"body":{"a":[{"exists":true}]}}`, []string{`{"a":null}`, `{"a":[1]}`}, []string{`{}`, `{"a":{"b":1}}`, `{"a":[]}`}},
		{"exists false", `{"body":{"a":{"b":[{"exists":false}]}}}`, []string{`{}`, `{"a":{"c":1}}`, `{"a":1}`}, []string{`{"a":{"b":null}}`}},
		{"any element of a list", `{"body":{"a":["x"]}}`, []string{`{"a":["y","x"]}`, `{"a":[["x"]]}`}, []string{`{"a":["y"]}`, `{"a":[]}`}},
		{"one object of a list has all members", `{"body":{"a":{"b":[1],"c":[2]}}}`, []string{`{"a":[{"b":0},{"b":1,"c":2}]}`}, []string{`{"a":[{"b":1},{"c":2}]}`}},
		{"text", `{"body":["hello",{"prefix":"Result: "}]}`, []string{`hello`, `Result: 5`, `{not json`}[:2], []string{`Hello`, ` hello`, `{"a":"hello"}`, `["hello"]`}},
		{"a pattern for text matches no JSON", `{"body":[{"prefix":"{"}]}`, []string{`{not json`}, []string{`{}`, `{"a":1}`}},
		{"a pattern for JSON matches no text", `{"body":{"a":[{"exists":false}]}}`, []string{`{}`}, []string{`text`, ``, `{`, `5`, `{"a":1} x`}},
		{"malformed JSON that the function must see", `{"body":{"a":["x"]}}`, []string{`{"a":"x","a":"x"}`, "{\"a\":\"x\",\"b\":\"\xff\"}"}, []string{`{"a":"x","a":"y"}`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f, err := pattern.Parse(test.text)
			if err != nil {
				t.Fatal(err)
			}
			for _, body := range test.yes {
				if !f.Match([]byte(body)) {
					t.Errorf("%s does not match %s", body, test.text)
				}
			}
			for _, body := range test.no {
				if f.Match([]byte(body)) {
					t.Errorf("%s matches %s", body, test.text)
				}
			}
		})
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		``:                                     "not JSON",
		`{"body":{"a":["x"]}} {}`:              "not JSON",
		`{"body":{"a":["x"],"a":["y"]}}`:       "not JSON",
		`[]`:                                   "has the form",
		`{}`:                                   "has the form",
		`{"body":{}}`:                          "body is empty",
		`{"body":"x"}`:                         "body must be a list",
		`{"body":{"a":"x"}}`:                   "body.a must be a list",
		`{"body":{"a":[]}}`:                    "body.a must be a list",
		`{"body":{"a":[["x"]]}}`:               "a list inside its list",
		`{"attributes":{"SenderId":["x"]}}`:    "by their body only",
		`{"$or":[{"body":["x"]},{"a":["x"]}]}`: "by their body only",
		`{"$or":[{"body":["x"]}]}`:             "two patterns or more",
		`{"body":{"$or":[{"a":["x"]}]}}`:       "two patterns or more",
		`{"body":{"a":[{"wildcard":"*"}]}}`:    "body.a: wildcard is not a rule",
		`{"body":{"a":[{}]}}`:                  "must have one member",
		`{"body":{"a":[{"prefix":1}]}}`:        "body.a: prefix takes a string",
		`{"body":{"a":[{"exists":"yes"}]}}`:    "true or false",
		`{"body":{"a":[{"anything-but":[]}]}}`: "anything-but takes",
		`{"body":{"a":[{"anything-but":{"prefix":"x"}}]}}`:     "anything-but takes",
		`{"body":{"a":[{"numeric":[">"]}]}}`:                   "numeric takes",
		`{"body":{"a":[{"numeric":["<",1,">",0]}]}}`:           "numeric takes",
		`{"body":{"a":[{"numeric":[">",5,"<",1]}]}}`:           "numeric takes",
		`{"body":{"a":["` + strings.Repeat("x", 4096) + `"]}}`: "more than 4096 characters",
	} {
		if _, err := pattern.Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.80s: error %v, want one with %q", text, err, says)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		// valid patterns
		{`{"body":{"a":["x",1,null,true]}}`, `{"a":"x"}`}, {`{"body":[{"prefix":"x"}]}`, `xy`}, {`{"$or":[{"body":["x"]},{"body":{"a":[{"exists":false}]}}]}`, `{}`},
		{`{"body":{"$or":[{"a":[{"numeric":[">",0,"<",5]}]},{"b":{"c":[{"anything-but":[1]}]}}]}}`, `{"a":[1,[2,{"b":3}]]}`},
		// invalid patterns
		{`{"body":{"a":[{"numeric":["=","1"]}]}}`, `{"a":1}`}, {`{"body":[[]]}`, ``}, {`{"body"`, `{`}, {`{"body":{"":{"":[""]}}}`, `{"":{"":""}}`},
		// unusual bodies
		{`{"body":{"a":[1]}}`, `{"a":1e400}`}, {`{"body":{"a":[1]}}`, `[[[[[[`}, {`{"body":["\ud800"]}`, "\xff"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, body string) {
		parsed, err := pattern.Parse(text)
		if (err == nil) != (parsed != nil) {
			t.Fatalf("%v, %v", parsed, err)
		}
		if err != nil {
			return
		}
		first := parsed.Match([]byte(body))
		if again := parsed.Match([]byte(body)); again != first {
			t.Error("the second match differs from the first")
		}
	})
}
