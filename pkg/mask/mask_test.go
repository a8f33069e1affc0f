package mask_test

import (
	"errors"
	"math"
	"net/netip"
	"slices"
	"testing"

	"sqs2pg/pkg/mask"
)

func TestKindsHaveTheNamesThatContractsUse(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]mask.Kind{"token": mask.Token, "sha256-8": mask.SHA256, "ip-network": mask.Network, "drop": mask.Drop,
		"email-domain": mask.EmailDomain, "last-4": mask.LastFour, "date-year": mask.DateYear, "date-month": mask.DateMonth,
		"bucket:1": mask.BucketOf(1), "bucket:1000000000000000": mask.BucketOf(1e15)} {
		got, err := mask.ParseKind(name)
		if err != nil || got != want || got.String() != name {
			t.Errorf("%s: got %v and %v", name, got, err)
		}
		if got.Base() != mask.Bucket && !slices.Contains(mask.Kinds(), name) {
			t.Errorf("%s is not among the kinds", name)
		}
	}
	for _, name := range []string{"", "none", "Token", "tokne", "bucket", "bucket:", "bucket:0", "bucket:-1", "bucket:01", "bucket:+1", "bucket:1.5", "bucket:1000000000000001", "bucket:N"} {
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

func TestFloorsGoDown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		n, width, want int64
		ok             bool
	}{
		{19, 10, 10, true}, {20, 10, 20, true}, {0, 10, 0, true}, {-1, 10, -10, true}, {-10, 10, -10, true}, {math.MaxInt64, 1, math.MaxInt64, true},
		{math.MinInt64, 1, math.MinInt64, true}, {math.MinInt64, 2, math.MinInt64, true}, {math.MinInt64, 10, 0, false}, {math.MinInt64 + 1, 3, 0, false},
	} {
		if got, ok := mask.Floor(test.n, test.width); ok != test.ok || ok && got != test.want {
			t.Errorf("%d in buckets of %d: got %d, %v", test.n, test.width, got, ok)
		}
	}
	for _, test := range []struct{ f, want float64 }{{19.9, 10}, {-0.3, -10}, {-1e-300, -10}, {-10, -10}, {9.999999999999999, 0}, {1 << 53, 9007199254740990}, {-math.MaxFloat64, -math.MaxFloat64}} {
		if got := mask.FloorFloat(test.f, 10); got != test.want {
			t.Errorf("%v: got %v, want %v", test.f, got, test.want)
		}
	}
}

func FuzzParseKind(f *testing.F) {
	for _, name := range []string{"token", "last-4", "bucket:10", "bucket:1000000000000000", "bucket:-1", "bucket:", "none", ""} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		kind, err := mask.ParseKind(name)
		if err == nil && (kind.String() != name || kind == mask.None) {
			t.Errorf("%q is read as %v", name, kind)
		}
		if isBucket := kind.Base() == mask.Bucket; err == nil && isBucket != (kind.Width() > 0) {
			t.Errorf("%q: %v has the width %d", name, kind, kind.Width())
		}
	})
}
