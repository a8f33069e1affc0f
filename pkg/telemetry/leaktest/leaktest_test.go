package leaktest_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"sqs2pg/pkg/telemetry/leaktest"
)

const (
	person = `zoé "17" o'neil`
	device = "593-47-59281234"
)

// TestFindsPlantedLeak plants each value in every form, at every place of a base64 group, in one
// write and byte by byte.
func TestFindsPlantedLeak(t *testing.T) {
	t.Parallel()
	text := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	line := text(map[string]string{"error": "user " + person + " on " + device})
	planted := map[string]string{
		"as it is":                    "ERROR: no user " + person,
		"in SQL":                      "insert into t values ('" + strings.ReplaceAll(person, "'", "''") + "')",
		"in JSON":                     text(person),
		"in JSON in JSON":             text(text(person)),
		"quoted by Go":                fmt.Sprintf("%q", person),
		"quoted by Go, ASCII":         fmt.Sprintf("%+q", person),
		"bytes, printed":              fmt.Sprint([]byte(device)),
		"in hexadecimal":              `\x00` + hex.EncodeToString([]byte(device)),
		"in hexadecimal, upper case":  strings.ToUpper(hex.EncodeToString([]byte(device))),
		"in hexadecimal, with spaces": fmt.Sprintf("% x", device),
		"in a query":                  "?user=" + url.QueryEscape(person),
		"in a path":                   "/users/" + url.PathEscape(person),
		"digits alone":                "device 5934759281234",
		"a row of COPY in CSV":        `"` + strings.ReplaceAll(person, `"`, `""`) + `",x`,
	}
	for before := range 3 {
		for after := range 3 {
			around := strings.Repeat("x", before) + line + strings.Repeat("y", after)
			planted[fmt.Sprintf("in base64, %d before, %d after", before, after)] = base64.StdEncoding.EncodeToString([]byte(around))
			planted[fmt.Sprintf("in base64 for URLs, %d before, %d after", before, after)] = base64.RawURLEncoding.EncodeToString([]byte(around))
			planted[fmt.Sprintf("alone in base64, %d before, %d after", before, after)] =
				base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + device + strings.Repeat("y", after)))
		}
	}
	for name, log := range planted {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := leaktest.For(person, device)
			whole.Text("log", log)
			if len(whole.Found()) == 0 {
				t.Errorf("not found in %s", log)
			}
			split := leaktest.For(person, device)
			w := split.Stream("log")
			for _, c := range []byte(log) {
				w.Write([]byte{c})
			}
			if len(split.Found()) == 0 || split.Bytes() != int64(len(log)) {
				t.Errorf("written byte by byte: found %q in %d bytes, want %d", split.Found(), split.Bytes(), len(log))
			}
		})
	}
}

func TestFindsNothingInCleanLog(t *testing.T) {
	t.Parallel()
	s := leaktest.For(person, device)
	s.Text("log", `{"level":"WARN","message":"message failed","field":"device_id","rule":"required","device":"k1:00112233445566778899aabbccddeeff","at":593475928123}`)
	if found := s.Found(); len(found) != 0 {
		t.Errorf("found %q", found)
	}
}
