package contract_test

import (
	"testing"

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
