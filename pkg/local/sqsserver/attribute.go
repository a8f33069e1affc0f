package sqsserver

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// An attribute is one message attribute.
type attribute struct {
	name     string
	dataType string // String, Number or Binary; the sender may add a label: Number.int
	text     string // the value; the bytes of a Binary
}

func (a *attribute) isBinary() bool { return strings.HasPrefix(a.dataType, "Binary") }

// attributeValue is the value of an attribute in requests and responses.
type attributeValue struct {
	DataType    string  `json:"DataType"`
	StringValue *string `json:"StringValue,omitempty"`
	BinaryValue []byte  `json:"BinaryValue,omitempty"`
}

const badCharacters = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"

// allowedText reports whether SQS allows all characters of s in a message
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
func allowedText(s string) bool {
	for _, r := range s {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return false
		}
	}
	return true
}

// readAttributes returns the attributes sorted by name, and their size in bytes.
func readAttributes(values map[string]attributeValue) (list []attribute, size int, err error) {
	if len(values) > 10 {
		return nil, 0, invalidParameter.because("Number of message attributes [%d] exceeds the allowed maximum [10].", len(values))
	}
	for name, v := range values {
		if err := checkAttributeName(name); err != nil {
			return nil, 0, err
		}
		a, err := readAttribute(name, v)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, a)
		size += len(a.name) + len(a.dataType) + len(a.text)
	}
	slices.SortFunc(list, func(a, b attribute) int { return strings.Compare(a.name, b.name) })
	return list, size, nil
}

func readAttribute(name string, v attributeValue) (attribute, error) {
	a := attribute{name: name, dataType: v.DataType}
	if v.StringValue != nil {
		a.text = *v.StringValue
	}
	if a.isBinary() {
		a.text = string(v.BinaryValue)
	}
	return a, a.check()
}

// readSystemAttributes reads AWSTraceHeader, the only system attribute that a sender may set.
func readSystemAttributes(values map[string]attributeValue) ([]attribute, error) {
	var list []attribute
	for name, v := range values {
		if name != "AWSTraceHeader" {
			return nil, invalidParameter.because("Message system attribute name '%s' is invalid.", name)
		}
		a, err := readAttribute(name, v)
		if err != nil {
			return nil, err
		}
		if a.dataType != "String" {
			return nil, invalidParameter.because("The message system attribute 'AWSTraceHeader' must be of type 'String'.")
		}
		list = append(list, a)
	}
	return list, nil
}

// attributesMD5 returns the digest that SDKs check
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation).
// The list must be sorted by name. The digest of an empty list is "".
func attributesMD5(list []attribute) string {
	if len(list) == 0 {
		return ""
	}
	sum := md5.New()
	part := func(s string) {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(s)))
		sum.Write(length[:])
		_, _ = io.WriteString(sum, s)
	}
	for _, a := range list {
		part(a.name)
		part(a.dataType)
		if a.isBinary() {
			sum.Write([]byte{2})
		} else {
			sum.Write([]byte{1})
		}
		part(a.text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// attributeList is a list of attributes that is written as one JSON object.
type attributeList []attribute

// MarshalJSONTo writes the attributes as one object.
func (l attributeList) MarshalJSONTo(e *jsontext.Encoder) error {
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for i := range l {
		v := attributeValue{DataType: l[i].dataType, StringValue: &l[i].text}
		if l[i].isBinary() {
			v.StringValue, v.BinaryValue = nil, []byte(l[i].text)
		}
		if err := e.WriteToken(jsontext.String(l[i].name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(e, v); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndObject)
}

var attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)

// checkAttributeName checks the name by the rules of
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html.
func checkAttributeName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case len(name) > 256:
		return invalidParameter.because("Message (user) attribute names must be shorter than 256 Bytes")
	case !attributeName.MatchString(name) || strings.Contains(name, ".."):
		return invalidParameter.because("Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and underscores. ")
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") || name[0] == '.' || name[len(name)-1] == '.':
		return invalidParameter.because("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'.")
	}
	return nil
}

// check checks type and value by the rules of the same page.
func (a *attribute) check() error {
	kind, _, _ := strings.Cut(a.dataType, ".")
	switch {
	case a.dataType == "":
		return invalidParameter.because("The message attribute '%s' must contain non-empty message attribute type.", a.name)
	case len(a.dataType) > 256:
		return invalidParameter.because("Message (user) attribute types must be shorter than 256 Bytes")
	case kind != "String" && kind != "Number" && kind != "Binary":
		return invalidParameter.because("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", a.name)
	case a.text == "":
		return invalidParameter.because("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", a.name, kind)
	case kind != "Binary" && !allowedText(a.text):
		return invalidParameter.because(badCharacters)
	case kind == "Number" && !isNumber(a.text):
		return invalidParameter.because("Can't cast the value of message (user) attribute '%s' to a number.", a.name)
	}
	return nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil && strings.Trim(text, "+-.0123456789eE") == ""
}
