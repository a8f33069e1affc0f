package naming

import (
	"slices"
	"strings"
)

// personal are words of names, or two words in a row, whose values tell who somebody is.
var personal = []string{
	"email", "mail", "phone", "mobile", "telephone", "tel", "fax", "msisdn", "imei",
	"ssn", "social security", "tax id", "national id", "passport", "licence", "license plate", "driver license", "iban", "bic", "account number", "card", "pan", "cvv", "cvc",
	"birth", "birthday", "birthdate", "dob", "birthplace", "age", "gender", "religion",
	"firstname", "lastname", "surname", "fullname", "username", "nickname", "forename", "login",
	"address", "addr", "street", "postcode", "postal code", "zip", "latitude", "longitude", "lat", "lon", "lng", "geo",
	"ip", "ipv4", "ipv6", "password", "secret",
}

// things are words before "name" that make it the name of no person.
var things = []string{
	"app", "application", "brand", "bucket", "campaign", "category", "channel", "city", "class", "column", "company", "country", "currency", "device", "domain",
	"event", "feature", "field", "file", "function", "group", "host", "item", "key", "language", "locale", "method", "model", "module", "os", "organization", "page",
	"plan", "platform", "product", "project", "queue", "region", "role", "screen", "server", "service", "shop", "sku", "source", "state", "store", "table", "tag",
	"team", "template", "topic", "type", "version", "warehouse",
}

// harmless are last words of names that say something about a value and not the value itself.
var harmless = []string{
	"at", "changed", "code", "count", "country", "currency", "domain", "enabled", "format", "hash", "kind", "label", "length", "limit", "method", "network", "opt", "size", "sent",
	"source", "status", "time", "token", "type", "valid", "verified", "version",
}

// LooksPersonal reports whether the name of a property looks like that of a personal value. path
// has the names of the objects around it too, because the name of a person may be customer.name.
func LooksPersonal(path []string) bool {
	if len(path) == 0 {
		return false
	}
	words := singular(strings.Split(Column(path[len(path)-1]), "_"))
	if last := words[len(words)-1]; slices.Contains(harmless, last) {
		return false
	}
	for i, word := range words {
		if slices.Contains(personal, word) || i > 0 && slices.Contains(personal, words[i-1]+" "+word) {
			return true
		}
	}
	return words[len(words)-1] == "name" && !isOfThing(words, path)
}

// isOfThing reports whether a word before the last one, or the object around, is a thing.
func isOfThing(words, path []string) bool {
	around := words[:len(words)-1]
	if len(around) == 0 && len(path) > 1 {
		around = singular(strings.Split(Column(path[len(path)-2]), "_"))
	}
	return len(around) > 0 && slices.Contains(things, around[len(around)-1])
}

// singular takes the s of plurals, of words that are long enough to be one.
func singular(words []string) []string {
	for i, word := range words {
		switch {
		case strings.HasSuffix(word, "sses"):
			words[i] = strings.TrimSuffix(word, "es")
		case len(word) > 2 && strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss") && !strings.HasSuffix(word, "us"):
			words[i] = strings.TrimSuffix(word, "s")
		}
	}
	return words
}
