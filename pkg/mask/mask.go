// Package mask replaces a personal value by something that analysts can still join, count or group
// by.
//
// A plain hash does not protect such values: there are only 2^32 IPv4 addresses, and a laptop
// hashes all of them in seconds. So the usual mask is a keyed token: equal values stay equal, and
// without the key nobody can try values against it. The weaker kinds exist for people who already
// have such columns (sha256-8), or who need less than the value: the network of an address, the
// domain of an email address, the year of a birth date. They need no key.
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
	"slices"
	"strconv"
	"strings"
)

// Errors of this package. Their texts never hold a key or a value.
var (
	ErrKind    = errors.New("unknown kind of mask")
	ErrKeyring = errors.New("keyring")
)

// Kind says how a value is masked. A kind of [BucketOf] differs from Bucket and from all others.
type Kind uint64

// The kinds of mask. The name in quotes is the value of x-mask in a contract.
const (
	None        Kind = iota // stored as it is, for a property without x-mask
	Token                   // "token": keyed and deterministic, see [Keyring.Token]
	SHA256                  // "sha256-8": see [SHA256Prefix]
	Network                 // "ip-network": see [IPNetwork]
	Drop                    // "drop": NULL is stored
	EmailDomain             // "email-domain": see [DomainOfEmail]
	LastFour                // "last-4": see [LastCharacters]
	DateYear                // "date-year": see [FirstDay]
	DateMonth               // "date-month": see [FirstDay]
	Bucket                  // "bucket:N", without its N: see [BucketOf]
)

var kindNames = [...]string{
	None: "none", Token: "token", SHA256: "sha256-8", Network: "ip-network", Drop: "drop", EmailDomain: "email-domain",
	LastFour: "last-4", DateYear: "date-year", DateMonth: "date-month", Bucket: "bucket",
}

const (
	widthShift = 8    // of a bucket's width in a Kind
	maxWidth   = 1e15 // every multiple of it near zero is exact as a double
)

// BucketOf is the kind "bucket:WIDTH": a number becomes the greatest multiple of width that is not
// above it. 1 <= width <= 1e15.
func BucketOf(width int64) Kind { return Bucket | Kind(width)<<widthShift }

// Base is the kind without the width of a bucket.
func (k Kind) Base() Kind { return k & (1<<widthShift - 1) }

// Width is the width of a bucket, and 0 for every other kind.
func (k Kind) Width() int64 { return int64(k >> widthShift) }

// String returns the name that a contract uses, and "none" for None.
func (k Kind) String() string {
	switch {
	case k.Width() > 0 && k.Base() == Bucket:
		return "bucket:" + strconv.FormatInt(k.Width(), 10)
	case k < Kind(len(kindNames)):
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint64(k))
}

// Kinds lists the names that ParseKind accepts; "bucket:N" stands for one with any width.
func Kinds() []string { return append(slices.Clone(kindNames[Token:Bucket]), "bucket:N") }

// ParseKind reads the value of x-mask. It returns ErrKind for anything but one of [Kinds]. That
// includes "none": a property that is not masked has no x-mask.
func ParseKind(name string) (Kind, error) {
	for k := Token; k < Bucket; k++ {
		if kindNames[k] == name {
			return k, nil
		}
	}
	if width, ok := strings.CutPrefix(name, "bucket:"); ok {
		n, err := strconv.ParseInt(width, 10, 64)
		if err != nil || n < 1 || n > maxWidth || strconv.FormatInt(n, 10) != width {
			return None, fmt.Errorf("%w: the N of bucket:N is a whole number from 1 to %d", ErrKind, int64(maxWidth))
		}
		return BucketOf(n), nil
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
