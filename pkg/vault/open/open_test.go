package open_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/vault"
	"sqs2pg/pkg/vault/open"
)

// sealed is what a database has: a row's place, its session, and what is sealed for it.
type sealed struct {
	row     vault.Row
	session open.Session
	bytes   []byte
}

func newSession(t testing.TB, public vault.PublicKey) *vault.Session {
	t.Helper()
	s, err := vault.NewSealer(public, time.Now).Session(t.Context(), func(context.Context, *vault.Session) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func seal(s *vault.Session, row vault.Row, values string) sealed {
	return sealed{row, open.Session{ID: s.ID, Recipient: s.Recipient, Enc: s.Enc}, s.Seal(row, []byte(values)).Bytes()}
}

func (s sealed) open(ctx context.Context, k *open.Key) (open.Values, error) {
	opener, err := k.Session(ctx, s.session)
	if err != nil {
		return open.Values{}, err
	}
	return opener.Open(s.row, s.bytes)
}

// texts are all values.
func texts(v open.Values) map[string]string {
	all := map[string]string{}
	for _, path := range v.Paths() {
		all[path] = string(v.Raw(path))
	}
	return all
}

func newKey(t testing.TB) *open.Key {
	t.Helper()
	k, err := open.MakeFile(filepath.Join(t.TempDir(), "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var row = vault.Row{Table: "public.user_logins", SentAt: time.UnixMicro(1_700_000_000_123_456), EventID: [16]byte{1, 2, 3}}

func TestOpensWhatIsSealedByEachKindOfKey(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]*open.Key{"file": newKey(t), "KMS": keyInKMS(t)} {
		session := newSession(t, key.Public())
		want := map[string]string{"ip": `"192.0.2.1"`, `a "b"`: `{"c": [1, null]}`}
		got, err := seal(session, row, `{"ip":"192.0.2.1","a \"b\"":{"c": [1, null]}}`).open(t.Context(), key)
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(want, texts(got)); diff != "" {
			t.Errorf("%s: values (-want +got):\n%s", name, diff)
		}
		if !slices.Equal(got.Paths(), []string{"ip", `a "b"`}) || got.Raw("other") != nil {
			t.Errorf("%s: paths %q", name, got.Paths())
		}
	}
}

// What a release has sealed is opened by each later one.
func TestOpensWhatEarlierReleasesSealed(t *testing.T) {
	t.Parallel()
	for kem, old := range map[string]struct{ private, enc, sealed string }{
		vault.P256: {
			`/wPgU+QHDUd6ucSVx9AzSKoOdOK3BB3joVs/l8QgLDg=`,
			`BH9kF8ePPUwUPza/QNhpGVSD27zHROKWwqkzrFh/SoymuvqJ1cQLJ2kYHx4XhHvXZzZoHnlKk6v3TVGmGSwHYKs=`,
			`AfzxvTW6GrN0o4cO8MHs1OTv0BT17H3V1nYiIN3cJpZC1RQc3xDdDgOsrYGWZofRO3g7OAM3fg5nPaNq5NJ3hIsjKZ/LPGo9JJEy84Il16oMrp+IkbEcbHAOdTG1`,
		},
		vault.MLKEM768X25519: {
			`dWGQgbXOHUpZMP+4Fj2OWAMbd1olU5dKacHNeIWZ9Gs=`,
			`4E/gREBP2yS9ByWzkQ//rN/QC9GxT9snBUIlNYmo+4Rrqp7zjvC7/4W51UBjY3D3KmPqzxxdroBS8/4eMpDvn7tgEOhVbGV434QNACp/7f9xXY5vOsrsNcBaL4epLxZywD741Ce3bvxbztHK/cgJyZLKtyBC0nsTWkh3988Uop0Os7O1tArcrIeXn7ItKpP5GDXik3ZRdaa2NueLSVtsVDPTBF4mJVH+7u8XlGicS9dT7o8TtQl74e2tL2nAKdvRsTD4qNlvcDcUQMuH30/epFzMheV7tn7Qlozqln0Z2VCsP6AO6cSrtFNVLMM5PVLTwvvj6g0fPz/wzWtHi/NtezjtqqnrpxqASDLvVf6UEpe6b/EBjYmJlz45wPWLB4Z/7dTFKLVVQ8YEdUsUjZO3R2Zx7259RsW8L9g5W7xDCQyeH7803gKkk6fbMzCEEA6ZOOlgVZpkU5cBp8OfGt92GTnWHIbZwIPGpw6qMsCeV5UQDofhwX5SoR2c5eOkisy2zG74lrQZdd0Bnrxsltw5jzHprlfEO+D14cXnAwstwyMjjxxLMXpFkcVk565D0iuahfLGx6UjgvPYlSysMkFHOZ+AG5ewcAzU7w5HTy34kNt32QK/gf0hnTmt7kHO/KfgQuufjAKSU03MbJNZzi70BHJ9pCgiHquuvLBkFBgF5IaMFm6SAJYkVVsI4dEBRY1GJ2BLtwNRYwM43/B7v+n7TZvyts4YGW7Y2CeKhvPGZjQhPMjDTMjeEtcy9HpvDuAkU6PCty/DDCqoNmmVZlZWuHp1UwHS/fErG8vhRdGB5CZmeWUxhpQRiOXYYpNph6YU4Ko/H9/H6VW0rM9YYhEbV/SNuqIFm+aEQCVcuRyRGLa7BX3iN1wFe60ZvuJ4f/DDA+cWpzTmVFiEbWMI/NF47yeZN5PxMKv4nGDFBLNFNIYiq1J3mooUVgU9r1EZsRQiNaFmrLGjrV1FmiY4iIgjg+Wfo7dpRKMTyKI+UQin8foGI/bM9XaSUWdluiWikXqsHg23rTDI5C1YF2tFr+g1/scaZ1Uo0a8kBOuXcnqLjtr5G/rgQg6joXa6d6zzM5iPJRYSIsuzCOi8qe83EfYTSlHPyI1zJ43mTH79Fe00klcHPbbrC1MwIPWQRXX3Kol1/P1+9ybYurm1YqFpy6RlKFro5wwh5sR0U5/Ez9oXs3qj4s78Z6/7tq2ZMcB5gjEexy2ejubZszJFBFkADK0uPPVplkH0mfK9PFQDycJ7xPjvWUcSDlwNN+OEbYrxNB+IQs0KQQ4KaHXt53oDE63tsc2vCcB0mN3hJpO9M3y37v49LPWeCa4D2N1uZEuXw4o5a1D0ycGs+p1FhCP1RRUH5TXZo27+Ko57fpvVt4cKKoL6vaEYP5IVSJCxw0SGNwdupNerLBSUgoQ/dErBAWeVCTcMKDhg1W1iZnDaSwO7Ry2MajYlNRwyfHrcoIdtCttTKNaQq0fmR6D1/GR6dFw4Ww==`,
			`AXgPi9ZOvBzFrXLsbVPeMfUdMiK9JOZ9ZlQd749NRsaASCwY0FxjvNxIQh9xZ6i3QbQ6uWj6OjUmva2jLoN3IU6lZ7EUh95zt/mfubXv4CIsAmxU9Ffk+l7fnL23`,
		},
	} {
		path := filepath.Join(t.TempDir(), "vault.key")
		if err := os.WriteFile(path, []byte("PRIVATE-"+kem+":"+old.private), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := open.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		enc, _ := base64.StdEncoding.DecodeString(old.enc)
		bytes, _ := base64.StdEncoding.DecodeString(old.sealed)
		got, err := sealed{row, open.Session{ID: [16]byte{9}, Recipient: key.Public().ID(), Enc: enc}, bytes}.open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"ip": `"192.0.2.1"`, "device_id": `"d-1"`}, texts(got)); diff != "" {
			t.Errorf("%s: values (-want +got):\n%s", kem, diff)
		}
	}
}

func TestSealsThatWereMovedDoNotOpen(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	session, second := newSession(t, key.Public()), newSession(t, key.Public())
	const values = `{"ip":"192.0.2.1"}`
	was, elsewhere := seal(session, row, values), seal(second, row, values)
	with := func(change func(*sealed)) sealed {
		s := was
		s.bytes = bytes.Clone(s.bytes)
		change(&s)
		return s
	}
	if _, err := was.open(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]sealed{
		"to another event":            with(func(s *sealed) { s.row.EventID[15]++ }),
		"to another time":             with(func(s *sealed) { s.row.SentAt = s.row.SentAt.Add(time.Microsecond) }),
		"to another table":            with(func(s *sealed) { s.row.Table = "public.user_login" }),
		"to another session":          with(func(s *sealed) { s.session = elsewhere.session }),
		"under another session's id":  with(func(s *sealed) { s.session.ID = elsewhere.session.ID }),
		"under another session's key": with(func(s *sealed) { s.session.Enc = elsewhere.session.Enc }),
		"and its nonce changed":       with(func(s *sealed) { s.bytes[1]++ }),
		"and its text changed":        with(func(s *sealed) { s.bytes[20]++ }),
		"and its tag changed":         with(func(s *sealed) { s.bytes[len(s.bytes)-1]++ }),
		"and its version changed":     with(func(s *sealed) { s.bytes[0]++ }),
		"and cut":                     with(func(s *sealed) { s.bytes = s.bytes[:len(s.bytes)-1] }),
		"and cut to its version":      with(func(s *sealed) { s.bytes = s.bytes[:1] }),
		"and lost":                    with(func(s *sealed) { s.bytes = nil }),
		"and its session's key cut":   with(func(s *sealed) { s.session.Enc = s.session.Enc[1:] }),
		"and its session's key lost":  with(func(s *sealed) { s.session.Enc = nil }),
	} {
		if got, err := s.open(t.Context(), key); !errors.Is(err, open.ErrSealed) || !strings.Contains(err.Error(), ": ") {
			t.Errorf("%s: got %d values, %v", name, len(got.Paths()), err)
		}
	}
	if _, err := was.open(t.Context(), other); !errors.Is(err, open.ErrOtherKey) || !strings.Contains(err.Error(), key.Public().ID()) {
		t.Errorf("another key: %v", err)
	}
	lying := with(func(s *sealed) { s.session.Recipient = other.Public().ID() })
	if _, err := lying.open(t.Context(), other); !errors.Is(err, open.ErrSealed) {
		t.Errorf("another key, and a session that names it: %v", err)
	}
}

func TestRefusesTextThatIsNotOfValues(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	session := newSession(t, key.Public())
	for _, text := range []string{``, `[]`, `"a"`, `{"a":1}{}`, `{"a":1} x`, `{"a":1,"a":2}`, `{"a"`, `{"a":}`, "{\"a\":\"\xff\"}", `{"a":1`} {
		if got, err := seal(session, row, text).open(t.Context(), key); !errors.Is(err, open.ErrSealed) {
			t.Errorf("%q: got %d values, %v", text, len(got.Paths()), err)
		}
	}
}

func TestWipeOverwritesValues(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	got, err := seal(newSession(t, key.Public()), row, `{"ip":"192.0.2.1"}`).open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw := got.Raw("ip")
	got.Wipe()
	if !bytes.Equal(raw, make([]byte, len(raw))) {
		t.Errorf("left: %s", raw)
	}
	open.Values{}.Wipe()
}

func TestKeysAndValuesPrintAsHidden(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.key")
	key, err := open.MakeFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := seal(newSession(t, key.Public()), row, `{"ip":"192.0.2.1"}`)
	opener, err := key.Session(t.Context(), s.session)
	if err != nil {
		t.Fatal(err)
	}
	values, err := opener.Open(s.row, s.bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, thing := range []any{key, *key, opener, *opener, values, []any{key, values}, struct{ v open.Values }{values}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			text := fmt.Sprintf(verb, thing)
			if strings.Contains(text, "192.0") || strings.Contains(text, hex.EncodeToString([]byte("192.0"))) || strings.Contains(text, "49 57 50") {
				t.Errorf("%s of %T prints %s", verb, thing, text)
			}
		}
		if text, err := json.Marshal(thing); err != nil || strings.Contains(string(text), "192.0") {
			t.Errorf("JSON of %T: %s, %v", thing, text, err)
		}
	}
}

func TestKeyFileIsOfItsOwnerOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.key")
	made, err := open.MakeFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	read, err := open.ReadFile(path)
	if err != nil || read.Public().ID() != made.Public().ID() || read.Public().KEM() != vault.MLKEM768X25519 {
		t.Fatalf("read %s, %v", read.Public().ID(), err)
	}
	if _, err := seal(newSession(t, made.Public()), row, `{"a":1}`).open(t.Context(), read); err != nil {
		t.Error(err)
	}
	before, _ := os.ReadFile(path)
	if _, err := open.MakeFile(path); !errors.Is(err, fs.ErrExist) || !errors.Is(err, open.ErrKey) {
		t.Errorf("made twice: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the key was replaced")
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o601, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := open.ReadFile(path); !errors.Is(err, open.ErrKey) || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := open.ReadFile(path); err != nil {
		t.Errorf("mode 400: %v", err)
	}
	if _, err := open.ReadFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, open.ErrKey) {
		t.Errorf("no file: %v", err)
	}
	if _, err := open.ReadFile(t.TempDir()); !errors.Is(err, open.ErrKey) {
		t.Errorf("a folder: %v", err)
	}
}

func TestRefusesFileWithoutAKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.key")
	if _, err := open.MakeFile(path); err != nil {
		t.Fatal(err)
	}
	whole, _ := os.ReadFile(path)
	key := string(whole[bytes.LastIndex(bytes.TrimSpace(whole), []byte("\n"))+1:])
	for text, want := range map[string]string{
		"": "has no private key", "# nothing\n": "has no private key", strings.TrimPrefix(key, "PRIVATE-"): "has no private key", "PRIVATE-RSA:AAAA": "has no private key",
		key + key: "has two keys", key[:len(key)-10]: "damaged", "PRIVATE-MLKEM768-X25519:": "damaged", "PRIVATE-DHKEM-P256:AAAA": "damaged",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := open.ReadFile(path)
		if !errors.Is(err, open.ErrKey) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), strings.TrimSpace(key[30:60])) {
			t.Errorf("%.30q: got %v, want %s", text, err, want)
		}
	}
}

func TestReadsFileThatAnEditorHasSaved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.key")
	made, err := open.MakeFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := os.ReadFile(path)
	saved := "\ufeff" + strings.ReplaceAll(string(whole), "\n", "\r\n")
	if err := os.WriteFile(path, []byte(saved), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := open.ReadFile(path); err != nil || got.Public().ID() != made.Public().ID() {
		t.Errorf("got %v, %v, want the key that was made", got, err)
	}
}

// What a stranger puts into the database does not end the program.
func FuzzOpen(f *testing.F) {
	point, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(f.TempDir(), "vault.key")
	if err := os.WriteFile(path, []byte("PRIVATE-DHKEM-P256:"+base64.StdEncoding.EncodeToString(point.Bytes())), 0o600); err != nil {
		f.Fatal(err)
	}
	key, err := open.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	session := newSession(f, key.Public())
	whole := seal(session, row, `{"ip":"192.0.2.1"}`)
	f.Add(whole.session.Enc, whole.bytes)
	f.Add(whole.session.Enc, whole.bytes[:10])
	f.Add(whole.session.Enc[1:], whole.bytes)
	f.Add([]byte{}, []byte{1})
	f.Fuzz(func(t *testing.T, enc, text []byte) {
		s := sealed{row, open.Session{ID: session.ID, Recipient: session.Recipient, Enc: enc}, text}
		got, err := s.open(t.Context(), key)
		if err == nil && !(bytes.Equal(enc, whole.session.Enc) && bytes.Equal(text, whole.bytes)) {
			t.Errorf("%x opens: %v", text, got.Paths())
		}
		if err != nil && !errors.Is(err, open.ErrSealed) {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzValues opens texts that a writer could have sealed.
func FuzzValues(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":1}`, `{"a":{"b":[1,2,{"c":null}]},"é":"\u00e9"}   `, `{"a":1,"a":2}`, `{"a":1}}`, `[`, ``, `{"":""}`} {
		f.Add([]byte(text))
	}
	key := newKey(f)
	session := newSession(f, key.Public())
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := seal(session, row, string(text)).open(t.Context(), key)
		var want map[string]json.RawMessage
		valid := json.Unmarshal(text, &want) == nil && want != nil
		if err == nil && !valid || err != nil && !errors.Is(err, open.ErrSealed) {
			t.Fatalf("%q: valid is %v, got %v", text, valid, err)
		}
		for _, path := range got.Paths() {
			if raw := got.Raw(path); !bytes.Equal(raw, want[path]) {
				t.Errorf("%q: %q is %s, want %s", text, path, raw, want[path])
			}
		}
	})
}

func FuzzReadFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "vault.key")
	if _, err := open.MakeFile(path); err != nil {
		f.Fatal(err)
	}
	whole, _ := os.ReadFile(path)
	for _, text := range [][]byte{whole, whole[:len(whole)-3], append(whole, whole...), []byte("PRIVATE-DHKEM-P256:AAAA"), []byte("# \n\n"), []byte("PRIVATE-")} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "vault.key")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := open.ReadFile(path)
		if err != nil {
			if !errors.Is(err, open.ErrKey) {
				t.Errorf("got %v", err)
			}
			return
		}
		if _, err := seal(newSession(t, key.Public()), row, `{"a":1}`).open(t.Context(), key); err != nil {
			t.Errorf("the key %q does not open what is sealed for it: %v", text, err)
		}
	})
}
