package reveal_test

import (
	"testing"
	"time"

	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/vault/reveal"
)

// A place that is read is printed as one that means the same.
func FuzzParsePlace(f *testing.F) {
	f.Add(reveal.Place(disclosure.Key{SentAt: time.UnixMicro(1_700_000_000_123_456), EventID: [16]byte{1, 15: 2}}))
	f.Add("2026-01-31T23:59:59+14:00/urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	for _, refused := range []string{"/", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z/1", "ana@example.com/6ba7b810-9dad-11d1-80b4-00c04fd430c8"} {
		f.Add(refused)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := reveal.ParsePlace(text)
		if err != nil || key == nil {
			return
		}
		again, err := reveal.ParsePlace(reveal.Place(*key))
		if err != nil || !again.SentAt.Equal(key.SentAt) || again.EventID != key.EventID {
			t.Errorf("%q is read as %v and then as %v, %v", text, *key, again, err)
		}
	})
}
