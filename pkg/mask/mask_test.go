package mask_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"sqs2pg/pkg/mask"
)

func TestKindsHaveTheNamesThatContractsUse(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]mask.Kind{"token": mask.Token, "sha256-8": mask.SHA256, "ip-network": mask.Network, "drop": mask.Drop} {
		got, err := mask.ParseKind(name)
		if err != nil || got != want || got.String() != name {
			t.Errorf("%s: got %v and %v", name, got, err)
		}
		if !slices.Contains(mask.Kinds(), name) {
			t.Errorf("%s is not among the kinds", name)
		}
	}
	for _, name := range []string{"", "none", "Token", "tokne"} {
		if _, err := mask.ParseKind(name); !errors.Is(err, mask.ErrKind) {
			t.Errorf("%q: got %v, want ErrKind", name, err)
		}
	}
}

func TestSHA256PrefixAgreesWithSha256sum(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"": "e3b0c442", "abc": "ba7816bf", "4111111111111111": "9bbef194"} {
		if got := mask.SHA256Prefix(value); got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
}

func TestIPNetworkKeepsTheNetwork(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"199.172.111.135":        "199.172.111.0/24",
		"0.0.0.0":                "0.0.0.0/24",
		"2001:db8:1:2:3:4:5:6":   "2001:db8:1::/48",
		"::1":                    "::/48",
		"::ffff:199.172.111.135": "199.172.111.0/24",
		"fe80::1%eth0":           "fe80::/48",
	} {
		if got := mask.IPNetwork(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
	if got := mask.IPNetwork(netip.Addr{}); got != "" {
		t.Errorf("no address: got %s", got)
	}
}
