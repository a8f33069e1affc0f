package stack_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/local/sqsserver/sqstest"
	"sqs2pg/pkg/stack"
)

// account is a deployed stack on the wire of AWS. Its queue is a real one; the other services answer
// with what the fields say.
type account struct {
	*httptest.Server

	status, mapping, function, concurrency, inspection string // answers
	key, secret, alarm, subscriptions                  string
	vaultKey, publicKey, decision                      string // of the vault; what IAM says of the functions' roles
	parameters                                         map[string]string

	mu    sync.Mutex
	calls map[string]bool // such as lambda:GetFunctionConfiguration
}

// Public keys of two keys in KMS.
const (
	vaultPublic   = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAkzyVDv3+Go1sA362yYkc06Fz23zhA0KzqAWbmb48py5N5myZKfjTIZhmKlYoQ9e0qrEE5zIPXapR3f4ca5aLA=="
	anotherPublic = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQZcWhqXD1J/eGvrT79+pjPrYy5x/nBTASfpTqy14FuCRt3DyZhHCOOGa+sUkCdPvWILRgasUol2XTdx7/S8qnA=="
)

// answerOf is KMS's answer for a public key.
func answerOf(publicKey string) string {
	return `{"KeySpec":"ECC_NIST_P256","KeyUsage":"KEY_AGREEMENT","PublicKey":"` + publicKey + `"}`
}

// newAccount is a stack in which everything is right.
func newAccount(t *testing.T) *account {
	t.Helper()
	server := sqstest.Start(t)
	attributes := map[string]string{
		"VisibilityTimeout": "181", "SqsManagedSseEnabled": "true",
		"Policy": `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"sqs:*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`,
	}
	server.CreateQueue(t, "dead-logins", map[string]string{"MessageRetentionPeriod": "1209600"})
	server.CreateQueues(t, "logins", 10, attributes)
	a := &account{
		status: "UPDATE_COMPLETE",
		mapping: `{"UUID":"mapping-id","State":"Enabled","BatchSize":100,"MaximumBatchingWindowInSeconds":1,"EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:logins",` +
			`"FunctionResponseTypes":["ReportBatchItemFailures"],"ScalingConfig":{"MaximumConcurrency":10}}`,
		function: `{"State":"Active","Timeout":30,"MemorySize":256,"Role":"arn:aws:iam::1:role/s-role","Environment":{"Variables":` +
			`{"DATABASE_SECRET_ID":"writer","MASK_SECRET_ID":"keyring","VAULT_PUBLIC_KEY":"` + vaultPublic + `","VAULT_KEY_ARN":"arn:vault"}}}`,
		concurrency: `{}`,
		inspection:  `{"task":"inspect","inspection":[{"table":"public.user_logins","days_ahead":7,"connections":97}]}`,
		key:         `{"KeyMetadata":{"KeyId":"k","Enabled":true,"KeyState":"Enabled"}}`,
		secret:      `{"Name":"a-secret","RotationEnabled":true}`,
		alarm:       "OK", subscriptions: "2", vaultKey: `{"KeyMetadata":{"KeyId":"v","Enabled":true,"KeyState":"Enabled"}}`, publicKey: answerOf(vaultPublic), decision: "implicitDeny",
		parameters: map[string]string{"MaximumConcurrency": "10", "MaximumPollers": "0", "KmsKeyArn": "arn:key", "Filter": ""},
		calls:      map[string]bool{},
	}
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	toSQS := httputil.NewSingleHostReverseProxy(target)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		service := regexp.MustCompile(`/us-east-1/([a-z]+)/aws4_request`).FindStringSubmatch(r.Header.Get("Authorization"))
		if service == nil {
			t.Errorf("%s %s is not signed", r.Method, r.URL)
			return
		}
		if service[1] == "sqs" {
			a.record("sqs:" + strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS."))
			toSQS.ServeHTTP(w, r)
			return
		}
		a.answer(t, w, r, service[1])
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *account) record(call string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[call] = true
}

// restPaths are the calls of Lambda, which has no header that names them.
var restPaths = []struct{ path, call string }{
	{`^/2015-03-31/functions/[^/]+/configuration$`, "GetFunctionConfiguration"}, {`^/2019-09-30/functions/[^/]+/concurrency$`, "GetFunctionConcurrency"},
	{`^/2015-03-31/functions/[^/]+/invocations$`, "InvokeFunction"}, {`^/2015-03-31/event-source-mappings/mapping-id$`, "GetEventSourceMapping"},
}

func (a *account) answer(t *testing.T, w http.ResponseWriter, r *http.Request, service string) {
	body, _ := io.ReadAll(r.Body)
	_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		call = form.Get("Action")
	}
	for _, p := range restPaths {
		if service == "lambda" && regexp.MustCompile(p.path).MatchString(r.URL.Path) {
			call = p.call
		}
	}
	if _, operation, ok := strings.Cut(r.URL.Path, "/operation/"); ok {
		call = operation
	}
	if service == "monitoring" {
		service = "cloudwatch"
	}
	a.record(service + ":" + call)
	answer, ok := a.answers()[call]
	if call == "DescribeKey" && strings.Contains(string(body), "arn:vault") {
		answer = a.vaultKey
	}
	if !ok {
		t.Errorf("call %s of %s: %s %s %s", call, service, r.Method, r.URL, body)
	}
	if service == "cloudwatch" {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	}
	if strings.Contains(answer, "errorMessage") {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
	}
	if strings.Contains(answer, "__type") {
		w.WriteHeader(http.StatusBadRequest)
	}
	_, _ = io.WriteString(w, answer)
}

func (a *account) answers() map[string]string {
	var parameters, resources strings.Builder
	for name, value := range a.parameters {
		fmt.Fprintf(&parameters, "<member><ParameterKey>%s</ParameterKey><ParameterValue>%s</ParameterValue></member>", name, value)
	}
	for logical, physical := range map[string]string{"IngestFunction": "s-ingest", "MaintainFunction": "s-maintain", "Mapping": "mapping-id", "AgeAlarm": "s-age"} {
		kind := "AWS::Lambda::Function"
		if logical == "AgeAlarm" {
			kind = "AWS::CloudWatch::Alarm"
		}
		fmt.Fprintf(&resources, "<member><LogicalResourceId>%s</LogicalResourceId><PhysicalResourceId>%s</PhysicalResourceId><ResourceType>%s</ResourceType></member>", logical, physical, kind)
	}
	wrapped := func(call, inner string) string {
		return fmt.Sprintf("<%sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", call, inner)
	}
	alarm := cbor.Encode(cbor.Map{"MetricAlarms": cbor.List{cbor.Map{
		"AlarmName": cbor.String("s-age"), "StateValue": cbor.String(a.alarm), "ActionsEnabled": cbor.Bool(true), "AlarmActions": cbor.List{cbor.String("arn:topic")},
	}}})
	return map[string]string{
		"DescribeStacks":           wrapped("DescribeStacks", "<Stacks><member><StackName>s</StackName><StackStatus>"+a.status+"</StackStatus><Parameters>"+parameters.String()+"</Parameters></member></Stacks>"),
		"ListStackResources":       wrapped("ListStackResources", "<StackResourceSummaries>"+resources.String()+"</StackResourceSummaries>"),
		"GetFunctionConfiguration": a.function, "GetFunctionConcurrency": a.concurrency, "GetEventSourceMapping": a.mapping, "InvokeFunction": a.inspection,
		"GetPublicKey": a.publicKey,
		"SimulatePrincipalPolicy": wrapped("SimulatePrincipalPolicy", "<EvaluationResults><member><EvalActionName>kms:DeriveSharedSecret</EvalActionName><EvalDecision>"+
			a.decision+"</EvalDecision></member></EvaluationResults>"),
		"DescribeKey": a.key, "DescribeSecret": a.secret, "DescribeAlarms": string(alarm),
		"GetTopicAttributes": wrapped("GetTopicAttributes", "<Attributes><entry><key>SubscriptionsConfirmed</key><value>"+a.subscriptions+"</value></entry></Attributes>"),
	}
}

func (a *account) examine(t *testing.T) []doctor.Finding {
	t.Helper()
	return stack.Examine(t.Context(), aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(a.URL), Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}, "s")
}

func TestSoundStackHasNothingToFix(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range newAccount(t).examine(t) {
		got = append(got, string(f.Verdict)+" "+f.Subject)
		if f.Verdict != doctor.OK {
			t.Errorf("%+v", f)
		}
	}
	want := []string{"ok stack", "ok function", "ok function", "ok mapping", "ok queue", "ok visibility", "ok redrive", "ok dead letters", "ok policy", "ok keys",
		"ok vault", "ok secrets", "ok secrets", "ok migration", "ok connections", "ok alarms", "ok alarms"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestEachMistakeIsFoundAlone(t *testing.T) {
	t.Parallel()
	replace := func(field *string, old, new string) {
		if !strings.Contains(*field, old) {
			t.Errorf("%s is not in %s", old, *field)
		}
		*field = strings.Replace(*field, old, new, 1)
	}
	for name, test := range map[string]struct {
		mistake func(*account)
		subject string
		text    string
	}{
		"a deployment that rolled back": {func(a *account) { a.status = "UPDATE_ROLLBACK_COMPLETE" }, "stack", "its last deployment failed"},
		"failures that are deleted":     {func(a *account) { replace(&a.mapping, `["ReportBatchItemFailures"]`, `[]`) }, "mapping", "deletes failed messages"},
		"a mapping that is off":         {func(a *account) { replace(&a.mapping, `"Enabled"`, `"Disabled"`) }, "mapping", "update-event-source-mapping --uuid mapping-id --enabled"},
		"a filter of somebody else":     {func(a *account) { replace(&a.mapping, `{`, `{"FilterCriteria":{"Filters":[{"Pattern":"{}"}]},`) }, "mapping", `its filter is "{}", that of the stack ""`},
		"more at a time than deployed":  {func(a *account) { replace(&a.mapping, `"MaximumConcurrency":10`, `"MaximumConcurrency":20`) }, "mapping", "its MaximumConcurrency is 20, that of the stack 10"},
		"no limit at all":               {func(a *account) { replace(&a.mapping, `,"ScalingConfig":{"MaximumConcurrency":10}`, ``) }, "mapping", "it has no MaximumConcurrency"},
		"too little reserved":           {func(a *account) { a.concurrency = `{"ReservedConcurrentExecutions":5}` }, "mapping", "reserved concurrency 5 is below 10"},
		"a longer timeout":              {func(a *account) { replace(&a.function, `"Timeout":30`, `"Timeout":60`) }, "visibility", "181 s is less than 6 times"},
		"a longer window":               {func(a *account) { replace(&a.mapping, `InSeconds":1`, `InSeconds":20`) }, "visibility", "the batch window of 20s"},
		"a disabled key":                {func(a *account) { a.key = `{"KeyMetadata":{"KeyId":"k","Enabled":false,"KeyState":"Disabled"}}` }, "keys", "arn:key is Disabled"},
		"a disabled key of the vault": {func(a *account) {
			a.vaultKey = `{"KeyMetadata":{"KeyId":"v","Enabled":false,"KeyState":"Disabled"}}`
		}, "vault", "arn:vault is Disabled, so nobody can reveal"},
		"a key of the vault that is deleted": {func(a *account) {
			a.vaultKey = `{"KeyMetadata":{"KeyId":"v","Enabled":false,"KeyState":"PendingDeletion","DeletionDate":1798761600}}`
		}, "vault", "arn:vault is deleted on 2027-01-01, and what is sealed for it is lost then"},
		"a public key of another key": {func(a *account) { a.publicKey = answerOf(anotherPublic) }, "vault", "the functions seal for another key than arn:vault"},
		"a key that signs":            {func(a *account) { replace(&a.publicKey, "KEY_AGREEMENT", "SIGN_VERIFY") }, "vault", "arn:vault is of type ECC_NIST_P256 for SIGN_VERIFY: use a key"},
		"a public key that KMS keeps": {func(a *account) { a.publicKey = `{"__type":"AccessDeniedException"}` }, "vault", "AccessDeniedException"},
		"a role that opens the vault": {func(a *account) {
			a.decision = "allowed"
			replace(&a.function, `"Role":"arn:aws:iam::1:role/s-role",`, `"Role":"arn:aws:iam::1:role/path/s-role",`)
		}, "vault", "s-role may open the vault"},
		"a table of an older contract": {func(a *account) {
			replace(&a.inspection, `"days_ahead"`, `"differences":["column carrier is missing"],"days_ahead"`)
		}, "migration", "public.user_logins: column carrier is missing"},
		"a login that writes and reveals": {func(a *account) {
			replace(&a.inspection, `"days_ahead"`, `"vault":["ana may write and reveal: revoke one"],"days_ahead"`)
		}, "vault", "public.user_logins: ana may write and reveal"},
		"a database without room": {func(a *account) { replace(&a.inspection, `97`, `20`) }, "connections", "10 invocations may need 25, and the server has 20"},
		"a database without room for several tables": {func(a *account) {
			a.parameters["ContractName"] = "orders,refunds"
			replace(&a.inspection, `97`, `40`)
		}, "connections", "10 invocations may need 45, and the server has 40"},
		"a database that is away":    {func(a *account) { a.inspection = `{"errorMessage":"database unavailable"}` }, "database", "database unavailable"},
		"an older maintain function": {func(a *account) { a.inspection = `{"task":"inspect"}` }, "database", "deploy this release"},
		"an alarm":                   {func(a *account) { a.alarm = "ALARM" }, "alarms", "AgeAlarm: see infra/README.md"},
		"a topic without readers":    {func(a *account) { a.subscriptions = "0" }, "alarms", "nobody has subscribed to arn:topic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			test.mistake(a)
			var fixes []doctor.Finding
			for _, f := range a.examine(t) {
				if f.Verdict != doctor.OK {
					fixes = append(fixes, f)
				}
			}
			if len(fixes) != 1 || fixes[0].Verdict != doctor.Fix || fixes[0].Subject != test.subject || !strings.Contains(fixes[0].Text, test.text) {
				t.Errorf("findings %+v, want one of %s with %q", fixes, test.subject, test.text)
			}
		})
	}
}

func TestDeletedSecretsAreFound(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.secret = `{"Name":"a-secret","DeletedDate":1767225600}`
	n := 0
	for _, f := range a.examine(t) {
		if f.Verdict == doctor.Fix && strings.Contains(f.Text, "a-secret is deleted") {
			n++
		}
	}
	if n != 2 { // of the database and the keyring
		t.Errorf("%d deleted secrets, want 2", n)
	}
}

// The page lists what a person must be allowed to do, and no more than doctor calls.
func TestPageListsTheCallsOfDoctor(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../infra/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Look at a deployed stack\n")
	section, _, _ = strings.Cut(section, "\n## ")
	listed := regexp.MustCompile("`([a-z]+:[A-Z][A-Za-z]+)`").FindAllStringSubmatch(section, -1)
	var want []string
	for _, m := range listed {
		want = append(want, m[1])
	}
	a := newAccount(t)
	a.examine(t)
	var called []string
	for call := range a.calls {
		called = append(called, call)
	}
	slices.Sort(called)
	slices.Sort(want)
	if diff := cmp.Diff(want, called); diff != "" {
		t.Errorf("calls that infra/README.md lists (-), and those that doctor makes (+):\n%s", diff)
	}
}
