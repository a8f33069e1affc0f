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

// The query protocol is an older format of the same calls. SDKs from before the end of 2023 and
// many tools use it
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html).
// We translate the form of a request to the JSON of the call, and the JSON of its output to XML.

// serveQuery answers one request of the query protocol. Its parameters are a form, in the body of a
// POST or in the URL after the question mark.
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
	_, _ = w.Write(answer.Bytes()) // fails only if the client has gone
}

// readForm writes the parameters to the buffer as JSON.
func readForm(buffer *bytes.Buffer, r *http.Request) error {
	if err := r.ParseForm(); errors.As(err, new(*http.MaxBytesError)) {
		return readError(err)
	} else if err != nil {
		return malformedQuery.because("The query string contains a syntax error.")
	}
	ofQueue := strings.Count(r.URL.Path, "/") > 1 // the path is that of a queue's URL
	switch action := r.Form.Get("Action"); {
	case action == "":
		return missingAction.because("The request must contain the parameter Action.")
	case operations[action] == nil, ofQueue && (action == "CreateQueue" || action == "ListQueues"):
		return invalidAction.because("The action %s is not valid for this endpoint.", action)
	}
	parameters := parameterTree(r.Form)
	if r.Form.Get("QueueUrl") == "" && ofQueue {
		parameters["QueueUrl"] = r.URL.Path
	}
	if err := json.MarshalWrite(buffer, jsonMembers(parameters)); err != nil {
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

// A tree holds parameters by the parts of their names: Tag.1.Key is tree["Tag"]["1"]["Key"]. A
// value is a string or a tree.
type tree = map[string]any

// maxParts is the number of parts of the longest name,
// SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue.
const maxParts = 6

// parameterTree returns the form as a tree. It drops names that are too long, and names that
// contradict another name (a=1&a.b=2). It also drops the part "member", which some clients write in
// lists (AttributeName.member.1).
func parameterTree(form url.Values) tree {
	root := tree{}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		parts := slices.DeleteFunc(strings.SplitN(name, ".", 2*maxParts), func(s string) bool { return s == "member" })
		if len(parts) > 0 && len(parts) <= maxParts {
			insert(root, parts, form.Get(name))
		}
	}
	return root
}

func insert(at tree, parts []string, value string) {
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

// plurals maps the query protocol's name for an element of a list to the JSON protocol's name for
// the list.
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

// objects does the same for lists of names (or keys) and values, which are objects in JSON.
var objects = map[string]string{
	"Attribute":              "Attributes",
	"MessageAttribute":       "MessageAttributes",
	"MessageSystemAttribute": "MessageSystemAttributes",
	"Tag":                    "Tags",
}

// jsonMembers returns the parameters with the names of the JSON protocol. Numbers stay strings. It
// drops empty parameters: botocore writes AttributeNames= for an empty list.
func jsonMembers(parameters tree) tree {
	call := tree{}
	for name, value := range parameters {
		if plural := plurals[name]; plural != "" {
			call[plural] = array(elements(value))
		} else if plural := objects[name]; plural != "" {
			call[plural] = object(elements(value))
		} else if value != "" {
			call[name] = jsonValue(value)
		}
	}
	return call
}

func jsonValue(value any) any {
	if t, ok := value.(tree); ok {
		return jsonMembers(t)
	}
	return value
}

// elements returns a list in the order of its numbers. A list of one element may come without a
// number: AttributeName=All.
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
		list[i] = jsonValue(element)
	}
	return list
}

func object(list []any) tree {
	named := tree{}
	for _, element := range list {
		t, _ := element.(tree)
		for _, key := range []string{"Name", "Key"} {
			if name, ok := t[key].(string); ok {
				named[name] = jsonValue(t["Value"])
			}
		}
	}
	return named
}
