package invoker

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/eventsource"
)

func TestLogPassesEachErrorOnOnce(t *testing.T) {
	t.Parallel()
	var passed strings.Builder
	log := NewLog(&passed)
	for range 3 {
		fmt.Fprintln(log, `{"level":"ERROR","message":"batch returned to the queue","error":"database unavailable:\nconnection refused"}`)
		fmt.Fprintln(log, `2026/11/25 15:44:19 {"errorMessage":"database unavailable:\nconnection refused","errorType":"Unavailable"}`)
	}
	fmt.Fprintln(log, `2026/11/25 15:44:20 {"errorMessage":"boom","errorType":"errorString","stackTrace":[{"path":"a.go"}]}`)
	fmt.Fprintln(log, `2026/11/25 15:44:20 {"errorMessage":"another","errorType":"Unavailable"}`) // standard error may come first
	fmt.Fprintln(log, `{"level":"ERROR","message":"batch returned to the queue","error":"another"}`)
	fmt.Fprintln(log, `panic: boom`)
	fmt.Fprintln(log, `{"level":"WARN","message":"contract","warning":"a warning"}`)
	want := "function: batch returned to the queue: database unavailable:; connection refused\n" +
		`2026/11/25 15:44:20 {"errorMessage":"boom","errorType":"errorString","stackTrace":[{"path":"a.go"}]}` + "\n" +
		"function: error: another\n" +
		"panic: boom\n" + `{"level":"WARN","message":"contract","warning":"a warning"}` + "\n"
	if diff := cmp.Diff(want, passed.String()); diff != "" {
		t.Errorf("passed on (-want +got):\n%s", diff)
	}
}

func TestClosingTableNamesRareOutcomesAndWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	log := NewLog(io.Discard)
	for range 2 {
		fmt.Fprintln(log, `{"Written":1,"Duplicates":2,"Superseded":3,"Erased":1,"Unsealed":2,"Received":7,"_aws":{}}`)
	}
	fmt.Fprintln(log, `{"message":"message failed","messageId":"m","outcome":"rejected","reason":"database","sqlstate":"23000","error":"public.t is in the way: rename it"}`)
	r := Result{Log: log}
	if diff := cmp.Diff([][]string{{"written", "2"}, {"duplicates", "4"}, {"superseded", "6"}, {"erased", "2"}, {"written without a seal", "4"}}, r.Rows()[:5]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := log.Reason("m"); got != "rejected: 23000 public.t is in the way: rename it" {
		t.Errorf("reason %q", got)
	}
}

func TestLogStopsADrainAtAFaultOfTheSetupOnly(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		``:                      "",
		`,"reason":"database"`:  "stopped: no table; run it",
		`,"reason":"contract"`:  "stopped: no table; run it",
		`,"reason":"something"`: "",
	} {
		log, got := NewLog(io.Discard), ""
		log.stop = func(err error) { got = err.Error() }
		fmt.Fprintf(log, `{"message":"batch returned to the queue","error":"no table\nrun it"%s}`+"\n", reason)
		if got != want {
			t.Errorf("%s: stops with %q, want %q", reason, got, want)
		}
	}
}

func TestLogCountsMessagesByTheReasonWhyTheyFailedLast(t *testing.T) {
	t.Parallel()
	var passed strings.Builder
	log := NewLog(&passed)
	for _, line := range []string{
		`{"messageId":"a","outcome":"rejected","sqlstate":"23514"}`,
		`{"messageId":"a","outcome":"invalid","field":"ip","rule":"required"}`,
		`{"messageId":"b","outcome":"invalid","field":"ip","rule":"required"}`,
		`{"messageId":"c","outcome":"held"}`,
	} {
		fmt.Fprintln(log, line)
	}
	log.finished(eventsource.Finished{Failed: []string{"a", "d"}, Dead: []string{"b", "c"}})
	want := map[string]int{"invalid: ip required": 2, "held": 1, "its batch failed": 1}
	got := map[string]int{}
	f := log.failures("its batch failed")
	for _, f := range f.reasons {
		got[f.reason] = f.messages
	}
	if diff := cmp.Diff(want, got); diff != "" || passed.Len() > 0 || f.failing != 2 || f.dead != 2 {
		t.Errorf("%q is passed on; %+v; reasons (-want +got):\n%s", passed.String(), f, diff)
	}
	if f.reasons[0].reason != "held" {
		t.Errorf("the latest reason is %q", f.reasons[0].reason)
	}
}

func TestStartErrorIsTheReasonThatTheFunctionLogged(t *testing.T) {
	t.Parallel()
	var passed strings.Builder
	log := NewLog(&passed)
	ended := errors.New("ended while starting")
	if err := log.explainStart(ended); err != ended {
		t.Errorf("without a reason: %v", err)
	}
	fmt.Fprintln(log, `{"level":"ERROR","message":"start refused","error":"CONTRACT: no such contract\nMASK_KEYRING: too short"}`)
	want := "the function refused to start: CONTRACT: no such contract; MASK_KEYRING: too short"
	if err := log.explainStart(ended); err == nil || err.Error() != want || passed.Len() > 0 {
		t.Errorf("says %q and passes %q on, want %q", err, passed.String(), want)
	}
	if err := log.explainStart(nil); err != nil {
		t.Errorf("a start that succeeded: %v", err)
	}
}

func FuzzLog(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "plain text", "{", `{"_aws":{},"Written":1}`, `{"outcome":"invalid"}`, `{"message":"start refused","error":1}`,
		`2026/11/25 15:44:20 {"errorMessage":"x","stackTrace":[]}`, `{"level":"ERROR","message":"m","error":"e"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var passed strings.Builder
		log := NewLog(&passed)
		if n, err := log.Write(text); n != len(text) || err != nil {
			t.Fatalf("took %d of %d bytes: %v", n, len(text), err)
		}
	})
}
