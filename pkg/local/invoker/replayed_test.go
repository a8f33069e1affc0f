package invoker

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestReplayedNamesTenFailedMessagesAtMost(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 12 {
		ids = append(ids, fmt.Sprint("m", i))
	}
	for _, test := range []struct {
		replayed     Replayed
		prints, json string
	}{
		{Replayed{Messages: 3, Response: json.RawMessage(`{}`)}, "f: 3 messages\n", `{"file":"f","messages":3,"response":{}}`},
		{Replayed{Messages: 3, Err: errors.New("no answer")}, "f: 3 messages, all failed: no answer\n", `{"error":"no answer","file":"f","messages":3}`},
		{Replayed{Messages: 20, FailedIDs: ids[:1], Response: json.RawMessage(`{"a":1}`)}, "f: 20 messages, 1 failed: m0\n", `{"file":"f","messages":20,"response":{"a":1}}`},
		{Replayed{Messages: 20, FailedIDs: ids, Response: json.RawMessage(`{}`)}, "f: 20 messages, 12 failed: m0 m1 m2 m3 m4 m5 m6 m7 m8 m9\n... and 2 more\n", `{"file":"f","messages":20,"response":{}}`},
	} {
		var out strings.Builder
		test.replayed.Print(&out, "f")
		report, err := json.Marshal(test.replayed.Report("f"))
		if out.String() != test.prints || string(report) != test.json || err != nil {
			t.Errorf("prints %q and reports %s, %v, want %q and %s", &out, report, err, test.prints, test.json)
		}
	}
}
