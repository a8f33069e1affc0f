package routes_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/message/envelope"
)

// document is a contract of the property a; root has more keywords, each before a comma.
func document(table, root string) string {
	return `{` + root + `"x-table": "` + table + `", "type": "object", "properties": {"a": {"type": "string"}}}`
}

func parse(t *testing.T, name, root string) *contract.Contract {
	t.Helper()
	c, err := contract.Parse(name, []byte(document(name, root)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func match(pattern string) string { return `"x-match": ` + pattern + `, ` }

type attributes map[string]string

func (a attributes) MessageAttribute(name string) string { return a[name] }

func TestMessageGoesToTheFirstContractThatMatches(t *testing.T) {
	t.Parallel()
	set, err := routes.New(
		parse(t, "orders", match(`{"body": {"type": ["order"]}}`)),
		parse(t, "refunds", match(`{"body": {"type": ["refund", "order"]}}`)),
		parse(t, "mails", match(`{"messageAttributes": {"kind": ["mail"]}}`)),
		parse(t, "notes", `"x-envelope": "sns", `+match(`{"messageAttributes": {"kind": ["note"]}, "envelope": {"TopicArn": [{"suffix": ":t"}]}}`)),
		parse(t, "shop", `"x-envelope": "eventbridge", `+match(`{"envelope": {"source": ["shop"]}, "body": {"a": [{"exists": true}]}}`)),
		parse(t, "stock", `"x-envelope": ["sns", "eventbridge"], `+match(`{"envelope": {"detail-type": ["Stock"], "TopicArn": ["arn:t"]}, "messageAttributes": {"kind": ["x"]}}`)),
	)
	if err != nil {
		t.Fatal(err)
	}
	const bridge = `{"id":"i","time":"2026-01-02T03:04:05Z","detail-type":"Stock","source":"shop","detail":{"a":"v"}}`
	sns := func(message, kind string) string {
		return `{"Type":"Notification","MessageId":"i","TopicArn":"arn:t","Message":"` + strings.ReplaceAll(message, `"`, `\"`) +
			`","Timestamp":"2026-01-02T03:04:05Z","MessageAttributes":{"kind":{"Type":"String","Value":"` + kind + `"}}}`
	}
	for body, want := range map[string]string{
		`{"type":"order"}`:  "orders",
		`{"type":"refund"}`: "refunds",
		sns(`{}`, "note"):   "notes",
		bridge:              "shop",
		sns(bridge, "x"):    "stock",
		`{"type":"other"}`:  "unmatched: x-match",
		sns(`{}`, "other"):  "unmatched: x-match",
		`5`:                 "unmatched: x-match",
		`{"type":"order"`:   "orders", // which says that it is malformed
		`{"type":`:          "malformed: json",
		`["software.amazon.payloadoffloading.PayloadS3Pointer",{}]`: "invalid: s3 pointer: the body is in S3, where the extended client library has put it: send the event itself, SQS takes up to 1 MiB",
	} {
		c, _, err := set.Decode(envelope.Message{Body: []byte(body)})
		got := ""
		if c != nil {
			got = c.Name()
		} else if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s goes to %s, want %s", body, got, want)
		}
	}
	c, _, err := set.Decode(envelope.Message{Body: []byte(`{}`), Attributes: attributes{"kind": "mail"}})
	if c == nil || c.Name() != "mails" || err != nil {
		t.Errorf("an attribute of the SQS message: %v, %v", c, err)
	}
}

func TestContractWithoutMatchTakesTheRest(t *testing.T) {
	t.Parallel()
	set, err := routes.New(parse(t, "orders", match(`{"body": {"type": ["order"]}}`)), parse(t, "rest", ""))
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{`{"type":"order"}`: "orders", `{}`: "rest", `not JSON`: "rest"} {
		if c, _, _ := set.Decode(envelope.Message{Body: []byte(body)}); c.Name() != want {
			t.Errorf("%s goes to %s, want %s", body, c.Name(), want)
		}
	}
	const wrapped = `{"id":"i","time":"t","detail-type":"d","source":"s","detail":{}}`
	only, err := routes.New(parse(t, "orders", match(`{"body": {"type": ["order"]}}`)))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = only.Decode(envelope.Message{Body: []byte(wrapped)})
	if want := `invalid: envelope: the body is wrapped: set "x-envelope": "eventbridge" in the contract`; err == nil || err.Error() != want {
		t.Errorf("a wrapper that no contract opens: %v, want %s", err, want)
	}
}

func TestRefusesContractsThatCannotStandTogether(t *testing.T) {
	t.Parallel()
	same, err := contract.Parse("orders_2", []byte(document("orders", "")))
	if err != nil {
		t.Fatal(err)
	}
	orders := parse(t, "orders", match(`{"body": {"a": ["x"]}}`))
	for name, test := range map[string]struct {
		contracts []*contract.Contract
		want      string
	}{
		"none":                    {nil, "no contract"},
		"one after a catch-all":   {[]*contract.Contract{parse(t, "rest", ""), orders}, "rest has no x-match and takes every message, so orders gets none: add x-match, or name it last"},
		"one twice":               {[]*contract.Contract{orders, orders}, "two contracts are named orders: name each once"},
		"two that fill one table": {[]*contract.Contract{orders, same}, "orders and orders_2 fill the same table public.orders: give one another x-table, or make one contract of them"},
	} {
		if _, err := routes.New(test.contracts...); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func TestLoadsNamesFilesAndFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, root := range map[string]string{"a_rest": "", "b": match(`{"body": {"a": ["x"]}}`), "c": match(`{"body": {"a": ["y"]}}`)} {
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(document(name, root)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := fstest.MapFS{"named.json": {Data: []byte(document("named", match(`{"body": {"a": ["z"]}}`)))}, "broken.json": {Data: []byte(`{}`)}}
	for names, want := range map[string]string{
		"named":                                 "named",
		dir:                                     "b c a_rest",
		dir + string(filepath.Separator):        "b c a_rest",
		"named, " + dir:                         "named b c a_rest",
		"named," + filepath.Join(dir, "b.json"): "named b",
	} {
		set, err := routes.Load(folder, names)
		if err != nil {
			t.Errorf("%s: %v", names, err)
			continue
		}
		var got []string
		for _, c := range set.Contracts() {
			got = append(got, c.Name())
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", names, diff)
		}
	}
	for names, want := range map[string]string{
		"named,":        "a contract without a name: remove the comma",
		"none":          `no such contract: "none"; there are broken, named, or give the path of a file, such as ./orders.json`,
		"broken,none":   "contract broken.json: ",
		"./nothing/":    "no such contract",
		t.TempDir():     "has no .json file",
		dir + "/d.json": "no such contract: there is no file",
	} {
		if _, err := routes.Load(folder, names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", names, err, want)
		}
	}
	if _, err := routes.Load(contracts.Files, "user_logins"); err != nil {
		t.Error(err)
	}
}

func TestAbsoluteLeavesNamesAsTheyAre(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := "orders," + filepath.Join(here, "refunds.json") + "," + here + ",/x/y"
	if got := routes.Absolute("orders, refunds.json,.,/x/y"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzChoose checks that no message makes the choice fail, and that the choice is the contract's that
// Decode uses.
func FuzzChoose(f *testing.F) {
	for _, seed := range []string{`{"type":"order"}`, `{"Type":"Notification","MessageId":"i","Message":"{\"a\":\"x\"}","Timestamp":"t"}`, `{"id":"i","time":"t","detail":{"a":"x"}}`, `[`, `"`, ``} {
		f.Add([]byte(seed))
	}
	var all []*contract.Contract
	for name, root := range map[string]string{"a": match(`{"body":{"a":["x"]}}`), "b": `"x-envelope":"sns",` + match(`{"body":{"a":["x"]}}`), "c": `"x-envelope":"eventbridge",` + match(`{"body":{"a":["x"]}}`)} {
		c, err := contract.Parse(name, []byte(document(name, root)))
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, c)
	}
	set, err := routes.New(all...)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m := envelope.Message{Body: body}
		var scratch routes.Scratch
		first, again := set.Choose(m, &scratch), set.Choose(m, &scratch)
		c, _, err := set.Decode(m)
		if first != again || (c == nil) != (first < 0) || c != nil && c != all[first] {
			t.Errorf("%d, then %d, and decoded by %v", first, again, c)
		}
		if c == nil && err == nil {
			t.Error("a message without a contract has no error")
		}
	})
}

func TestCheckTablesNamesTheFilesThatFillOneTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, table string) string {
		path := filepath.Join(dir, name)
		text := `{"x-table": "` + table + `", "x-match": {"body": {"n": [1]}}, "type": "object", "properties": {"n": {"type": "integer"}}}`
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a, b, c := write("a/orders.json", "orders"), write("b/orders.json", "orders"), write("c.json", "refunds")
	for _, test := range []struct{ names, want string }{
		{a + "," + c, ""},
		{a + "," + a, ""}, // migrate does the same twice
		{a + "," + c + "," + b, a + " and " + b + " fill the same table public.orders: give one another x-table, or make one contract of them"},
	} {
		all, err := routes.Read(nil, test.names)
		if err != nil {
			t.Fatal(err)
		}
		if err := routes.CheckTables(all); (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
			t.Errorf("%s: %v, want %q", test.names, err, test.want)
		}
	}
}
