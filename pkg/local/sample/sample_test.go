package sample_test

import (
	"slices"
	"testing"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/sample"
)

func TestOneMessageInAHundredIsNotALogin(t *testing.T) {
	t.Parallel()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	refused := func(bodies []string) (n int) {
		for _, body := range bodies {
			if _, err := c.Decode([]byte(body)); err != nil {
				n++
			}
		}
		return n
	}
	if n := refused(sample.Messages(1050, 1)); n != 10 {
		t.Errorf("the contract refuses %d of 1050 messages, want 10", n)
	}
	if n := refused(sample.ValidLogins(1050, 1)); n != 0 {
		t.Errorf("the contract refuses %d of 1050 valid logins, want none", n)
	}
}

func TestSameSeedGivesSameMessages(t *testing.T) {
	t.Parallel()
	first := sample.Messages(200, 1)
	if !slices.Equal(first, sample.Messages(200, 1)) {
		t.Error("the same seed gives other messages")
	}
	if slices.Equal(first, sample.Messages(200, 2)) {
		t.Error("another seed gives the same messages")
	}
}

func TestContractRefusesEveryBadMessage(t *testing.T) {
	t.Parallel()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	p := sample.People()[0]
	if _, err := c.Decode([]byte(p.Login(p.Name))); err != nil {
		t.Errorf("the contract refuses a person's valid login: %v", err)
	}
	for _, bad := range sample.AgainstContract {
		if _, err := c.Decode([]byte(bad.Body(p, p.Name))); err == nil {
			t.Errorf("%s: the contract takes it", bad.Name)
		}
	}
}
