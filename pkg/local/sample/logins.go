// Package sample makes up messages: logins as producers write them, and everything that can be
// wrong with one.
//
// Demonstrations, benchmarks and tests need messages that look real and hold nobody's data. They
// are made in one place, so that "a hundred logins" means the same to the command, to the tests and
// to the benchmarks. It imports nothing of the project.
package sample

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/google/uuid"
)

// Login is the message of the contract user_logins.
type Login struct {
	UserID     string  `json:"user_id"`
	AppVersion string  `json:"app_version"`
	DeviceType string  `json:"device_type"`
	IP         string  `json:"ip"`
	Locale     *string `json:"locale"`
	DeviceID   string  `json:"device_id"`
}

var (
	appVersions = []string{"2.3.0", "0.96", "2.00", "1.0.7", "3.4.9", "0.2.6", "4.2.9"}
	deviceTypes = []string{"android", "iOS"}
	locales     = []string{"RU", "CN", "ID", "BR", "FR", "PL", "SE", "PH"}
)

// otherKind is a message that is not a login at all.
const otherKind = `{"foo": "oops_wrong_msg_type", "bar": "123"}`

// Messages returns the bodies of n messages. In every hundred, one is not a login and 99 are as
// ValidLogins makes them. The same seed gives the same messages.
func Messages(n int, seed uint64) []string {
	bodies, r := logins(n, seed)
	for first := 0; first+100 <= n; first += 100 {
		bodies[first+r.IntN(100)] = otherKind
	}
	return bodies
}

// ValidLogins returns the bodies of n logins from about 3n/4 devices, three in ten of them without
// a locale. The same seed gives the same logins.
func ValidLogins(n int, seed uint64) []string {
	bodies, _ := logins(n, seed)
	return bodies
}

func logins(n int, seed uint64) ([]string, *rand.Rand) {
	source := rand.NewChaCha8([32]byte(binary.BigEndian.AppendUint64(make([]byte, 24), seed)))
	r := rand.New(source)
	devices := make([]Login, max(1, n*3/4))
	for i := range devices {
		devices[i] = device(r, source)
	}
	bodies := make([]string, n)
	for i := range bodies {
		l := devices[r.IntN(len(devices))]
		l.AppVersion = appVersions[r.IntN(len(appVersions))]
		if r.IntN(10) >= 3 {
			l.Locale = &locales[r.IntN(len(locales))]
		}
		body, _ := json.Marshal(l) // strings only: cannot fail
		bodies[i] = string(body)
	}
	return bodies, r
}

// device makes up the device of one user. r draws from source.
func device(r *rand.Rand, source io.Reader) Login {
	id, _ := uuid.NewRandomFromReader(source) // a generator's Read cannot fail
	return Login{
		UserID:     id.String(),
		DeviceType: deviceTypes[r.IntN(len(deviceTypes))],
		DeviceID:   fmt.Sprintf("%03d-%02d-%04d", r.IntN(1000), r.IntN(100), r.IntN(10000)),
		IP:         fmt.Sprintf("%d.%d.%d.%d", 1+r.IntN(223), r.IntN(256), r.IntN(256), r.IntN(256)),
	}
}
