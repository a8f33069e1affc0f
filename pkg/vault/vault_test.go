package vault_test

import (
	"bytes"
	"context"
	"crypto/hpke"
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"sqs2pg/pkg/vault"
)

func decodeHex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vector of RFC 9180 for base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and export only: keys,
// encapsulated key and info are those of the CFRG's test-vectors.json. A digest stands for the
// exported values, as in the tests of crypto/hpke: 16 bytes of SHAKE128 over 1,000 exports of 0 to
// 999 bytes, whose contexts come out of SHAKE128.
func TestKeysAreExportedAsRFC9180Says(t *testing.T) {
	t.Parallel()
	kem, _ := vault.KEM(vault.P256)
	private, err := kem.NewPrivateKey(decodeHex(t, "62c3868357a464f8461d03aa0182c7cebcde841036aea7230ddc7339f1088346"))
	if err != nil {
		t.Fatal(err)
	}
	const public = "046c6bb9e1976402c692fef72552f4aaeedd83a5e5079de3d7ae732da0f397b15921fb9c52c9866affc8e29c0271a35937023a9245982ec18bab1eb157cf16fc33"
	if got := hex.EncodeToString(private.PublicKey().Bytes()); got != public {
		t.Errorf("public key %s, want %s", got, public)
	}
	enc := decodeHex(t, "04d804370b7e24b94749eb1dc8df6d4d4a5d75f9effad01739ebcad5c54a40d57aaa8b4190fc124dbde2e4f1e1d1b012a3bc4038157dc29b55533a932306d8d38d")
	recipient, err := hpke.NewRecipient(enc, private, vault.KDF(), vault.AEAD(), decodeHex(t, "4f6465206f6e2061204772656369616e2055726e"))
	if err != nil {
		t.Fatal(err)
	}
	contexts, exports := sha3.NewSHAKE128(), sha3.NewSHAKE128()
	for length := range 1000 {
		var size [1]byte
		contexts.Read(size[:])
		label := make([]byte, size[0])
		contexts.Read(label)
		secret, err := recipient.Export(string(label), length)
		if err != nil {
			t.Fatal(err)
		}
		exports.Write(secret)
	}
	digest := make([]byte, 16)
	exports.Read(digest)
	if got := hex.EncodeToString(digest); got != "a6d39296bc2704db6194b7d6180ede8a" {
		t.Errorf("exports are %s", got)
	}
}

// key makes a private key and its public key.
func key(t testing.TB, kem string) (hpke.PrivateKey, vault.PublicKey) {
	t.Helper()
	k, _ := vault.KEM(kem)
	private, err := k.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := vault.NewPublicKey(kem, private.PublicKey().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

func stored(context.Context, *vault.Session) error { return nil }

func session(t testing.TB, public vault.PublicKey) *vault.Session {
	t.Helper()
	s, err := vault.NewSealer(public, time.Now).Session(t.Context(), stored)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// clock is a clock that tests move.
type clock struct {
	sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.Lock(); defer c.Unlock(); return c.now }
func (c *clock) move(by time.Duration) {
	c.Lock()
	defer c.Unlock()
	c.now = c.now.Add(by)
}

func TestSessionIsRenewed(t *testing.T) {
	t.Parallel()
	_, public := key(t, vault.P256)
	now := clock{now: time.Now()}
	sealer := vault.NewSealer(public, now.Now)
	take := func() *vault.Session {
		s, err := sealer.Session(t.Context(), stored)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	last := take()
	expect := func(event string, renewed bool) {
		t.Helper()
		next := take()
		if (next != last) != renewed {
			t.Errorf("%s: renewed is %v", event, next != last)
		}
		if renewed && (next.ID == last.ID || bytes.Equal(next.Enc, last.Enc)) {
			t.Errorf("%s: the new session is the old one", event)
		}
		last = next
	}
	expect("at once", false)
	now.move(time.Hour - time.Second)
	expect("after 59 minutes", false)
	now.move(time.Second)
	expect("after an hour", true)
	now.move(-time.Minute)
	expect("after the clock was set back", true)
	vault.CountSeals(last, vault.MaxSeals-1)
	expect("before 2^24 seals", false)
	last.Seal(vault.Row{Table: "public.t"}, []byte(`{"a":1}`))
	expect("after 2^24 seals", true)
}

func TestSessionIsStoredBeforeItSeals(t *testing.T) {
	t.Parallel()
	_, public := key(t, vault.P256)
	sealer := vault.NewSealer(public, time.Now)
	unreachable := errors.New("database is away")
	var refused *vault.Session
	s, err := sealer.Session(t.Context(), func(_ context.Context, s *vault.Session) error { refused = s; return unreachable })
	if s != nil || err != unreachable {
		t.Errorf("got a session: %v, %v", s != nil, err)
	}
	var kept []*vault.Session
	keep := func(_ context.Context, s *vault.Session) error { kept = append(kept, s); return nil }
	for range 2 {
		if s, err = sealer.Session(t.Context(), keep); err != nil {
			t.Fatal(err)
		}
	}
	if len(kept) != 1 || kept[0] != s || s == refused {
		t.Errorf("%d sessions are stored", len(kept))
	}
	if s.Recipient != public.ID() {
		t.Errorf("it is for %s", s.Recipient)
	}
}

func TestCallersShareOneSession(t *testing.T) {
	t.Parallel()
	_, public := key(t, vault.P256)
	sealer := vault.NewSealer(public, time.Now)
	storing, proceed := make(chan struct{}), make(chan struct{})
	go sealer.Session(t.Context(), func(context.Context, *vault.Session) error { close(storing); <-proceed; return nil })
	<-storing
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sealer.Session(ctx, stored); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller whose context has ended gets %v", err)
	}
	close(proceed)
	var callers sync.WaitGroup
	sessions := make([]*vault.Session, 20)
	for i := range sessions {
		callers.Go(func() {
			s, err := sealer.Session(t.Context(), func(context.Context, *vault.Session) error { return errors.New("a second session") })
			if err != nil {
				t.Error(err)
				return
			}
			s.Seal(vault.Row{Table: "public.t"}, []byte(`{"a":1}`))
			sessions[i] = s
		})
	}
	callers.Wait()
	for _, s := range sessions {
		if s != sessions[0] {
			t.Error("two sessions")
		}
	}
}

func TestLengthOfValuesIsHidden(t *testing.T) {
	t.Parallel()
	_, public := key(t, vault.P256)
	s := session(t, public)
	lengths := map[int][]int{}
	for n := range 100 {
		values := fmt.Appendf(nil, `{"a":"%s"}`, strings.Repeat("x", n))
		sealed := len(s.Seal(vault.Row{Table: "public.t"}, values).Bytes())
		if want := 1 + 12 + (len(values)+31)/32*32 + 16; sealed != want {
			t.Errorf("%d bytes become %d, want %d", len(values), sealed, want)
		}
		lengths[sealed] = append(lengths[sealed], n)
	}
	if len(lengths) != 4 {
		t.Errorf("%d lengths", len(lengths))
	}
}

func TestTheSameValuesAreSealedDifferently(t *testing.T) {
	t.Parallel()
	_, public := key(t, vault.MLKEM768X25519)
	s := session(t, public)
	row := vault.Row{Table: "public.t", SentAt: time.Now(), EventID: [16]byte{1}}
	a, b := s.Seal(row, []byte(`{"a":1}`)), s.Seal(row, []byte(`{"a":1}`))
	if bytes.Equal(a.Bytes()[1:13], b.Bytes()[1:13]) || bytes.Equal(a.Bytes()[13:], b.Bytes()[13:]) {
		t.Error("nonce or text are the same")
	}
	if a.Session() != s.ID || a.IsZero() || !(vault.Sealed{}).IsZero() {
		t.Errorf("session %x, zero %v", a.Session(), a.IsZero())
	}
}

// What a seal is bound to has one text, whatever the names of tables are.
func TestAdditionalDataTellsRowsApart(t *testing.T) {
	t.Parallel()
	seen := map[string]vault.Row{}
	at := time.UnixMicro(1_700_000_000_000_001)
	for _, row := range []vault.Row{
		{}, {Table: "public.a"}, {Table: "public.ab"}, {Table: "public.a", SentAt: at}, {Table: "public.a", SentAt: at.Add(time.Microsecond)},
		{Table: "public.a", SentAt: at, EventID: [16]byte{1}}, {Table: "public.a", SentAt: at, EventID: [16]byte{15: 1}},
	} {
		for _, session := range [][16]byte{{}, {1}} {
			text := string(row.AppendAdditionalData(nil, session))
			if other, found := seen[text]; found {
				t.Errorf("%v and %v have the same", row, other)
			}
			seen[text] = row
		}
	}
	same := vault.Row{Table: "public.a", SentAt: at}
	other := vault.Row{Table: "public.a", SentAt: at.Add(999).In(time.FixedZone("", 3600))}
	if !bytes.Equal(same.AppendAdditionalData(nil, [16]byte{}), other.AppendAdditionalData(nil, [16]byte{})) {
		t.Error("nanoseconds or the time zone count")
	}
}

func TestSessionsPrintAsHidden(t *testing.T) {
	t.Parallel()
	_, public := key(t, vault.P256)
	s := session(t, public)
	id := hex.EncodeToString(s.ID[:])
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		if got := fmt.Sprintf(verb, s); strings.Contains(got, id) || !strings.Contains(got, "hidden") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "session", s)
	text, err := json.Marshal(s)
	if err != nil || string(text) != `"[hidden]"` || !strings.Contains(log.String(), `"[hidden]"`) {
		t.Errorf("%s, %v, %s", text, err, log.String())
	}
}

func BenchmarkSeal(b *testing.B) {
	_, public := key(b, vault.P256)
	s := session(b, public)
	row := vault.Row{Table: "public.user_logins", SentAt: time.Now(), EventID: [16]byte{1}}
	values := make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		s.Seal(row, append(values, `{"ip":"199.172.111.135","device_id":"593-47-5928"}`...))
	}
}

func BenchmarkNewSession(b *testing.B) {
	for _, kem := range []string{vault.P256, vault.MLKEM768X25519} {
		b.Run(kem, func(b *testing.B) {
			_, public := key(b, kem)
			for b.Loop() {
				session(b, public)
			}
		})
	}
}
