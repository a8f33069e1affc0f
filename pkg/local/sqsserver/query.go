package sqsserver

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// The query protocol is the older spelling of the same calls, which SDKs before the end of 2023 and many tools use
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html).
// Here it is nothing more than that: a form is respelled as the JSON of the call, and the JSON of its output as XML.

// serveQuery answers one request of the query protocol: a form, in the body of a POST or after the URL's question mark.
func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request, id string) {
	w.Header().Set("Content-Type", "text/xml")
	buffer := buffers.Get().(*bytes.Buffer)
	defer putBuffer(buffer)
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	err := readForm(buffer, r)
	if err == nil {
		err = s.perform(r.Form.Get("Action"), buffer, r, decodeForm)
	}
	if err != nil {
		writeXMLError(w, err, id)
		return
	}
	answer := buffers.Get().(*bytes.Buffer)
	defer putBuffer(answer)
	writeXML(answer, r.Form.Get("Action"), buffer.Bytes(), id)
	_, _ = w.Write(answer.Bytes()) // an error here is a client that went away
}

// readForm writes the parameters to the buffer, as JSON.
func readForm(buffer *bytes.Buffer, r *http.Request) error {
	if err := r.ParseForm(); errors.As(err, new(*http.MaxBytesError)) {
		return readError(err)
	} else if err != nil {
		return malformedQuery.because("The query string contains a syntax error.")
	}
	switch action := r.Form.Get("Action"); {
	case action == "":
		return missingAction.because("The request must contain the parameter Action.")
	case operations[action] == nil:
		return invalidAction.because("The action %s is not valid for this endpoint.", action)
	}
	parameters := plant(r.Form)
	if r.Form.Get("QueueUrl") == "" && strings.Count(r.URL.Path, "/") > 1 {
		parameters["QueueUrl"] = r.URL.Path
	}
	if err := json.MarshalWrite(buffer, respell(parameters)); err != nil {
		return malformedQuery.because("A parameter is not UTF-8 text.")
	}
	return nil
}

func decodeForm(parameters []byte, in any) error {
	if err := json.Unmarshal(parameters, in, json.StringifyNumbers(true)); err != nil {
		return invalidParameter.because("The parameters are not those that this action takes%s.", where(err))
	}
	return nil
}

// A tree holds parameters by the parts of their names, Tag.1.Key under Tag, under 1, under Key. A value is a string or a tree.
type tree = map[string]any

// maxParts is how many parts the longest name has: SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue.
const maxParts = 6

// plant drops the parameters that no call has, those that contradict another (a=1&a.b=2) and the "member" of lists that are
// not flattened (AttributeName.member.1), which some clients write.
func plant(form url.Values) tree {
	root := tree{}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		parts := slices.DeleteFunc(strings.SplitN(name, ".", 2*maxParts), func(s string) bool { return s == "member" })
		if len(parts) > 0 && len(parts) <= maxParts {
			graft(root, parts, form.Get(name))
		}
	}
	return root
}

func graft(at tree, parts []string, value string) {
	last := len(parts) - 1
	for _, part := range parts[:last] {
		if at[part] == nil {
			at[part] = tree{}
		}
		below, ok := at[part].(tree)
		if !ok {
			return
		}
		at = below
	}
	if at[parts[last]] == nil {
		at[parts[last]] = value
	}
}

// plurals are the lists of requests: what the query protocol calls an element, and the JSON protocol the whole.
var plurals = map[string]string{
	"AttributeName":              "AttributeNames",
	"MessageAttributeName":       "MessageAttributeNames",
	"MessageSystemAttributeName": "MessageSystemAttributeNames",
	"TagKey":                     "TagKeys",
	"AWSAccountId":               "AWSAccountIds",
	"ActionName":                 "Actions",

	"SendMessageBatchRequestEntry":             "Entries",
	"DeleteMessageBatchRequestEntry":           "Entries",
	"ChangeMessageVisibilityBatchRequestEntry": "Entries",
}

// objects are the lists of names (or keys) and values, which are objects in JSON.
var objects = map[string]string{
	"Attribute":              "Attributes",
	"MessageAttribute":       "MessageAttributes",
	"MessageSystemAttribute": "MessageSystemAttributes",
	"Tag":                    "Tags",
}

// respell returns the parameters as the JSON protocol has them, except that numbers stay strings. An empty one is as good as
// none; botocore writes AttributeNames= for an empty list.
func respell(parameters tree) tree {
	call := tree{}
	for name, value := range parameters {
		if plural := plurals[name]; plural != "" {
			call[plural] = array(elements(value))
		} else if plural := objects[name]; plural != "" {
			call[plural] = object(elements(value))
		} else if value != "" {
			call[name] = respelled(value)
		}
	}
	return call
}

func respelled(value any) any {
	if t, ok := value.(tree); ok {
		return respell(t)
	}
	return value
}

// elements returns a list in the order of its numbers. A list of one needs none: AttributeName=All.
func elements(value any) []any {
	t, ok := value.(tree)
	if !ok {
		return []any{value}
	}
	numbers := make([]int, 0, len(t))
	for key := range t {
		n, err := strconv.Atoi(key)
		if err != nil || strconv.Itoa(n) != key {
			return []any{value}
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	list := make([]any, len(numbers))
	for i, n := range numbers {
		list[i] = t[strconv.Itoa(n)]
	}
	return list
}

func array(list []any) []any {
	for i, element := range list {
		list[i] = respelled(element)
	}
	return list
}

func object(list []any) tree {
	named := tree{}
	for _, element := range list {
		t, _ := element.(tree)
		for _, key := range []string{"Name", "Key"} {
			if name, ok := t[key].(string); ok {
				named[name] = respelled(t["Value"])
			}
		}
	}
	return named
}
