package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/google/uuid"
)

// login is the message of the default contract as producers write it.
type login struct {
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

// wrongMessage is the one of every hundred that is no login at all.
const wrongMessage = `{"foo": "oops_wrong_msg_type", "bar": "123"}`

// logins returns the bodies of n made-up messages: logins from some devices that come back now and then, three in ten of them
// without a locale, and in every hundred one message of another kind. The same seed gives the same messages.
func logins(n int, seed uint64) []string {
	source := rand.NewChaCha8([32]byte(binary.BigEndian.AppendUint64(make([]byte, 24), seed)))
	r := rand.New(source)
	devices := make([]login, max(1, n*3/4))
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
	for first := 0; first+100 <= n; first += 100 {
		bodies[first+r.IntN(100)] = wrongMessage
	}
	return bodies
}

// device makes up somebody's phone. source is what r draws from.
func device(r *rand.Rand, source io.Reader) login {
	id, _ := uuid.NewRandomFromReader(source) // a generator's Read cannot fail
	return login{
		UserID:     id.String(),
		DeviceType: deviceTypes[r.IntN(len(deviceTypes))],
		DeviceID:   fmt.Sprintf("%03d-%02d-%04d", r.IntN(1000), r.IntN(100), r.IntN(10000)),
		IP:         fmt.Sprintf("%d.%d.%d.%d", 1+r.IntN(223), r.IntN(256), r.IntN(256), r.IntN(256)),
	}
}
