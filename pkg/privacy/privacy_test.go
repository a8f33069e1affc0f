package privacy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sqs2pg/pkg/privacy"
)

type secret struct {
	privacy.Hidden
	Text string
}

func TestPrintsHiddenInsteadOfFields(t *testing.T) {
	t.Parallel()
	s := secret{Text: "Ann"}
	for _, thing := range []any{s, &s, []secret{s}, map[string]secret{"s": s}, struct{ Field *secret }{&s}} {
		printed := []string{jsonOf(t, thing), logOf(thing)}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10v"} {
			printed = append(printed, fmt.Sprintf(verb, thing))
		}
		for _, text := range printed {
			if strings.Contains(text, "Ann") || strings.Contains(text, "416e6e") {
				t.Errorf("%T printed %s", thing, text)
			}
		}
	}
	if got := fmt.Sprint(s); got != "[hidden]" {
		t.Errorf("got %q, want [hidden]", got)
	}
}

func jsonOf(t *testing.T, thing any) string {
	t.Helper()
	text, err := json.Marshal(thing)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func logOf(thing any) string {
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "thing", thing)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "thing", thing)
	return log.String()
}
