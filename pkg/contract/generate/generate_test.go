package generate_test

import (
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/generate"
)

func load(t *testing.T, nameOrPath string) *contract.Contract {
	t.Helper()
	c, err := contract.Load(contracts.Files, nameOrPath)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMakesMessagesOfEveryContractOfTheRepository(t *testing.T) {
	t.Parallel()
	for _, name := range append(contract.Names(contracts.Files), "../testdata/order_placed.json") {
		c := load(t, name)
		g := generate.New(c, 1)
		for range 100 {
			m, err := g.Valid()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Decode(m.Body); err != nil {
				t.Errorf("%s refuses %s: %v", name, m.Body, err)
			}
			if m, violation, err := g.Invalid(); err != nil || violation.Rule == "" {
				t.Errorf("%s: %s, %v", name, m.Body, err)
			}
		}
	}
}

func TestSameSeedGivesSameMessages(t *testing.T) {
	t.Parallel()
	c := load(t, "user_logins")
	messages := func(seed uint64) (all string) {
		g := generate.New(c, seed)
		g.Now = time.Unix(1, 0)
		for range 20 {
			m, err := g.Valid()
			if err != nil {
				t.Fatal(err)
			}
			bad, _, err := g.Invalid()
			if err != nil {
				t.Fatal(err)
			}
			all += string(m.Body) + string(bad.Body)
		}
		return all
	}
	first := messages(1)
	if first != messages(1) {
		t.Error("the same seed gives other messages")
	}
	if first == messages(2) {
		t.Error("another seed gives the same messages")
	}
}

func TestSaysThatAContractAcceptsNothing(t *testing.T) {
	t.Parallel()
	c, err := contract.Parse("none", []byte(`{"x-table": "t", "type": "object", "properties": {"p": {"type": "integer", "minimum": 2, "maximum": 1}}, "required": ["p"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := generate.New(c, 1).Valid(); !errors.Is(err, generate.ErrNone) {
		t.Errorf("got %v", err)
	}
}

func TestMessagesHaveTheShareOfBadOnes(t *testing.T) {
	t.Parallel()
	c := load(t, "user_logins")
	for bad, want := range map[float64]int{0: 0, 1: 2, 3: 6, 2.5: 5, 100: 200} {
		got, all := 0, 0
		for m, err := range generate.Messages([]*contract.Contract{c}, 200, bad, 1) {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Decode(m.Body); err != nil {
				got++
			}
			all++
		}
		if got != want || all != 200 {
			t.Errorf("%v of a hundred: got %d bad messages of %d, want %d", bad, got, all, want)
		}
	}
}

func TestMessagesOfSeveralContractsComeInTurn(t *testing.T) {
	t.Parallel()
	logins, orders := load(t, "user_logins"), load(t, "../testdata/order_placed.json")
	taken := map[string]int{}
	for m, err := range generate.Messages([]*contract.Contract{logins, orders}, 40, 10, 1) {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*contract.Contract{logins, orders} {
			if _, err := c.Decode(m.Body); err == nil {
				taken[c.Name()]++
			}
		}
	}
	if taken["user_logins"] != 18 || taken["order_placed"] != 18 {
		t.Errorf("the contracts take %v of 20 messages each", taken)
	}
}

// SQS takes only UTF-8. A client that sends anything else gets another checksum back.
func TestRefusedMessagesAreUTF8(t *testing.T) {
	t.Parallel()
	logins := []*contract.Contract{load(t, "user_logins")}
	for m, err := range generate.Messages(logins, 2000, 100, 1) {
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(m.Body) {
			t.Fatalf("sends %q", m.Body)
		}
	}
}
