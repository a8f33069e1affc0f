package sample

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Person is somebody whose logins are sent in a test that then searches for leaks. The values are
// so unusual that a search for them finds nothing by chance.
type Person struct{ Name, IP, Device string }

// People returns 40 persons, always the same.
func People() []Person {
	all := make([]Person, 40)
	for i := range all {
		all[i] = Person{
			Name:   fmt.Sprintf("zoë \"%02d\" o'neil@example.org", i),
			IP:     fmt.Sprintf("%d.%d.%d.%d", 210+i%40, 141+i, 199-i, 202+i),
			Device: fmt.Sprintf("%03d-%02d-%04d-%04d", 917-i, 13+i, 8123+7*i, 4721+13*i),
		}
	}
	return all
}

// PersonalValues returns all values of People. They may appear in message bodies and in the table,
// and nowhere else.
func PersonalValues() []string {
	var values []string
	for _, p := range People() {
		values = append(values, p.Name, p.IP, p.Device)
	}
	return values
}

// Login returns the body of a valid login of the person, under the given user id.
func (p Person) Login(user string) string {
	text, _ := json.Marshal(Login{UserID: user, AppVersion: "2.3.0", DeviceType: "iOS", IP: p.IP, DeviceID: p.Device}) // strings only: cannot fail
	return string(text)
}

// Bad is one way in which a message is bad. Body returns such a message, with personal values in
// it.
type Bad struct {
	Name string
	Body func(p Person, user string) string
}

// RefusedPrefix starts the user ids of logins that the contract allows and Postgres refuses, where
// the table has the constraint check (user_id not like 'refused%').
const RefusedPrefix = "refused "

// AgainstContract are the ways in which the contract user_logins refuses a message.
var AgainstContract = []Bad{
	{"not JSON", func(p Person, user string) string { return "login of " + user + " from " + p.IP }},
	{"cut off", func(p Person, user string) string { return p.Login(user)[:len(p.Login(user))-3] }},
	{"trailing bytes", func(p Person, user string) string { return p.Login(user) + p.Device }},
	{"an array", func(p Person, user string) string { return "[" + p.Login(user) + "]" }},
	{"a member twice", replace(`"locale":null`, `"ip":"1.2.3.4"`)},
	{"a member missing", replace(`"app_version":"2.3.0",`, ``)},
	{"an empty user id", func(p Person, _ string) string { return p.Login("") }},
	{"not an address", func(p Person, user string) string { return Person{p.Name, p.IP + ".1", p.Device}.Login(user) }},
	{"a number instead of text", replace(`"2.3.0"`, `23`)},
	{"an unpaired surrogate", replace(`"2.3.0"`, `"\ud800"`)},
	{"a NUL", replace(`"2.3.0"`, `"\u0000"`)},
	{"an invalid escape", replace(`"2.3.0"`, `"\x41"`)},
	{"nested too deep", replace(`"locale":null`, `"x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100))},
}

// AllBad are the ways of AgainstContract, and the login that Postgres refuses (see RefusedPrefix).
var AllBad = append(AgainstContract[:len(AgainstContract):len(AgainstContract)],
	Bad{"refused by Postgres", func(p Person, user string) string { return p.Login(RefusedPrefix + user) }})

func replace(old, by string) func(Person, string) string {
	return func(p Person, user string) string { return strings.Replace(p.Login(user), old, by, 1) }
}
