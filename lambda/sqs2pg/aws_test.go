package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/postgres/postgrestest"
)

// withoutAWS takes every AWS setting out of the environment of this process.
func withoutAWS(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// It is not parallel, because it changes the environment.
func TestRefusesQueueCommandsWithoutAWSSettings(t *testing.T) {
	commands := [][]string{
		{"send", "--queue", "logins"},
		{"event", "--queue", "logins"},
		{"dlq", "list", "--queue", "logins"},
		{"dlq", "show", "--queue", "logins", "4b0a1b1f-55d8-4d7f-9e8a-6b5c0a4a0f11"},
		{"dlq", "redrive", "--queue", "logins"},
		{"invoke", "--queue", "logins", "--invoke-url", "http://127.0.0.1:1"},
		{"replay", "--function-name", "ingest", "event.json"},
		{"send", "--queue", "https://sqs.eu-west-1.amazonaws.com/000000000000/logins"},
	}
	for _, tt := range []struct {
		name, region, want string
		commands           [][]string
	}{
		{"no settings", "", "no AWS region: set AWS_REGION", commands[:len(commands)-1]},
		{"only a region", "eu-west-1", "no AWS credentials", commands},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withoutAWS(t)
			t.Setenv("AWS_REGION", tt.region)
			for _, args := range tt.commands {
				if args[0] != "send" && args[0] != "event" && args[0] != "replay" {
					args = append(args[:len(args):len(args)], "--contract", "user_logins")
				}
				code, _, errs := sqs2pg(t, args...)
				if code != 2 || !strings.Contains(errs, tt.want) || !strings.Contains(errs, "--local") || !strings.Contains(errs, "--endpoint-url") {
					t.Errorf("sqs2pg %s exits with %d and says %q", strings.Join(args, " "), code, errs)
				}
			}
		})
	}
}

func TestSaysWhichSchemeAnEndpointLacks(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"127.0.0.1:4566", "localhost:4566", "localhost"} {
		code, _, errs := sqs2pg(t, "send", "--queue", "logins", "--endpoint-url", endpoint)
		if code != 2 || !strings.Contains(errs, "the endpoint "+endpoint+" has no scheme: type --endpoint-url http://"+endpoint) {
			t.Errorf("%s: exits with %d and says %q", endpoint, code, errs)
		}
	}
}

// A queue's URL is enough to find it.
func TestTakesTheEndpointFromTheURLOfAQueue(t *testing.T) {
	withoutAWS(t)
	endpoint := startSQS(t)
	queueURL := createQueue(t, endpoint, "logins", nil)
	succeed(t, "send", "--queue", queueURL, "--count", "7")
	if n := count(t, endpoint, queueURL); n != "7" {
		t.Errorf("the queue holds %s, want 7", n)
	}
}

// It is not parallel, because it changes the environment.
func TestFunctionOfAQueueOnAWSIsOnAWS(t *testing.T) {
	for name, tt := range map[string]struct{ queue, lambda, endpoint, region string }{
		"a queue of AWS":                       {"https://sqs.eu-west-1.amazonaws.com/123456789012/logins", "", "", "eu-west-1"},
		"a queue's name":                       {"logins", "", "http://127.0.0.1:4566", "us-east-2"},
		"a queue of AWS, and Lambda elsewhere": {"https://sqs.eu-west-1.amazonaws.com/123456789012/logins", "http://127.0.0.1:3001", "http://127.0.0.1:3001", "eu-west-1"},
	} {
		t.Run(name, func(t *testing.T) {
			withoutAWS(t)
			t.Setenv("AWS_REGION", "us-east-2")
			t.Setenv("AWS_ACCESS_KEY_ID", "a")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
			t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
			t.Setenv("AWS_ENDPOINT_URL_LAMBDA", tt.lambda)
			place := account.Place{URL: "http://127.0.0.1:4566"}
			client, err := place.Beside(tt.queue).Lambda(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if o := client.Options(); aws.ToString(o.BaseEndpoint) != tt.endpoint || o.Region != tt.region {
				t.Errorf("at %q in %s, want %q in %s", aws.ToString(o.BaseEndpoint), o.Region, tt.endpoint, tt.region)
			}
		})
	}
}

func TestRefusesLocalForAQueueOfAWS(t *testing.T) {
	t.Parallel()
	code, _, errs := sqs2pg(t, "send", "--local", "--queue", "https://sqs.eu-west-1.amazonaws.com/000000000000/logins")
	if code != 2 || !strings.Contains(errs, "--local and a queue of AWS") {
		t.Errorf("exits with %d and says %q", code, errs)
	}
}

func TestLocalMeansTheEndpointOfLocalStack(t *testing.T) {
	t.Parallel()
	f := endpointFlags{Local: true, EndpointURL: "http://127.0.0.1:1"} // a variable may be set
	if endpoint, err := f.Place().Endpoint(); err != nil || endpoint != "http://127.0.0.1:4566" {
		t.Errorf("%s, %v", endpoint, err)
	}
}

// Commands that change a queue say first which one it is.
func TestSaysWhereBeforeChangingAnything(t *testing.T) {
	t.Parallel()
	endpoint := startSQS(t)
	source, dead := withDead(t, endpoint, "logins", 3)
	where := " at " + endpoint + ", account 000000000000, region us-east-1\n"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"send", "--count", "1"}, "queue logins" + where},
		{[]string{"dlq", "redrive", "--contract", "user_logins"}, "queue dead-logins" + where + "queue logins" + where},
		{[]string{"invoke", "--invoke-url", "http://127.0.0.1:1", "--idle-timeout", "100ms"}, "queue logins" + where},
	} {
		_, _, errs := sqs2pg(t, append(tt.args, "--endpoint-url", endpoint, "--queue", "logins")...)
		if !strings.HasPrefix(errs, tt.want) {
			t.Errorf("sqs2pg %s says %q, want it to begin with %q", strings.Join(tt.args, " "), errs, tt.want)
		}
	}
	if q, d := count(t, endpoint, source), count(t, endpoint, dead); q != "1" || d != "0" {
		t.Errorf("the queue holds %s, the dead-letter queue %s, want 1 and 0", q, d)
	}
}

func TestSaysWhichDatabaseBeforeChangingIt(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	u, err := url.Parse(db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	want := "database " + strings.TrimPrefix(u.Path, "/") + " at " + u.Host + "\n"
	for _, args := range [][]string{
		{"migrate", "--contract", "user_logins"},
		{"maintain", "--contract", "user_logins"},
		{"run", "--messages", "1", "--function", bootstrap},
	} {
		_, _, errs := sqs2pg(t, append(args, "--database-url", db.OwnerURL)...)
		if !strings.HasPrefix(errs, want) {
			t.Errorf("sqs2pg %s says %q, want it to begin with %q", args[0], errs, want)
		}
	}
}

// The URL of a queue on AWS wins over the settings, which may be for LocalStack or another region.
func TestTakesEndpointAndRegionFromTheURLOfAnAWSQueue(t *testing.T) {
	withoutAWS(t)
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
	} {
		t.Setenv(name, value)
	}
	f := queueFlags{Queue: "https://sqs.eu-west-1.amazonaws.com/123456789012/logins", EndpointFlags: endpointFlags{EndpointURL: "http://127.0.0.1:1"}}
	q, err := f.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := "logins at https://sqs.eu-west-1.amazonaws.com, account 123456789012, region eu-west-1"; q.Where() != want {
		t.Errorf("%s, want %s", q.Where(), want)
	}
}
