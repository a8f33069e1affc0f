package migrate_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/maintain"
	"sqs2pg/pkg/migrate"
	"sqs2pg/pkg/postgres/postgrestest"
	"sqs2pg/pkg/settings"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// account answers the calls of the function on the wire of AWS: Lambda's Invoke by function,
// CloudFormation's DescribeStacks by status, and KMS's GetPublicKey by keys. It also takes the response
// of the custom resource.
type account struct {
	*httptest.Server
	function http.HandlerFunc
	status   string
	keys     []string // answers of KMS, one after the other: a JSON object, or the code of an error

	invoked   int
	responses []cfn.Response
}

func newAccount(t *testing.T, function http.HandlerFunc) *account {
	a := &account{function: function, status: "UPDATE_IN_PROGRESS"}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/keeper/invocations", func(w http.ResponseWriter, r *http.Request) {
		a.invoked++
		a.function(w, r)
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if r.Header.Get("X-Amz-Target") == "TrentService.GetPublicKey" {
			a.publicKey(w, string(text))
			return
		}
		if !strings.Contains(string(text), "Action=DescribeStacks") || !strings.Contains(string(text), "StackName=arn%3Aaws%3Astack") {
			t.Errorf("call %s", text)
		}
		fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>s</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>`+
			`<StackStatus>%s</StackStatus></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, a.status)
	})
	mux.HandleFunc("PUT /response", func(w http.ResponseWriter, r *http.Request) {
		var response cfn.Response
		if err := json.NewDecoder(r.Body).Decode(&response); err != nil || r.Header.Get("Content-Type") != "" {
			t.Errorf("response of type %q: %v", r.Header.Get("Content-Type"), err)
		}
		a.responses = append(a.responses, response)
	})
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

// publicKey answers as KMS does.
func (a *account) publicKey(w http.ResponseWriter, request string) {
	answer := "NotFoundException"
	if strings.Contains(request, keyArn) && len(a.keys) > 0 {
		answer, a.keys = a.keys[0], a.keys[1:]
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if !strings.HasPrefix(answer, "{") {
		w.WriteHeader(http.StatusBadRequest)
		answer = fmt.Sprintf(`{"__type": %q, "message": "no"}`, answer)
	}
	_, _ = io.WriteString(w, answer)
}

// ask sends the function a request of CloudFormation and returns what CloudFormation learns.
func (a *account) ask(ctx context.Context, t *testing.T, kind cfn.RequestType, properties map[string]any) cfn.Response {
	t.Helper()
	return a.askOf(ctx, t, "Migration", kind, properties)
}

// askOf does so for the resource Migration or VaultKey.
func (a *account) askOf(ctx context.Context, t *testing.T, resource string, kind cfn.RequestType, properties map[string]any) cfn.Response {
	t.Helper()
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(a.URL), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	event, err := json.Marshal(cfn.Event{
		RequestType: kind, RequestID: "request", ResponseURL: a.URL + "/response", ResourceType: "Custom::" + resource, LogicalResourceID: resource, StackID: "arn:aws:stack", ResourceProperties: properties,
	})
	if err != nil {
		t.Fatal(err)
	}
	a.responses = nil
	if _, err := lambda.NewHandler(migrate.New(cfg, slog.New(slog.DiscardHandler)).Handle).Invoke(ctx, event); err != nil {
		t.Fatal(err)
	}
	if len(a.responses) != 1 {
		t.Fatalf("CloudFormation got %d responses, want 1", len(a.responses))
	}
	r := a.responses[0]
	id := map[string]string{"Migration": "migration", "VaultKey": "vault-key"}[resource]
	if r.RequestID != "request" || r.LogicalResourceID != resource || r.StackID != "arn:aws:stack" || r.PhysicalResourceID != id {
		t.Errorf("response %+v", r)
	}
	return r
}

// keeper is the maintain function on a database.
func keeper(t *testing.T, url string) http.HandlerFunc {
	t.Helper()
	values := map[string]string{"CONTRACT": "user_logins", "DATABASE_URL": url, "VAULT_PUBLIC_KEY": postgrestest.VaultKey().String()}
	env := &settings.Environment{Folder: contracts.Files, Getenv: func(name string) string { return values[name] }}
	h, stop, err := maintain.New(t.Context(), env, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	handler := lambda.NewHandler(h.Handle)
	return func(w http.ResponseWriter, r *http.Request) {
		payload, _ := io.ReadAll(r.Body)
		answer, err := handler.Invoke(r.Context(), payload)
		if err != nil {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			answer, _ = json.Marshal(map[string]string{"errorType": "errorString", "errorMessage": err.Error()})
		}
		_, _ = w.Write(answer)
	}
}

var properties = map[string]any{"Function": "keeper", "Migrate": "true"}

func TestMigratesTheDatabaseAndSaysSo(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a := newAccount(t, keeper(t, db.OwnerURL))
	for _, kind := range []cfn.RequestType{cfn.RequestCreate, cfn.RequestUpdate} {
		if r := a.ask(t.Context(), t, kind, properties); r.Status != cfn.StatusSuccess {
			t.Errorf("%s: %+v", kind, r)
		}
		if n := db.QueryStrings(t, "select count(*) from sqs2pg.tables")[0]; n != "1" {
			t.Errorf("%s: %s tables are migrated, want 1", kind, n)
		}
	}
}

func TestFailedMigrationFailsTheDeploymentWithItsReason(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	db.Exec(t, "create table user_logins (user_id int, sent_at text)") // not one that can be taken over
	r := newAccount(t, keeper(t, db.OwnerURL)).ask(t.Context(), t, cfn.RequestUpdate, properties)
	if r.Status != cfn.StatusFailed || !strings.HasPrefix(r.Reason, "keeper: ") || !strings.Contains(r.Reason, "user_logins") || strings.Contains(r.Reason, "\n") {
		t.Errorf("%+v", r)
	}
}

func TestReasonsOfFunctionsThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	tail := base64.StdEncoding.EncodeToString([]byte("INIT_START\n{\"level\":\"ERROR\",\"message\":\"start refused\",\"error\":\"CONTRACT: no such file\"}\nREPORT\n"))
	for name, test := range map[string]struct {
		status                   int
		header, tail, body, want string
	}{
		"a start that is refused":        {200, "Unhandled", tail, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: exit status 1"}`, "keeper: CONTRACT: no such file"},
		"a start without a log":          {200, "Unhandled", "", `{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}`, "keeper: exit status 1"},
		"a timeout of the maintain":      {200, "Unhandled", tail, `{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 900.00 seconds"}`, "keeper: Task timed out after 900.00 seconds"},
		"an answer that is not an error": {200, "Unhandled", "", `oops`, "keeper: it failed: see its log"},
		"a call that is refused":         {403, "", "", `{"Message":"not allowed"}`, "keeper cannot be invoked: AccessDeniedException: not allowed"},
		"a long reason":                  {200, "Unhandled", "", `{"errorMessage":"` + strings.Repeat("é", 5000) + `"}`, "keeper: " + strings.Repeat("é", 592) + " ..."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, func(w http.ResponseWriter, _ *http.Request) {
				if test.status != 200 {
					w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
				}
				if test.header != "" {
					w.Header().Set("X-Amz-Function-Error", test.header)
				}
				w.Header().Set("X-Amz-Log-Result", test.tail)
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			r := a.ask(t.Context(), t, cfn.RequestCreate, properties)
			if diff := cmp.Diff(test.want, r.Reason); diff != "" || r.Status != cfn.StatusFailed {
				t.Errorf("%s, reason (-want +got):\n%s", r.Status, diff)
			}
		})
	}
}

func TestChangesNothingWhereThereIsNothingToDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind       cfn.RequestType
		status     string
		properties map[string]any
	}{
		"a deletion, whose function may be gone": {cfn.RequestDelete, "DELETE_IN_PROGRESS", properties},
		"a deletion without properties":          {cfn.RequestDelete, "ROLLBACK_IN_PROGRESS", nil},
		"a team that migrates by hand":           {cfn.RequestCreate, "CREATE_IN_PROGRESS", map[string]any{"Function": "keeper", "Migrate": "false"}},
		"the rollback of an update":              {cfn.RequestUpdate, "UPDATE_ROLLBACK_IN_PROGRESS", properties},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, http.NotFound)
			a.status = test.status
			if r := a.ask(t.Context(), t, test.kind, test.properties); r.Status != cfn.StatusSuccess || a.invoked > 0 {
				t.Errorf("%+v, %d invocations, want success and none", r, a.invoked)
			}
		})
	}
}

func TestAnswersBeforeItsOwnTimeEnds(t *testing.T) {
	t.Parallel()
	a := newAccount(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second+200*time.Millisecond)
	defer cancel()
	r := a.ask(ctx, t, cfn.RequestCreate, properties)
	if r.Status != cfn.StatusFailed || !strings.Contains(r.Reason, "has not ended in time") || ctx.Err() != nil {
		t.Errorf("%+v, its own time: %v", r, ctx.Err())
	}
}

const keyArn = "arn:aws:kms:eu-west-1:123456789012:key/vault"

// The key's resource gets the public key, and waits for a role whose rights KMS does not know yet.
func TestVaultKeyGetsItsPublicKeyFromKMS(t *testing.T) {
	t.Parallel()
	named := map[string]any{"KeyArn": keyArn}
	const good = `{"PublicKey": "MFkw", "KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}`
	for name, test := range map[string]struct {
		kind       cfn.RequestType
		properties map[string]any
		keys       []string
		want       string // the public key, or a part of the reason
	}{
		"a key":                       {cfn.RequestCreate, named, []string{good}, "MFkw"},
		"an update":                   {cfn.RequestUpdate, named, []string{good}, "MFkw"},
		"a role that is a moment old": {cfn.RequestCreate, named, []string{"AccessDeniedException", good}, "MFkw"},
		"a key that is not there":     {cfn.RequestCreate, named, nil, keyArn + ": its public key cannot be read: NotFoundException: no"},
		"no name":                     {cfn.RequestCreate, nil, nil, "the property KeyArn is missing"},
		"a key to sign with": {cfn.RequestCreate, named, []string{`{"PublicKey": "MFkw", "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}`},
			"is a key of type ECC_NIST_P256 for SIGN_VERIFY: name one of type ECC_NIST_P256 for KEY_AGREEMENT"},
		"a key of another curve": {cfn.RequestCreate, named, []string{`{"PublicKey": "MFkw", "KeySpec": "ECC_NIST_P384", "KeyUsage": "KEY_AGREEMENT"}`},
			"is a key of type ECC_NIST_P384 for KEY_AGREEMENT"},
		"a deletion": {cfn.RequestDelete, named, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, http.NotFound)
			a.keys = test.keys
			r := a.askOf(t.Context(), t, "VaultKey", test.kind, test.properties)
			if got, _ := r.Data["PublicKey"].(string); r.Status == cfn.StatusSuccess && got != test.want ||
				r.Status == cfn.StatusFailed && (test.want == "" || !strings.Contains(r.Reason, test.want)) || a.invoked > 0 || len(a.keys) > 0 {
				t.Errorf("%+v, %d invocations, answers left %v, want %q", r, a.invoked, a.keys, test.want)
			}
		})
	}
}
