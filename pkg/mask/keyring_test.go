package mask_test

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"sqs2pg/pkg/mask"
)

const (
	keyOne = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
	keyTwo = "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210"
)

func parse(tb testing.TB, secret string) *mask.Keyring {
	tb.Helper()
	k, err := mask.ParseKeyring([]byte(secret))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestTokenOfAKnownValueStaysTheSame(t *testing.T) {
	t.Parallel()
	k := parse(t, `{"current": "k1", "k1": "`+keyOne+`", "k0": "`+keyTwo+`"}`)
	// By openssl: kdf -kdfopt digest:SHA256 -kdfopt key:... -kdfopt info:sqs2pg/token/v1 HKDF,
	// then dgst -sha256 -mac HMAC over "ip", a zero byte and the address.
	const want = "k1:2313e436fa119128dacfff181d8ced70"
	if got := k.Token("ip", "198.51.100.7"); got != want {
		t.Errorf("got %s, want %s: columns written before no longer join", got, want)
	}
}

func TestATokenIsTheHMACOfDomainAndValue(t *testing.T) {
	t.Parallel()
	k := parse(t, `{"current": "k0", "k1": "`+keyOne+`", "k0": "`+keyTwo+`"}`)
	key, err := hkdf.Key(sha256.New, []byte(keyTwo), nil, "sqs2pg/token/v1", 32)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"", "a", "198.51.100.7", "\x00", strings.Repeat("long ", 1000)} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte("domain\x00" + value))
		want := fmt.Sprintf("k0:%x", h.Sum(nil)[:16])
		if got := k.Token("domain", value); got != want {
			t.Errorf("%.10q: got %s, want %s", value, got, want)
		}
	}
}

func TestOlderKeysMakeTokensToo(t *testing.T) {
	t.Parallel()
	k := parse(t, `{"current": "k1", "k1": "`+keyOne+`", "k0": "`+keyTwo+`"}`)
	old := parse(t, `{"current": "k0", "k0": "`+keyTwo+`"}`)
	for id, want := range map[string]string{"k0": old.Token("ip", "198.51.100.7"), "k1": k.Token("ip", "198.51.100.7")} {
		if got, ok := k.TokenBy(id, "ip", "198.51.100.7"); !ok || got != want {
			t.Errorf("%s: got %s, %v, want %s", id, got, ok, want)
		}
		other, ok := k.As(id)
		if !ok || other.CurrentID() != id || other.Token("ip", "198.51.100.7") != want {
			t.Errorf("%s: got %s, %v", id, other.CurrentID(), ok)
		}
	}
	if got, ok := k.TokenBy("k2", "ip", "198.51.100.7"); ok || got != "" {
		t.Errorf("a key that is not there makes %s", got)
	}
	if _, ok := k.As(""); ok {
		t.Error("there is a key without an id")
	}
}

func TestTokensDifferByValueDomainAndKey(t *testing.T) {
	t.Parallel()
	one, two := parse(t, `{"current": "k1", "k1": "`+keyOne+`"}`), parse(t, `{"current": "k1", "k1": "`+keyTwo+`"}`)
	tokens := map[string]string{}
	for what, token := range map[string]string{
		"a in ip": one.Token("ip", "a"), "b in ip": one.Token("ip", "b"), "a in device": one.Token("device", "a"),
		"a in ip by another key": two.Token("ip", "a"), "the zero byte moved": one.Token("i", "p\x00a"),
	} {
		if other, ok := tokens[token]; ok && what != other {
			t.Errorf("%s and %s have the token %s", what, other, token)
		}
		tokens[token] = what
	}
}

func TestTokensAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	k := parse(t, `{"current": "k1", "k1": "`+keyOne+`"}`)
	want := k.Token("d", "value")
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for j := range 200 {
				k.Token("d", fmt.Sprint(i, j))
				if got := k.Token("d", "value"); got != want {
					t.Errorf("got %s, want %s", got, want)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestGeneratedKeyringsAreValidAndDiffer(t *testing.T) {
	t.Parallel()
	one, two := mask.GenerateKeyring(), mask.GenerateKeyring()
	if parse(t, string(one)).Token("d", "v") == parse(t, string(two)).Token("d", "v") {
		t.Error("two keyrings have the same key")
	}
}

func TestTakesTheShortestKeyAndEveryCharacterOfAKeyID(t *testing.T) {
	t.Parallel()
	const id = "azAZ09-_"
	k := parse(t, `{"current": "`+id+`", "`+id+`": "`+keyOne[:32]+`"}`)
	if got := k.Token("d", "v"); !strings.HasPrefix(got, id+":") {
		t.Errorf("got %s", got)
	}
}

func TestRefusesBadKeyringsWithoutPrintingKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ reason, secret, want string }{
		{"empty", " \n", `it is empty: set it to {"current": "k1", "k1": "<at least 32 characters>"}`},
		{"not JSON", keyOne, `it is not a JSON object such as {"current": "k1", "k1": "<at least 32 characters>"}`},
		{"an array", `["` + keyOne + `"]`, `it is not a JSON object such as {"current": "k1", "k1": "<at least 32 characters>"}`},
		{"cut off", `{"current": "k1", "k1": "` + keyOne + `"`, `it is not a JSON object such as {"current": "k1", "k1": "<at least 32 characters>"}`},
		{"a comma too many", `{"current": "k1", "k1": "` + keyOne + `",}`, `it is not a JSON object such as {"current": "k1", "k1": "<at least 32 characters>"}`},
		{"trailing bytes", `{"current": "k1", "k1": "` + keyOne + `"} {}`, `something follows the JSON object: remove it`},
		{"invalid UTF-8", "{\"current\": \"k1\", \"k1\": \"" + keyOne + "\xff\"}", `it is not valid UTF-8`},
		{"no current", `{"k1": "` + keyOne + `"}`, `the member "current" is missing: let it name the key that new tokens are made with, {"current": "k1", "k1": "..."}`},
		{"current names nothing", `{"current": "k2", "k1": "` + keyOne + `"}`, `"current" must be the name of another member that holds the key`},
		{"current names itself", `{"current": "current", "k1": "` + keyOne + `"}`, `"current" must be the name of another member that holds the key`},
		{"the key in the place of its name", `{"current": "` + keyOne + `"}`, `"current" must be the name of another member that holds the key`},
		{"the key as a name", `{"current": "k1", "` + keyOne + `": "k1"}`, `the name of member 2 is not a key id: use at most 16 letters, digits, - and _`},
		{"a name with a colon", `{"current": "k:1", "k:1": "` + keyOne + `"}`, `the name of member 2 is not a key id: use at most 16 letters, digits, - and _`},
		{"a short key", `{"current": "k1", "k1": "` + keyOne[:31] + `"}`, `the key "k1" has 31 characters and needs at least 32: make one with openssl rand -hex 32`},
		{"a short older key", `{"current": "k1", "k1": "` + keyOne + `", "k0": "old"}`, `the key "k0" has 3 characters and needs at least 32: make one with openssl rand -hex 32`},
		{"a key that is a number", `{"current": "k1", "k1": 12345678901234567890123456789012}`, `the member "k1" is not a string`},
		{"a key that is an object", `{"current": "k1", "k1": {"key": "` + keyOne + `"}}`, `the member "k1" is not a string`},
		{"a key with half of a surrogate pair", `{"current": "k1", "k1": "` + keyOne + `\ud800"}`, `the member "k1" has a character that is not valid: use letters and digits`},
		{"a key twice", `{"current": "k1", "k1": "` + keyOne + `", "k1": "` + keyTwo + `"}`, `the member "k1" is there twice: remove one`},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			_, err := mask.ParseKeyring([]byte(test.secret))
			if !errors.Is(err, mask.ErrKeyring) || err.Error() != "keyring: "+test.want {
				t.Errorf("got  %v\nwant keyring: %s", err, test.want)
			}
			if strings.Contains(err.Error(), keyOne[:8]) || strings.Contains(err.Error(), "12345678") {
				t.Errorf("the error holds a key: %v", err)
			}
		})
	}
}

func TestKeyringPrintsAsHidden(t *testing.T) {
	t.Parallel()
	k := parse(t, `{"current": "k1", "k1": "`+keyOne+`"}`)
	k.Token("d", "a secret value")
	derived, err := hkdf.Key(sha256.New, []byte(keyOne), nil, "sqs2pg/token/v1", 32)
	if err != nil {
		t.Fatal(err)
	}
	type unexported struct {
		pointer *mask.Keyring
		value   mask.Keyring
	}
	for _, thing := range []any{k, *k, []*mask.Keyring{k}, unexported{k, *k}, &unexported{k, *k}} {
		texts := []string{fmt.Sprint(slog.AnyValue(thing).Resolve())}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p"} {
			texts = append(texts, fmt.Sprintf(verb, thing))
		}
		text, err := json.Marshal(thing)
		if err != nil {
			t.Error(err)
		}
		for _, text := range append(texts, string(text)) {
			for _, secret := range []string{keyOne[:8], fmt.Sprintf("%x", keyOne[:8]), fmt.Sprintf("%x", derived[:4]), fmt.Sprint(derived[:2])[1:6], "secret"} {
				if strings.Contains(text, secret) {
					t.Errorf("%q is in %s", secret, text)
				}
			}
		}
	}
}

func FuzzParseKeyring(f *testing.F) {
	for _, secret := range []string{
		`{"current": "k1", "k1": "` + keyOne + `"}`, string(mask.GenerateKeyring()), // good
		``, `{}`, `[]`, `null`, `{"current": 1}`, `{"current": "k1"`, // not a keyring
		`{"current": "current"}`, `{"k1": "` + keyOne + `"}`, `{"current": "k1", "k1": "short"}`, // names and keys
		`{"current": "k1", "current": "k1"}`, "\xff", `{"current": "k1", "k1": "\ud800"}`, // text
	} {
		f.Add([]byte(secret))
	}
	f.Fuzz(func(t *testing.T, secret []byte) {
		k, err := mask.ParseKeyring(secret)
		if err != nil {
			if !errors.Is(err, mask.ErrKeyring) {
				t.Errorf("got %v, want ErrKeyring", err)
			}
			return
		}
		id, digits, ok := strings.Cut(k.Token("d", "v"), ":")
		if !ok || id == "" || len(digits) != 32 {
			t.Errorf("got the token %s:%s", id, digits)
		}
	})
}

func BenchmarkToken(b *testing.B) {
	k := parse(b, `{"current": "k1", "k1": "`+keyOne+`"}`)
	b.ReportAllocs()
	for b.Loop() {
		k.Token("ip", "198.51.100.7")
	}
}
