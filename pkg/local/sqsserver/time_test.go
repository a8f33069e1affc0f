package sqsserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/sqsserver"
)

// inTime runs a test in a synctest bubble, in which time needs no waiting, against this package
// without a network.
func inTime(t *testing.T, run func(f fixture)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sqsserver.New(sqsserver.Options{})
		defer s.Close()
		run(fixture{t, sqs.New(sqs.Options{
			BaseEndpoint: aws.String("http://sqs.test"), Region: "us-east-1", RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
			HTTPClient:  inProcess{s},
		})})
	})
}

// inProcess is an HTTP client that calls a handler directly.
type inProcess struct{ http.Handler }

func (h inProcess) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

func TestTimeDropsMessagesAfterRetention(t *testing.T) {
	inTime(t, func(f fixture) {
		url := f.queue(nil)
		f.send(url, "old")
		time.Sleep(2 * 24 * time.Hour)
		f.send(url, "new")
		time.Sleep(2*24*time.Hour - time.Second)
		if got, want := f.counts(url), [3]string{"2", "0", "0"}; got != want {
			f.Errorf("a second before the end of four days: %v, want %v", got, want)
		}
		time.Sleep(time.Second)
		if diff := cmp.Diff([]string{"new"}, bodies(f.receive(url))); diff != "" {
			f.Errorf("after four days, -want +got:\n%s", diff)
		}
	})
}

func TestTimeShorterRetentionDropsOldMessages(t *testing.T) {
	inTime(t, func(f fixture) {
		url := f.queue(nil)
		f.send(url, "old")
		time.Sleep(time.Hour)
		f.send(url, "new")
		f.set(url, attributes{"MessageRetentionPeriod": "60"})
		if diff := cmp.Diff([]string{"new"}, bodies(f.receive(url))); diff != "" {
			f.Errorf("-want +got:\n%s", diff)
		}
	})
}

func (f fixture) set(url string, a attributes) {
	f.Helper()
	_, err := f.SetQueueAttributes(f.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: a})
	f.must(err)
}

// sendOne sends one message to a queue of either type.
func (f fixture) sendOne(url string) {
	f.Helper()
	if strings.HasSuffix(url, ".fifo") {
		f.sendGroup(url, "g", "x")
	} else {
		f.send(url, "x")
	}
}

func TestTimeRetentionInDeadLetterQueue(t *testing.T) {
	for name, want := range map[string]string{"standard": "0", "FIFO": "1"} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(f fixture) {
				create := attributes{"MessageRetentionPeriod": "3600"}
				if name == "FIFO" {
					create["FifoQueue"] = "true"
				}
				url, dlq := f.withDLQ(1, create)
				f.sendOne(url)
				f.receive(url)
				time.Sleep(50 * time.Minute)
				f.receive(url, atOnce)
				time.Sleep(10 * time.Minute)
				if got := f.counts(dlq)[0]; got != want {
					f.Errorf("%s messages in the dead-letter queue an hour after sending, want %s", got, want)
				}
			})
		})
	}
}

func TestTimeLimitsVisibilityToTwelveHours(t *testing.T) {
	inTime(t, func(f fixture) {
		url := f.queue(nil)
		f.send(url, "x")
		m := f.one(f.receive(url, hiddenFor(43_200)))
		time.Sleep(time.Hour)
		f.must(f.setVisibility(url, m, 39_600))
		f.refused(f.setVisibility(url, m, 39_601), "InvalidParameterValue", "Value 39601 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
		if got := f.receive(url, atOnce); len(got) != 0 {
			f.Error("the message is visible after an hour")
		}
		time.Sleep(11 * time.Hour)
		f.one(f.receive(url, atOnce))
	})
}

func TestTimeExpiredHandleDeletesUntilNextReceive(t *testing.T) {
	inTime(t, func(f fixture) {
		url := f.queue(nil)
		f.send(url, "x")
		m := f.one(f.receive(url))
		time.Sleep(time.Minute)
		f.delete(url, m)
		if got, want := f.counts(url), [3]string{"0", "0", "0"}; got != want {
			f.Errorf("%v messages, want %v", got, want)
		}
	})
}

func TestTimeDeduplicationLastsFiveMinutes(t *testing.T) {
	inTime(t, func(f fixture) {
		url := f.queue(fifo)
		f.sendGroup(url, "g", "x")
		time.Sleep(5*time.Minute - time.Millisecond)
		f.sendGroup(url, "g", "x")
		if got := f.counts(url)[0]; got != "1" {
			f.Errorf("%s messages within the interval, want 1", got)
		}
		time.Sleep(time.Millisecond)
		f.sendGroup(url, "g", "x")
		if got := f.counts(url)[0]; got != "2" {
			f.Errorf("%s messages after the interval, want 2", got)
		}
	})
}

func TestTimeLongPollEndsWhenMessageBecomesVisible(t *testing.T) {
	inTime(t, func(f fixture) {
		url := f.queue(attributes{"VisibilityTimeout": "7"})
		f.send(url, "x")
		f.receive(url)
		began := time.Now()
		f.one(f.receive(url, waiting(20)))
		if waited := time.Since(began); waited != 7*time.Second {
			f.Errorf("waited %s for a visibility timeout of 7s", waited)
		}
		began = time.Now()
		f.receive(url, waiting(20), hiddenFor(30)) // receives the message after 7 s and hides it for 30 s
		if got := f.receive(url, waiting(20)); len(got) != 0 || time.Since(began) != 27*time.Second {
			f.Errorf("%d messages after %s, want none after 20s of waiting", len(got), time.Since(began))
		}
	})
}

func TestTimeNewDelayAppliesToWaitingMessagesOfFIFO(t *testing.T) {
	for name, want := range map[string]string{"standard": "0", "FIFO": "1"} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(f fixture) {
				create := attributes{"DelaySeconds": "900"}
				if name == "FIFO" {
					create["FifoQueue"] = "true"
				}
				url := f.queue(create)
				f.sendOne(url)
				f.set(url, attributes{"DelaySeconds": "10"})
				time.Sleep(10 * time.Second)
				if got := f.counts(url)[0]; got != want {
					f.Errorf("%s messages visible after 10s, want %s", got, want)
				}
			})
		})
	}
}

func TestTimeAcceptsNameAMinuteAfterDeletion(t *testing.T) {
	inTime(t, func(f fixture) {
		name := aws.String("q")
		for range 2 {
			out, err := f.CreateQueue(f.Context(), &sqs.CreateQueueInput{QueueName: name})
			f.must(err)
			_, err = f.DeleteQueue(f.Context(), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
			f.must(err)
			time.Sleep(time.Minute)
		}
	})
}

func TestTimeMoveKeepsItsRate(t *testing.T) {
	inTime(t, func(f fixture) {
		url, dlq := f.withDLQ(1, nil)
		for _, body := range []string{"1", "2", "3", "4", "5", "6"} {
			f.deadLetter(url, body)
		}
		arn := f.arn(dlq)
		_, err := f.StartMessageMoveTask(f.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: &arn, MaxNumberOfMessagesPerSecond: aws.Int32(2)})
		f.must(err)
		time.Sleep(1250 * time.Millisecond)
		if got := f.counts(url)[0]; got != "3" {
			f.Errorf("%s moved after 1.25s at 2 a second, want 3", got)
		}
		time.Sleep(2 * time.Second)
		if got := f.awaitTask(arn, "COMPLETED").ApproximateNumberOfMessagesMoved; got != 6 {
			f.Errorf("%d moved in the end, want 6", got)
		}
	})
}

func TestTimeLimitsMessagesInFlight(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 120,000 messages")
	}
	inTime(t, func(f fixture) {
		url := f.queue(nil)
		fill(t, f.handler(), url, 120_010)
		for range 12_000 { // without the SDK, which is much slower
			w := post(f.handler(), "ReceiveMessage", `{"QueueUrl":"`+url+`","MaxNumberOfMessages":10}`)
			if got := strings.Count(w.Body.String(), `"MessageId":`); got != 10 {
				f.Fatalf("received %d messages: %s", got, w.Body)
			}
		}
		_, err := f.ReceiveMessage(f.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
		f.refused(err, "OverLimit", "The maximum number of in flight messages is reached: 120000.")
	})
}

// handler returns the handler behind the client, for requests without the SDK.
func (f fixture) handler() http.Handler { return f.Options().HTTPClient.(inProcess).Handler }

func TestTimeRepeatsReceiveWithinFiveMinutes(t *testing.T) {
	inTime(t, func(f fixture) {
		url := f.queue(fifo) // 30 seconds of visibility timeout
		f.sendGroup(url, "g", "x")
		f.one(f.receive(url, attempt("a"), hiddenFor(200)))
		time.Sleep(199 * time.Second)
		f.one(f.receive(url, attempt("a"), hiddenFor(200)))
		time.Sleep(100 * time.Second)
		if got, want := f.counts(url), [3]string{"0", "1", "0"}; got != want {
			f.Errorf("the repeated receive did not restart the visibility timeout: %v, want %v", got, want)
		}
		time.Sleep(time.Second) // five minutes after the first
		if got := f.receive(url, attempt("a")); len(got) != 0 {
			f.Errorf("after five minutes received %q", bodies(got))
		}
		time.Sleep(99 * time.Second)
		if got := f.one(f.receive(url, attempt("a"), hiddenFor(600))).Attributes["ApproximateReceiveCount"]; got != "2" {
			f.Errorf("the receive after that is number %s, want 2", got)
		}
	})
}

func TestTimeAcceptsAttemptIDAgain(t *testing.T) {
	inTime(t, func(f fixture) {
		url := f.queue(fifo)
		f.sendGroup(url, "g", "x")
		f.one(f.receive(url, attempt("a"), hiddenFor(30)))
		time.Sleep(40 * time.Second)
		f.one(f.receive(url, attempt("a"), hiddenFor(600)))
		time.Sleep(5*time.Minute - time.Second) // five minutes after the first receive, but not after the second
		if got := f.one(f.receive(url, attempt("a"))).Attributes["ApproximateReceiveCount"]; got != "2" {
			f.Errorf("the receive is number %s, want 2", got)
		}
	})
}
