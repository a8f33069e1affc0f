package trial_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/contract/trial"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/queue/bodies"
)

// try returns what Run writes about a text, and its error.
func try(t *testing.T, names, text string) (string, error) {
	t.Helper()
	set, err := routes.Load(contracts.Files, names)
	if err != nil {
		t.Fatal(err)
	}
	keyring, err := mask.ParseKeyring(mask.GenerateKeyring())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := bodies.Open(t.Context(), strings.NewReader(text), bodies.Options{Unchecked: true})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	var out strings.Builder
	err = trial.Run(&out, set, keyring, opened, false)
	return out.String(), err
}

func TestNamesThePlaceOfARefusedMessage(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[{\"a\":1},\n2]":   "element 1: refused: invalid: user_id: required\nelement 2: refused: ",
		"{\n\"a\":1\n}\n":   "document 1: refused: invalid: user_id: required\n",
		"{\n\xff\n{}\n":     "line 1: refused: malformed: ",
		"\ufeff{\"a\":1}\n": "line 1: refused: invalid: user_id: required\n",
	} {
		if out, err := try(t, "user_logins", text); err == nil || !strings.HasPrefix(out, want) {
			t.Errorf("%q: %v, writes %q", text, err, out)
		}
	}
}

func TestTryingNothingFails(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "[]"} {
		if _, err := try(t, "user_logins", text); err == nil || err.Error() != "there is no message to try" {
			t.Errorf("%q: the error is %v", text, err)
		}
	}
}

func TestCountsRefusedMessagesAndMasksTheOthers(t *testing.T) {
	t.Parallel()
	login := sample.ValidLogins(1, 1)[0]
	out, err := try(t, "user_logins", login+"\n{}\n"+login+"\nnothing\n")
	if err == nil || err.Error() != "the contract refuses 2 of 4 messages" {
		t.Errorf("the error is %v", err)
	}
	lines := strings.Split(out, "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "line 1: user_id=") || strings.TrimPrefix(lines[0], "line 1: ") != strings.TrimPrefix(lines[2], "line 3: ") {
		t.Errorf("writes:\n%s", out)
	}
}

func TestNamesWhatWouldBeSealedAndNotItsValue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "visits.json")
	const document = `{"x-table": "visits", "type": "object", "properties": {"ip": {"type": "string", "x-mask": "token", "x-recover": true}, "note": {"type": "string", "x-mask": "drop", "x-recover": true}}}`
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := try(t, path, `{"ip": "192.0.2.1", "note": "secret"}`+"\n"+`{"ip": "192.0.2.1"}`+"\n{}\n")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out, "\n")
	if !strings.HasSuffix(lines[0], "  (sealed: ip, note)") || !strings.HasSuffix(lines[1], "  (sealed: ip)") || strings.Contains(lines[2], "sealed") {
		t.Errorf("writes:\n%s", out)
	}
	if strings.Contains(out, "192.0.2.1") || strings.Contains(out, "secret") {
		t.Errorf("writes values:\n%s", out)
	}
}

func TestAsJSONALineSaysWhatBecameOfAMessage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "visits.json")
	const document = `{"x-table": "visits", "type": "object", "required": ["n"], "properties": {
		"n": {"type": "integer"}, "seen": {"type": "boolean"}, "note": {"type": ["string", "null"], "x-mask": "drop", "x-recover": true}, "more": {"type": "array", "items": {"type": "string"}}}}`
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := routes.Load(nil, path)
	if err != nil {
		t.Fatal(err)
	}
	keyring, err := mask.ParseKeyring(mask.GenerateKeyring())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := bodies.Open(t.Context(), strings.NewReader(`{"n": 1, "seen": true, "note": "secret", "more": ["a"]}`+"\n{}\nnothing\n"), bodies.Options{Unchecked: true})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	var out strings.Builder
	if err := trial.Run(&out, set, keyring, opened, true); err == nil || err.Error() != "the contract refuses 2 of 3 messages" {
		t.Errorf("the error is %v", err)
	}
	const want = `{"place":"line 1","contract":"visits","outcome":"accepted","row":{"more":["a"],"n":1,"note":null,"seen":true},"sealed":["note"]}
{"place":"line 2","contract":"visits","outcome":"invalid","field":"n","rule":"required"}
{"place":"line 3","contract":"visits","outcome":"malformed","rule":"json"}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
