package contract_test

import (
	"testing"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
)

func BenchmarkDecodeMask(b *testing.B) {
	c, err := contract.Load("user_logins")
	if err != nil {
		b.Fatal(err)
	}
	k, err := mask.ParseKeyring(mask.GenerateKeyring())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	body := []byte(login)
	for b.Loop() {
		r, err := c.Decode(body)
		if err != nil {
			b.Fatal(err)
		}
		if c.Mask(k, r).Len() != 6 {
			b.Fatal("columns")
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := contract.Load("user_logins"); err != nil {
			b.Fatal(err)
		}
	}
}
