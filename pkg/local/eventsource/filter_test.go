package eventsource_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/eventsource"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, pattern string
		yes, no       []string
	}{
		{"a value", `{"body":{"a":["x"]}}`, []string{`{"a":"x"}`, ` {"a":"x","b":1} `}, []string{`{"a":"X"}`, `{"a":"xx"}`, `{"b":"x"}`, `{"a":{"x":1}}`, `{}`}},
		{"one of several values", `{"body":{"a":["x",2,true,null,""]}}`, []string{`{"a":2}`, `{"a":true}`, `{"a":null}`, `{"a":""}`}, []string{`{"a":"2"}`, `{"a":false}`, `{}`}},
		{"numbers as they are written", `{"body":{"a":[300]}}`, []string{`{"a":300}`}, []string{`{"a":300.0}`, `{"a":3e2}`}},
		{"all members", `{"body":{"a":["x"],"b":{"c":["y"]}}}`, []string{`{"a":"x","b":{"c":"y"}}`}, []string{`{"a":"x"}`, `{"a":"x","b":{"c":"z"}}`, `{"a":"x","b":"y"}`}},
		{"$or of members", `{"body":{"n":[1],"$or":[{"a":["x"]},{"b":["y"]}]}}`, []string{`{"n":1,"a":"x"}`, `{"n":1,"b":"y"}`}, []string{`{"n":1}`, `{"n":2,"a":"x"}`}},
		{"$or of patterns", `{"$or":[{"body":{"a":["x"]}},{"body":[{"prefix":"text"}]}]}`, []string{`{"a":"x"}`, `text it is`}, []string{`{"a":"y"}`, `other`}},
		{"prefix", `{"body":{"a":[{"prefix":"us-"}]}}`, []string{`{"a":"us-east-1"}`}, []string{`{"a":"eu-us-"}`, `{"a":5}`}},
		{"suffix", `{"body":{"a":[{"suffix":".png"}]}}`, []string{`{"a":"x.png"}`}, []string{`{"a":"x.pn"}`}},
		{"equals-ignore-case", `{"body":{"a":[{"equals-ignore-case":"iOS"}]}}`, []string{`{"a":"IOS"}`, `{"a":"ios"}`}, []string{`{"a":"ios2"}`}},
		{"anything-but", `{"body":{"a":[{"anything-but":["x",3]}]}}`, []string{`{"a":"y"}`, `{"a":4}`, `{"a":"3"}`}, []string{`{"a":"x"}`, `{"a":3}`, `{}`}},
		{"anything-but one", `{"body":{"a":[{"anything-but":"x"}]}}`, []string{`{"a":"y"}`}, []string{`{"a":"x"}`}},
		{"numeric equality", `{"body":{"a":[{"numeric":["=",300]}]}}`, []string{`{"a":300}`, `{"a":3e2}`, `{"a":300.0}`}, []string{`{"a":301}`, `{"a":"300"}`, `{"a":null}`}},
		{"a numeric range", `{"body":{"a":[{"numeric":[">",0,"<=",5]}]}}`, []string{`{"a":0.1}`, `{"a":5}`}, []string{`{"a":0}`, `{"a":5.1}`, `{"a":-1}`, `{"a":1e999}`}},
		{"exists", `{"body":{"a":[{"exists":true}]}}`, []string{`{"a":null}`, `{"a":[1]}`}, []string{`{}`, `{"a":{"b":1}}`, `{"a":[]}`}},
		{"exists not", `{"body":{"a":{"b":[{"exists":false}]}}}`, []string{`{}`, `{"a":{"c":1}}`, `{"a":1}`}, []string{`{"a":{"b":null}}`}},
		{"any element of a list", `{"body":{"a":["x"]}}`, []string{`{"a":["y","x"]}`, `{"a":[["x"]]}`}, []string{`{"a":["y"]}`, `{"a":[]}`}},
		{"any object of a list, all members in one", `{"body":{"a":{"b":[1],"c":[2]}}}`, []string{`{"a":[{"b":0},{"b":1,"c":2}]}`}, []string{`{"a":[{"b":1},{"c":2}]}`}},
		{"text", `{"body":["hello",{"prefix":"Result: "}]}`, []string{`hello`, `Result: 5`, `{not json`}[:2], []string{`Hello`, ` hello`, `{"a":"hello"}`, `["hello"]`}},
		{"JSON of which the pattern is for text", `{"body":[{"prefix":"{"}]}`, []string{`{not json`}, []string{`{}`, `{"a":1}`}},
		{"text of which the pattern is for JSON", `{"body":{"a":[{"exists":false}]}}`, []string{`{}`}, []string{`text`, ``, `{`, `5`, `{"a":1} x`}},
		{"JSON that the function is to refuse", `{"body":{"a":["x"]}}`, []string{`{"a":"x","a":"x"}`, "{\"a\":\"x\",\"b\":\"\xff\"}"}, []string{`{"a":"x","a":"y"}`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f, err := eventsource.ParseFilter(test.pattern)
			if err != nil {
				t.Fatal(err)
			}
			for _, body := range test.yes {
				if !f.Match([]byte(body)) {
					t.Errorf("%s does not match %s", body, test.pattern)
				}
			}
			for _, body := range test.no {
				if f.Match([]byte(body)) {
					t.Errorf("%s matches %s", body, test.pattern)
				}
			}
		})
	}
}

func TestAPatternThatIsWrongIsExplained(t *testing.T) {
	t.Parallel()
	for pattern, says := range map[string]string{
		``:                                     "not JSON",
		`{"body":{"a":["x"]}} {}`:              "not JSON",
		`{"body":{"a":["x"],"a":["y"]}}`:       "not JSON",
		`[]`:                                   "of the form",
		`{}`:                                   "of the form",
		`{"body":{}}`:                          "body is empty",
		`{"body":"x"}`:                         "body must be a list",
		`{"body":{"a":"x"}}`:                   "body.a must be a list",
		`{"body":{"a":[]}}`:                    "body.a must be a list",
		`{"body":{"a":[["x"]]}}`:               "a list in its list",
		`{"attributes":{"SenderId":["x"]}}`:    "by their body only",
		`{"$or":[{"body":["x"]},{"a":["x"]}]}`: "by their body only",
		`{"$or":[{"body":["x"]}]}`:             "two patterns or more",
		`{"body":{"$or":[{"a":["x"]}]}}`:       "two patterns or more",
		`{"body":{"a":[{"wildcard":"*"}]}}`:    "body.a: wildcard is no rule",
		`{"body":{"a":[{}]}}`:                  "one member",
		`{"body":{"a":[{"prefix":1}]}}`:        "body.a: prefix takes a text",
		`{"body":{"a":[{"exists":"yes"}]}}`:    "true or false",
		`{"body":{"a":[{"anything-but":[]}]}}`: "anything-but takes",
		`{"body":{"a":[{"anything-but":{"prefix":"x"}}]}}`:     "anything-but takes",
		`{"body":{"a":[{"numeric":[">"]}]}}`:                   "numeric takes",
		`{"body":{"a":[{"numeric":["<",1,">",0]}]}}`:           "numeric takes",
		`{"body":{"a":[{"numeric":[">",5,"<",1]}]}}`:           "numeric takes",
		`{"body":{"a":["` + strings.Repeat("x", 4096) + `"]}}`: "4096 characters",
	} {
		if _, err := eventsource.ParseFilter(pattern); !errors.Is(err, eventsource.ErrMisuse) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.80s: error %v, want one with %q", pattern, err, says)
		}
	}
}

func TestMessagesThatNoFilterMatchesAreDeleted(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "filtered", nil)
	var bodies, want []string
	for i := range 250 {
		body := fmt.Sprintf(`{"n":%d,"kind":"%c"}`, i, 'a'+i%3)
		bodies = append(bodies, body)
		if i%3 == 0 || i > 240 {
			want = append(want, body)
		}
	}
	send(t, client, url, bodies)
	f := &function{}
	got := run(t, eventsource.Mapping{Client: client, QueueURL: url, Function: f, BatchSize: 100, Filters: []*eventsource.Filter{
		filter(t, `{"body":{"kind":["a"]}}`), filter(t, `{"body":{"n":[{"numeric":[">",240]}]}}`),
	}})
	seen := f.bodies()
	slices.Sort(seen)
	slices.Sort(want)
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("messages that the function saw (-want +got):\n%s", diff)
	}
	if got.Received != 250 || got.Succeeded != len(want) || got.Filtered != 250-len(want) || got.Failed != 0 {
		t.Errorf("%+v", got)
	}
	wantDepth(t, client, url, 0, 0)
}

func TestADrainOfNothingButUnwantedMessagesEnds(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "unwanted", nil)
	send(t, client, url, numbered(55))
	got := run(t, eventsource.Mapping{Client: client, QueueURL: url, Function: &function{}, Filters: []*eventsource.Filter{filter(t, `{"body":["none"]}`)}})
	if got.Filtered != 55 || got.Invocations != 0 {
		t.Errorf("%+v", got)
	}
	wantDepth(t, client, url, 0, 0)
	m := eventsource.Mapping{Client: client, QueueURL: url, Function: &function{}, Filters: make([]*eventsource.Filter, 6)}
	if _, err := m.Run(t.Context()); !errors.Is(err, eventsource.ErrMisuse) {
		t.Errorf("six filters: %v", err)
	}
}

func filter(t *testing.T, pattern string) *eventsource.Filter {
	t.Helper()
	f, err := eventsource.ParseFilter(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func FuzzFilter(f *testing.F) {
	for _, seed := range [][2]string{
		// patterns that are right
		{`{"body":{"a":["x",1,null,true]}}`, `{"a":"x"}`}, {`{"body":[{"prefix":"x"}]}`, `xy`}, {`{"$or":[{"body":["x"]},{"body":{"a":[{"exists":false}]}}]}`, `{}`},
		{`{"body":{"$or":[{"a":[{"numeric":[">",0,"<",5]}]},{"b":{"c":[{"anything-but":[1]}]}}]}}`, `{"a":[1,[2,{"b":3}]]}`},
		// patterns that are wrong
		{`{"body":{"a":[{"numeric":["=","1"]}]}}`, `{"a":1}`}, {`{"body":[[]]}`, ``}, {`{"body"`, `{`}, {`{"body":{"":{"":[""]}}}`, `{"":{"":""}}`},
		// bodies that are odd
		{`{"body":{"a":[1]}}`, `{"a":1e400}`}, {`{"body":{"a":[1]}}`, `[[[[[[`}, {`{"body":["\ud800"]}`, "\xff"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, body string) {
		parsed, err := eventsource.ParseFilter(pattern)
		if (err == nil) != (parsed != nil) {
			t.Fatalf("%v, %v", parsed, err)
		}
		if err != nil {
			return
		}
		first := parsed.Match([]byte(body))
		if again := parsed.Match([]byte(body)); again != first {
			t.Error("matches now and then")
		}
	})
}
