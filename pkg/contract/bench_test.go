package contract_test

import (
	"strings"
	"testing"
	"time"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
)

func BenchmarkDecodeMask(b *testing.B) {
	for _, bench := range []struct{ name, contract, body string }{
		{"login", "user_logins", login},
		{"order", "testdata/order_placed.json", order},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c, k, body := load(b, bench.contract), keyring(b), []byte(bench.body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				record, err := c.Decode(body)
				if err != nil {
					b.Fatal(err)
				}
				c.Mask(k, record)
			}
		})
	}
}

func BenchmarkDecodeRefuses(b *testing.B) {
	c, body := load(b, "user_logins"), []byte(loginWith("198.51.100.7", "999.1.1.1"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Decode(body); err == nil {
			b.Fatal("accepted")
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := contract.Load(contracts.Files, "user_logins"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSeal decodes and masks logins as the function does, and seals two of their values and
// makes the subject's token as well.
func BenchmarkSeal(b *testing.B) {
	document, _ := contracts.Files.ReadFile("user_logins.json")
	sealing := strings.NewReplacer(`"x-mask": "token"`, `"x-mask": "token", "x-recover": true`, `"user_id": {`, `"user_id": {"x-subject": true,`).Replace(string(document))
	for _, bench := range []struct {
		name, document string
		seals, subject bool
	}{
		{"plain", string(document), false, false}, {"recovered", sealing, false, false}, {"sealed", sealing, true, false}, {"sealed with subject", sealing, true, true},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c, k, session := parse(b, bench.document), keyring(b), newRecipient(b).session(b)
			m, id, at := contract.Message{Body: []byte(login)}, [16]byte{1}, time.Now()
			b.ReportAllocs()
			for b.Loop() {
				rows := c.Rows(k, 1000)
				for range 1000 {
					record, err := rows.Decode(m)
					if err != nil {
						b.Fatal(err)
					}
					rows.Mask(record)
					if bench.seals && rows.Seal(session, record, id, at).IsZero() {
						b.Fatal("nothing is sealed")
					}
					if bench.subject {
						rows.Subject(record, k.CurrentID())
					}
				}
			}
		})
	}
}
