package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"sqs2pg/pkg/local/runtimeapi"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/local/sqsserver/sqstest"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres/postgrestest"
)

// TestStartsAndBacksOffWithoutDatabase starts the function while its database refuses connections.
// The function must start, make the messages come back later, and load them when the database is
// there again. The test also compares the AWS operations that the function calls with those that
// its role grants.
func TestStartsAndBacksOffWithoutDatabase(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, userLogins(t))
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	network := newProxy(t, u.Host)
	network.set(func() { network.refusing = true })
	password, _ := u.User.Password()
	v := newVault(t)
	v.setTo(map[string]string{
		"host": "127.0.0.1", "port": network.port(), "dbname": strings.TrimPrefix(u.Path, "/"), "username": u.User.Username(), "password": password,
	})
	server := sqstest.Start(t)
	queue := server.CreateQueue(t, "logins", map[string]string{"VisibilityTimeout": "4"})
	recorded := newCallLog(t, map[string]string{"AmazonSQS": server.URL, "secretsmanager": v.server.URL})
	function, err := runtimeapi.Start(t.Context(), runtimeapi.Config{
		Bootstrap: bootstrap, Timeout: 3 * time.Second, Output: t.Output(), Env: []string{
			"CONTRACT=user_logins", "DATABASE_SECRET_ID=database", "PGSSLMODE=disable", "MASK_KEYRING=" + string(mask.GenerateKeyring()), "VAULT_PUBLIC_KEY=" + postgrestest.VaultKey().String(), "QUEUE_URL=" + queue,
			"AWS_ENDPOINT_URL=" + recorded.server.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
			"AWS_PROFILE=", "AWS_CONFIG_FILE=/dev/null",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer function.Close(t.Context())
	server.SendAs(t, queue, sample.ValidLogins(1, 1), func(int) string { return "one" })
	event := receiveEvent(t, server, queue)
	if _, err := function.Invoke(t.Context(), event); err == nil {
		t.Error("no error without a database")
	}
	time.Sleep(4200 * time.Millisecond) // longer than the queue's visibility timeout
	if n := server.Count(t, queue); n != "1 in flight" {
		t.Errorf("the queue holds %s, want the message to stay invisible", n)
	}
	network.set(func() { network.refusing = false })
	if _, err := function.Invoke(t.Context(), event); err != nil {
		t.Error(err)
	}
	if n := db.QueryStrings(t, "select count(*) from user_logins")[0]; n != "1" {
		t.Errorf("%s rows, want 1", n)
	}
	granted := actionsOf(t, "IngestRole")
	var missing []string
	for _, action := range recorded.actions() {
		if !slices.Contains(granted, action) {
			missing = append(missing, action)
		}
	}
	if missing != nil {
		t.Errorf("the function calls what its role does not grant: %v", missing)
	}
	// The other actions that the role grants are called on the function's behalf: by the event
	// source mapping, the log and trace agents, the network and KMS. The function itself connects
	// by rds-db where it signs in by IAM.
	others := []string{"kms:Decrypt", "rds-db:connect", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
	own := slices.DeleteFunc(granted, func(action string) bool {
		service, _, _ := strings.Cut(action, ":")
		return slices.Contains(others, action) || slices.Contains([]string{"logs", "xray", "ec2"}, service)
	})
	if diff := cmp.Diff(recorded.actions(), own); diff != "" {
		t.Errorf("actions that the function calls (-) and that its role grants for it (+):\n%s", diff)
	}
}

func receiveEvent(t *testing.T, server *sqstest.Server, queue string) []byte {
	t.Helper()
	out, err := server.Client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("%d messages, %v", len(out.Messages), err)
	}
	m := out.Messages[0]
	event, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, Attributes: m.Attributes, EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:logins",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// callLog is a proxy that passes AWS requests on to their services and remembers the operations.
type callLog struct {
	server *httptest.Server

	mu   sync.Mutex
	seen map[string]bool
}

func newCallLog(t *testing.T, services map[string]string) *callLog {
	r := &callLog{seen: map[string]bool{}}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		service, operation, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
		r.mu.Lock()
		r.seen[actionOf(service, operation)] = true
		r.mu.Unlock()
		target, err := url.Parse(services[service])
		if err != nil || target.Host == "" {
			t.Errorf("unexpected call of %s %s", service, operation)
			return
		}
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, request)
	}))
	t.Cleanup(r.server.Close)
	return r
}

// actionOf returns the IAM action of an operation. A batch operation has the action of its single
// form.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
func actionOf(service, operation string) string {
	return strings.ToLower(strings.TrimPrefix(service, "Amazon")) + ":" + strings.TrimSuffix(operation, "Batch")
}

func (r *callLog) actions() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.seen))
}

// actionsOf returns the actions that a role of the template grants, whatever the condition.
func actionsOf(t *testing.T, role string) []string {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]yaml.Node `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	node := template.Resources[role]
	actions := map[string]bool{}
	collectActions(&node, actions)
	delete(actions, "sts:AssumeRole") // granted to Lambda itself
	return slices.Sorted(maps.Keys(actions))
}

func collectActions(n *yaml.Node, into map[string]bool) {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "Action" {
			addActions(child, into)
			continue
		}
		collectActions(child, into)
	}
}

// addActions adds the action, or the actions of a list. Of !If [CONDITION, ACTION, OTHER] it adds
// the actions of both cases.
func addActions(n *yaml.Node, into map[string]bool) {
	list := n.Content
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag != "!Ref":
		into[n.Value] = true
	case n.Tag == "!If":
		list = list[1:]
	}
	for _, child := range list {
		addActions(child, into)
	}
}
