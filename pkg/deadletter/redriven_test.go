package deadletter_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/deadletter"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/local/sqsserver/sqstest"
	"sqs2pg/pkg/queue"
)

func logins(t *testing.T) *routes.Set {
	t.Helper()
	set, err := routes.Load(contracts.Files, "user_logins")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// again opens the dead letters once more, for those that came since.
func again(t *testing.T, letters *deadletter.Letters) *deadletter.Letters {
	t.Helper()
	opened, err := deadletter.Open(t.Context(), letters.Source)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// hide receives n letters, as another program does.
func hide(t *testing.T, letters *deadletter.Letters, n int32) {
	t.Helper()
	out, err := letters.Queue.Client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &letters.Queue.URL, MaxNumberOfMessages: n, VisibilityTimeout: 600})
	if err != nil || len(out.Messages) != int(n) {
		t.Fatalf("%d received, %v", len(out.Messages), err)
	}
}

// threeBad are two logins and three messages that the contract refuses.
func threeBad() []string {
	return append(sample.ValidLogins(2, 1), `not json`, `{"user_id":"a"}`, `{"user_id":"b"}`)
}

func TestListSaysWhatItDoesNotList(t *testing.T) {
	t.Parallel()
	_, letters := withLetters(t, "logins", sample.Messages(6, 1)...)
	hide(t, letters, 2)
	list, err := again(t, letters).List(t.Context(), logins(t), 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Lines) != 3 || list.Visible != 4 || list.Hidden != 2 || list.MaxReceiveCount != 4 || list.Queue != "dead-logins" {
		t.Errorf("%+v", list)
	}
	var out strings.Builder
	list.Print(&out)
	for _, want := range []string{"dead-logins: 4, and 2 in flight", "a message of logins is dead after 4 receives\n", "MESSAGE ID", "... and 1 more\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "RECEIVES") {
		t.Errorf("a receive count, which the list itself raises:\n%s", &out)
	}
	list.Lines = list.Lines[:0]
	const want = `{"depth":4,"in_flight":2,"max_receive_count":4,"messages":[],"queue":"dead-logins"}`
	if got, err := json.Marshal(list); err != nil || string(got) != want {
		t.Errorf("as JSON %s, %v, want %s", got, err, want)
	}
}

func TestFindsALetterByItsID(t *testing.T) {
	t.Parallel()
	server, letters := withLetters(t, "logins", numbered(12)...)
	list, err := letters.List(t.Context(), logins(t), 100)
	if err != nil || len(list.Lines) != 12 {
		t.Fatalf("%+v, %v", list, err)
	}
	found, err := letters.Find(t.Context(), list.Lines[11].ID)
	if err != nil || found == nil {
		t.Fatalf("%v, %v", found, err)
	}
	want := []deadletter.Field{{"message id", list.Lines[11].ID}, {"contract", "user_logins"}, {"reason", "malformed: type"}}
	if diff := cmp.Diff(want, found.Details(logins(t), false)[:3]); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
	if found, err := letters.Find(t.Context(), "another"); found != nil || err != nil {
		t.Errorf("another id finds %v, %v", found, err)
	}
	if n := server.Count(t, letters.Queue.URL); n != "12" {
		t.Errorf("the dead-letter queue holds %s, want 12 visible letters", n)
	}
}

func TestRedriveLeavesWhatTheContractRefuses(t *testing.T) {
	t.Parallel()
	server, letters := withLetters(t, "logins", threeBad()...)
	left := deadletter.Reasons{"malformed: json": 1, "invalid: device_type required": 2}
	advice := []string{"3 left, which the contract refuses: mend the contract or its producer, or use --all"}

	preview, err := letters.Preview(t.Context(), logins(t), false)
	if err != nil || preview.Planned() != "would redrive 2 messages from dead-logins to logins, and leave 3" {
		t.Errorf("the preview says %q, %v", preview.Planned(), err)
	}
	if diff := cmp.Diff(left, preview.Left); diff != "" {
		t.Errorf("left by the preview (-want +got):\n%s", diff)
	}
	for _, want := range []string{"2 of 5 messages redriven from dead-logins to logins", "0 of 3 messages redriven from dead-logins to logins"} {
		redriven, err := again(t, letters).RedriveAccepted(t.Context(), logins(t), false)
		if err != nil || redriven.String() != want {
			t.Errorf("%s, %v, want %s", redriven, err, want)
		}
		if diff := cmp.Diff(left, redriven.Left); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(advice, redriven.Advice()); diff != "" {
			t.Errorf("advice (-want +got):\n%s", diff)
		}
	}
	var out strings.Builder
	left.Print(&out)
	if words := strings.Join(strings.Fields(out.String()), " "); words != "MESSAGES REASON 2 invalid: device_type required 1 malformed: json" {
		t.Errorf("prints %q", words)
	}
	redriven, err := again(t, letters).RedriveAccepted(t.Context(), logins(t), true)
	if err != nil || redriven.Moved != 3 || redriven.Left.Total() != 0 || redriven.Advice() != nil {
		t.Errorf("of all: %+v, %v", redriven, err)
	}
	if q, d := server.Count(t, letters.Source.URL), server.Count(t, letters.Queue.URL); q != "5" || d != "0" {
		t.Errorf("the queue holds %s, the dead-letter queue %s, want 5 and 0", q, d)
	}
}

func TestAdviceCountsLettersThatOtherProgramsHold(t *testing.T) {
	t.Parallel()
	_, letters := withLetters(t, "logins", sample.ValidLogins(3, 1)...)
	hide(t, letters, 1)
	opened := again(t, letters)
	hide(t, letters, 2)
	redriven, err := opened.RedriveAccepted(t.Context(), logins(t), false)
	want := []string{
		"2 could not be received now: run this again in a minute",
		"1 more in flight: another program has received them; run this again when they are visible",
	}
	if diff := cmp.Diff(want, redriven.Advice()); diff != "" || err != nil {
		t.Errorf("%v, advice (-want +got):\n%s", err, diff)
	}
}

// A letter with nine message attributes has no room for the two of its identity. A letter as large
// as SQS takes is larger with its identity, and a failed call refuses it instead of a failed entry.
// A FIFO group waits behind its refused letter, and that redrive has no success either.
func TestRedriveGoesOnPastRefusedLetter(t *testing.T) {
	t.Parallel()
	full := map[string]types.MessageAttributeValue{}
	for i := range 9 {
		full[fmt.Sprint("a", i)] = text("x")
	}
	for name, test := range map[string]struct {
		queue string
		input sqs.SendMessageInput
		moved int
	}{
		"full":                    {"logins", sqs.SendMessageInput{MessageBody: aws.String("{}"), MessageAttributes: full}, 24},
		"large":                   {"logins", sqs.SendMessageInput{MessageBody: aws.String(strings.Repeat("x", queue.MaxSize))}, 24},
		"first of its FIFO group": {"logins.fifo", sqs.SendMessageInput{MessageBody: aws.String("{}"), MessageAttributes: full, MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("d")}, 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sqstest.Start(t)
			url, dead := server.CreateQueues(t, test.queue, 3, nil)
			test.input.QueueUrl = &dead
			if _, err := server.Client.SendMessage(t.Context(), &test.input); err != nil {
				t.Fatal(err)
			}
			server.Send(t, dead, sample.Messages(24, 1))
			letters, err := deadletter.Open(t.Context(), queue.New(server.Client, url))
			if err != nil {
				t.Fatal(err)
			}
			redriven, err := letters.RedriveAccepted(t.Context(), logins(t), true)
			if redriven.Moved != test.moved || err == nil || !strings.Contains(err.Error(), "refused 1 messages") || redriven.Missed != 0 {
				t.Errorf("%+v, %v, want %d moved", redriven, err, test.moved)
			}
			if q, d := server.Count(t, url), server.Count(t, dead); q != fmt.Sprint(test.moved) || d != fmt.Sprint(25-test.moved) {
				t.Errorf("the queue holds %s, the dead-letter queue %s", q, d)
			}
		})
	}
}
