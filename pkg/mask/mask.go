// Package mask replaces a personal value by something that analysts can still join, count or group
// by.
//
// A plain hash does not protect such values: there are only 2^32 IPv4 addresses, and a laptop
// hashes all of them in seconds. So the usual mask is a keyed token: equal values stay equal, and
// without the key nobody can try values against it. The weaker kinds exist for people who already
// have such columns (sha256-8), or who need the network and not the host (ip-network).
//
// The package imports the standard library and package privacy only, so that it can be read and
// judged by itself.
package mask

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Errors of this package. Their texts never hold a key or a value.
var (
	ErrKind    = errors.New("unknown kind of mask")
	ErrKeyring = errors.New("keyring")
)

// Kind says how a value is masked.
type Kind uint8

// The kinds of mask. The name in quotes is the value of x-mask in a contract.
const (
	None    Kind = iota // stored as it is, for a property without x-mask
	Token               // "token": keyed and deterministic, see [Keyring.Token]
	SHA256              // "sha256-8": see [SHA256Prefix]
	Network             // "ip-network": see [IPNetwork]
	Drop                // "drop": NULL is stored
)

var kindNames = [...]string{None: "none", Token: "token", SHA256: "sha256-8", Network: "ip-network", Drop: "drop"}

// String returns the name that a contract uses, and "none" for None.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", k)
}

// Kinds lists the names that ParseKind accepts.
func Kinds() []string { return append([]string(nil), kindNames[Token:]...) }

// ParseKind reads the value of x-mask. It returns ErrKind for anything but one of [Kinds]. That
// includes "none": a property that is not masked has no x-mask.
func ParseKind(name string) (Kind, error) {
	for k := Token; int(k) < len(kindNames); k++ {
		if kindNames[k] == name {
			return k, nil
		}
	}
	return None, fmt.Errorf("%w: use one of %s", ErrKind, strings.Join(Kinds(), ", "))
}

// SHA256Prefix is the first 8 hexadecimal digits of the SHA-256 of value as it is written. It is
// for people who must match columns that they already have: 32 bits collide from tens of thousands
// of values on, and because there is no key, short values such as addresses can be found by trying.
func SHA256Prefix(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:4])
}

// IPNetwork is the network of an address in CIDR notation: the /24 of an IPv4 address, the /48 of
// an IPv6 one. An IPv4 address that is mapped into IPv6 counts as IPv4, and a zone is dropped. The
// zero Addr gives "".
func IPNetwork(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() {
		return ""
	}
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(addr, bits).Masked().String()
}
